package instagram

// This file answers: how are many calls sent in one request?

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/seed-922467ee/instagram/internal/backoff"
	"github.com/seed-922467ee/instagram/internal/redact"
)

// maxBatch is how many calls one request holds. Source: "Batch requests".
const maxBatch = 50

// BatchCall is one call of a batch.
type BatchCall struct {
	// Method is GET, POST or DELETE. "": GET.
	Method string
	// Path and Params are those of [Account.Get]; a path is relative to host and version.
	Path   string
	Params any
	// Out is what the answer is decoded into, as in [Account.Get]. nil: nothing.
	Out any
	// Repeatable says that a write may take effect twice without harm; see [Repeatable].
	Repeatable bool
}

// BatchResult is what became of one call of a batch.
type BatchResult struct {
	// Err is nil for a success, and else what [Account.Get] would return: an
	// [*Error] of this call alone, a [*RateLimitError]; it matches
	// [ErrOutcomeUnknown] for a write that may have taken effect, and
	// [ErrBatchTimeout] when Meta did not get to the call in time.
	Err error
	// Status is the call's own HTTP status, 0 when it has no answer.
	Status int
	// Header holds the call's own headers.
	Header http.Header
	// Attempts is how often it was tried to send the call.
	Attempts int

	body json.RawMessage
}

// Body returns the answer as it came, whatever Out is; nil when there is none, or
// it is no JSON. It may hold Page tokens, and is not printed with the result.
func (r *BatchResult) Body() json.RawMessage { return r.body }

// ErrBatchTimeout says that Meta answered a batch before it had finished this
// call of it: its answer is null. A read was not done, or its answer is lost; a
// write matches [ErrOutcomeUnknown] too.
var ErrBatchTimeout = errors.New("not finished before the batch was answered")

// Batch sends many calls in few requests: up to 50 in one. Each counts against the
// quota as if it had been sent alone, and each has a result of its own, in
// the order of the calls. A batch saves round trips, and nothing else.
//
// What fails in passing is sent again on its own while the [RetryPolicy] allows
// it: reads always, writes only when Meta refused them, or they are declared
// repeatable. Meta does the calls in no particular order; one that needs
// another's answer belongs in a later batch.
//
// The error is nil unless nothing could be sent at all: there are no batches
// on Instagram Login, whose host is reported to refuse them, which gives
// [errors.ErrUnsupported]; a call that is written wrongly gives
// [ErrInvalidRequest]. Source: "Batch requests" of the Graph API, read 2026.
func (a *Account) Batch(ctx context.Context, calls []BatchCall, opts ...CallOption) ([]BatchResult, error) {
	const op = "instagram: batch: %w"
	if a.c.cfg.Login == InstagramLogin {
		return nil, fmt.Errorf(op, fmt.Errorf("graph.instagram.com has none: send the calls one by one: %w: %w", errors.ErrUnsupported, ErrInvalidRequest))
	}
	b := &batch{a: a, results: make([]BatchResult, len(calls)), parts: make([]*part, len(calls))}
	var errs []error
	for i := range calls {
		p, err := a.c.newPart(&calls[i], &b.results[i])
		if err != nil {
			errs = append(errs, fmt.Errorf("call %d: %w", i, err))
		}
		b.parts[i] = p
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf(op, err)
	}
	b.run(WithCallOptions(ctx, opts...))
	return b.results, nil
}

// part is one call on its way.
type part struct {
	call   *BatchCall
	result *BatchResult
	op     string
	wire   wirePart
}

// wirePart is a call as the platform reads it.
type wirePart struct {
	Method      string `json:"method"`
	RelativeURL string `json:"relative_url"`
	Body        string `json:"body,omitempty"`
}

