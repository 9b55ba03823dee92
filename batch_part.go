package instagram

// This file answers: what became of each call of a batch?

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/seed-922467ee/instagram/internal/wire"
)

// partAnswer is one element of the answer to a batch; nil for one that is null.
type partAnswer struct {
	status int
	header http.Header
	body   []byte
}

// readParts reads the answer to a batch: a list with an element for each call,
// which has status ("code"), headers and body, or is null.
func readParts(resp *http.Response) ([]*partAnswer, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("batch: reading the answer: %w", err)
	}
	list := wire.Parse(body)
	if !list.IsArray() || !list.Complete() || len(body) > maxAnswer {
		return nil, &AnswerError{Op: "batch", Host: resp.Request.URL.Host, HTTPStatus: resp.StatusCode, Problem: "not a list of answers"}
	}
	var parts []*partAnswer
	for v := range list.Elems() {
		if !v.IsObject() {
			parts = append(parts, nil)
			continue
		}
		p := &partAnswer{header: http.Header{}, body: []byte(v.Get("body").Text())}
		if inner := v.Get("body"); !inner.IsString() && inner.Exists() {
			p.body = inner.Raw()
		}
		status, _ := v.Get("code").Int()
		p.status = int(status)
		for h := range v.Get("headers").Elems() {
			p.header.Add(h.Get("name").Text(), h.Get("value").Text())
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// tellParts tells the limiter what the calls say of quotas: their usage headers,
// and that one of them was refused.
func tellParts(parts []*partAnswer, outer http.Header, out *Outcome) {
	all := outer.Clone()
	for _, p := range parts {
		if p == nil {
			continue
		}
		for name, values := range p.header {
			if len(name) > 2 && (name[0] == 'X' || name[0] == 'x') {
				all[name] = append(all[name], values...)
			}
		}
		if fault := checkPart("", p.status, p.header, p.body); fault != nil && errors.Is(fault, ErrThrottled) && out.Err == nil {
			out.Err = fault
		}
	}
	out.Usage = ParseUsage(all)
}

// fail sets the result of a call whose request failed as a whole.
func (p *part) fail(err error) {
	p.result.Status, p.result.Header, p.result.body = 0, nil, nil
	p.result.Err = fmt.Errorf("instagram: %s: %w", p.op, err)
}

// take sets the result of a call from its answer, and reports whether the call
// may be sent again.
func (p *part) take(a *partAnswer, secrets []string) (again bool) {
	if a == nil {
		return p.missed()
	}
	r := p.result
	r.Status, r.Header, r.body, r.Err = a.status, a.header, a.body, nil
	if !json.Valid(a.body) {
		r.body = nil
	}
	fault := checkPart(p.op, a.status, a.header, a.body, secrets...)
	if fault == nil {
		if err := decodePart(a, p.call.Out); err != nil {
			r.Err = fmt.Errorf("instagram: %s: %w", p.op, err)
		}
		return false
	}
	switch {
	case errors.Is(fault, ErrThrottled):
		again = true
		r.Err = &RateLimitError{RetryAfter: fault.RetryAfter, Bucket: fault.Usage.Peak().Bucket, Err: fault}
	case errors.Is(fault, ErrTransient):
		if again = !p.isWrite() || fault.certainlyRefused(); again {
			r.Err = fault
		} else {
			r.Err = fmt.Errorf("%w: %w", fault, ErrOutcomeUnknown)
		}
	default:
		r.Err = fault
	}
	r.Err = fmt.Errorf("instagram: %w", r.Err)
	return again
}

// missed sets the result of a call that has no answer.
func (p *part) missed() (again bool) {
	err := ErrBatchTimeout
	if p.isWrite() {
		err = fmt.Errorf("%w: %w", ErrBatchTimeout, ErrOutcomeUnknown)
	}
	p.fail(err)
	return !p.isWrite()
}

func decodePart(a *partAnswer, out any) error {
	if out == nil {
		return nil
	}
	if err := unmarshal(a.body, out); err != nil {
		return &AnswerError{Op: "decode", Host: "batch", HTTPStatus: a.status, Problem: decodeProblem(err, out)}
	}
	return nil
}
