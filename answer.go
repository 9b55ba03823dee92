package instagram

// This file answers: what did an attempt bring, in the words of this package?

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"

	"github.com/seed-922467ee/instagram/internal/redact"
)

// classifying is the layer above the base transport, and the only one that
// looks into a body: it notes for the others what the platform said.
func (c *Client) classifying(base http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		call := callOf(req)
		call.sent = true
		resp, err := base.RoundTrip(req)
		if err != nil {
			call.lost = lossOf(err)
			return nil, call.blot(err)
		}
		resp.Request = req
		call.info = responseInfo(resp)
		if resp.Body != nil && resp.Body != http.NoBody {
			resp.Body = newPutBack(resp.Body, &c.idle)
		}
		if b := errorIn(resp); b != nil {
			call.fault = newError("", resp, b.data, call.secrets()...)
			b.err = call.fault
			call.info.TraceID = call.fault.TraceID
		}
		c.noticeVersion(c.cfg.Version, call.info.Version)
		return resp, nil
	})
}

// loss is what is known of an attempt to which no answer came.
type loss struct {
	unsent  bool // not a byte of the request has left
	certain bool // the same request will fail the same way
}

func lossOf(err error) loss {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return loss{unsent: true, certain: dns.IsNotFound}
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return loss{unsent: true, certain: true}
	}
	op, ok := errors.AsType[*net.OpError](err)
	return loss{unsent: ok && op.Op == "dial"}
}

// blot takes out of an error what must not be printed: net/http puts whole
// URLs into its errors, and a transport of the caller's may put anything.
func (c *call) blot(err error) error {
	return redact.Err(err, redact.InQuery(c.asked.URL, c.secrets())...)
}