func (c *Client) newPart(call *BatchCall, result *BatchResult) (*part, error) {
	method := strings.ToUpper(call.Method)
	switch method {
	case "":
		method = http.MethodGet
	case http.MethodGet, http.MethodPost, http.MethodDelete:
	default:
		return nil, fmt.Errorf("method %q is none of GET, POST and DELETE: %w", call.Method, ErrInvalidRequest)
	}
	values, err := paramValues(call.Params)
	if err != nil {
		return nil, err
	}
	u, err := c.callURL(call.Path)
	if err != nil {
		return nil, err
	}
	p := &part{call: call, result: result, op: method + " " + routeOf(u.Path)}
	base := c.versioned(c.hosts.graph).Path
	if !within(u, c.versioned(c.hosts.graph)) {
		base = c.hosts.graph.Path // a whole URL of another version
	}
	query := withoutCredentials(u.RawQuery)
	p.wire = wirePart{Method: method, RelativeURL: strings.TrimPrefix(strings.TrimPrefix(u.EscapedPath(), base), "/")}
	if method == http.MethodPost {
		p.wire.Body = values.Encode()
	} else {
		query = joinQuery(query, values.Encode())
	}
	if query != "" {
		p.wire.RelativeURL += "?" + query
	}
	return p, nil
}

// isWrite reports whether the call must not be sent twice.
func (p *part) isWrite() bool { return p.wire.Method != http.MethodGet && !p.call.Repeatable }

// batch is a list of calls under way.
type batch struct {
	a       *Account
	parts   []*part
	results []BatchResult
	secrets []string // what the platform may echo
}

// run sends what is left until nothing is left that may be sent again.
func (b *batch) run(ctx context.Context) {
	policy := b.a.c.opts.retry
	left := b.parts
	for round := 0; len(left) > 0; round++ {
		if round > 0 {
			pause := backoff.Pause(policy.BaseDelay, policy.MaxDelay, round-1)
			if !backoff.Fits(ctx, pause) || !b.a.c.budget.Spend(b.a.c.now()) || backoff.Wait(ctx, pause) != nil {
				return
			}
		}
		var again []*part
		for len(left) > 0 {
			n := min(maxBatch, len(left))
			again = append(again, b.send(ctx, left[:n], round+1 < policy.MaxAttempts)...)
			left = left[n:]
		}
		left = again
	}
}

// send sends up to fifty calls, sets their results, and returns those to be sent
// again.
func (b *batch) send(ctx context.Context, parts []*part, more bool) (again []*part) {
	for _, p := range parts {
		p.result.Attempts++
	}
	answers, err := b.post(ctx, parts)
	for i, p := range parts {
		if err != nil {
			p.fail(err)
			if more && errors.Is(err, ErrOutcomeUnknown) && !p.isWrite() {
				again = append(again, p) // a read that shared its request with writes
			}
			continue
		}
		var answer *partAnswer
		if i < len(answers) {
			answer = answers[i]
		}
		if p.take(answer, b.secrets) && more && (b.paced() || !errors.Is(p.result.Err, ErrThrottled)) {
			again = append(again, p)
		}
	}
	return again
}

// paced reports whether a limiter makes refused calls wait: without one they are
// not sent again, for each further one makes the block longer.
func (b *batch) paced() bool {
	_, none := b.a.c.opts.limiter.(noLimit)
	return !none
}

// post sends one request and returns the answers in the order of the calls.
func (b *batch) post(ctx context.Context, parts []*part) ([]*partAnswer, error) {
	list := make([]wirePart, len(parts))
	reads := true
	for i, p := range parts {
		list[i] = p.wire
		reads = reads && !p.isWrite()
	}
	text, err := json.Marshal(list)
	if err != nil {
		return nil, fmt.Errorf("batch: %w", err)
	}
	form := url.Values{"batch": {string(text)}, "include_headers": {"true"}}
	var answers []*partAnswer
	var problem error
	var made *call
	ctx = WithCallOptions(ctx, func(o *callOptions) {
		o.cost, o.repeatable, o.made = len(parts), reads, &made
		o.outcome = func(resp *http.Response, out Outcome) Outcome {
			if answers, problem = readParts(resp); problem == nil {
				tellParts(answers, resp.Header, &out)
			}
			return out
		}
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.a.c.versioned(b.a.c.hosts.graph).String()+"/", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("batch: the request cannot be made: %w", ErrInvalidRequest)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := b.a.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("batch: %w", redact.Err(err))
	}
	defer func() { _ = resp.Body.Close() }()
	if err := made.failure("batch"); err != nil {
		return nil, err
	}
	b.secrets = made.secrets()
	if problem != nil { // an answer came and is lost
		return nil, fmt.Errorf("%w: %w", made.blot(problem), ErrOutcomeUnknown)
	}
	return answers, nil
}
