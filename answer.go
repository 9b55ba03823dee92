package instagram

// This file answers: what did an attempt bring, in the words of this package?

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/seed-922467ee/instagram/internal/redact"
	"github.com/seed-922467ee/instagram/internal/wire"
)

// classifying is the layer above the base transport, and the only one that
// looks into a body: it notes for the others what the platform said.
func (c *Client) classifying(base http.RoundTripper) http.RoundTripper {
	memo := new(usageMemo)
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		call := callOf(req)
		call.sent = true
		resp, err := base.RoundTrip(req)
		if err != nil {
			call.lost = lossOf(err)
			return nil, call.blot(err)
		}
		resp.Request = req
		call.info = responseInfo(resp, memo)
		if resp.Body != nil && resp.Body != http.NoBody {
			call.putBack(resp, &c.idle)
		}
		if b := errorIn(resp); b != nil {
			call.fault = newError("", resp, b.data, call.secrets()...)
			b.err = call.fault
			call.info.traceID = call.fault.TraceID
			call.cut = b.broken() && call.fault.Code == 0
		} else if err := call.readWhole(resp); err != nil {
			_ = resp.Body.Close()
			return nil, call.blot(fmt.Errorf("reading the answer: %w", err))
		}
		c.noticeVersion(c.cfg.Version, call.info.version)
		return resp, nil
	})
}

// readWhole reads an answer to its end where the caller wants it whole: as long
// as nothing was handed over, one that breaks off can be asked for again.
func (c *call) readWhole(resp *http.Response) error {
	b, ok := resp.Body.(*putBack)
	if !ok || c.opts.whole == 0 {
		return nil
	}
	for len(b.data) < c.opts.whole && b.end == nil {
		b.fill(min(c.opts.whole, max(peekSize, 2*len(b.data))), false)
	}
	if b.broken() {
		return b.end
	}
	if v := wire.Parse(b.data); b.end != nil && (v.IsObject() || v.IsArray()) {
		c.cut = !v.Complete()
	}
	return nil
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
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return loss{unsent: true} // whoever answers speaks no TLS
	}
	if stream, ok := errors.AsType[streamError](err); ok {
		return loss{unsent: stream.Code == refusedStream}
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		switch op.Op {
		case "dial", "proxyconnect", "socks connect":
			return loss{unsent: true}
		}
	}
	return loss{}
}

// streamError has the form of net/http's own error of an HTTP/2 stream, which
// looks for such a form in errors.As.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e streamError) Error() string { return "stream error" }

// refusedStream says that a request was not processed at all. Source: RFC 9113, 8.7.
const refusedStream = 0x7

// blot takes out of an error what must not be printed: net/http puts whole
// URLs into its errors, and a transport of the caller's may put anything.
func (c *call) blot(err error) error {
	return redact.Err(err, redact.InQuery(c.asked.URL, c.secrets())...)
}
