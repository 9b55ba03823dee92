package instagram

// This file answers: what did an attempt bring, in the words of this package?

import "net/http"

// classifying is the layer above the base transport, and the only one that
// looks into a body: it notes for the others what the platform said.
func (c *Client) classifying(base http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		call := callOf(req)
		call.sent = true
		resp, err := base.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		if resp.Request == nil {
			resp.Request = req
		}
		call.info = responseInfo(resp)
		call.fault = checkResponse("", resp, call.secrets()...)
		if call.fault != nil {
			call.info.TraceID = call.fault.TraceID
		}
		c.noticeVersion(c.cfg.Version, call.info.Version)
		return resp, nil
	})
}

// checkCall returns the error of a call's last answer, or nil.
func checkCall(op string, resp *http.Response) error {
	call := callOf(resp.Request)
	if call == nil {
		return CheckResponse(resp)
	}
	if call.fault == nil {
		return nil
	}
	call.fault.Op = op
	return call.failure()
}
