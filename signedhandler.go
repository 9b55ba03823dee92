package instagram

// This file answers: how is a signed_request received, once, and from Meta?

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"time"
)

const (
	// maxSignedBody bounds the form that a signed_request comes in.
	maxSignedBody = 2 * maxSignedRequest
	// signedBodyTime is how long the form may take to arrive.
	signedBodyTime = 10 * time.Second
	// signedWorkTime bounds what is done for a request, the caller's part included.
	signedWorkTime = 30 * time.Second
	// maxSignedRemembered is how many requests are known again when they come twice.
	maxSignedRemembered = 10_000
)

// signedHandler receives POSTs with a signed_request, and does the work for
// each of them once.
type signedHandler struct {
	c      *Client
	what   string // "deauthorize", for the log
	rules  []SignedRequestOption
	recent *recent[[sha256.Size]byte]

	// work does what the request asks for; answer is written after it, also for
	// a request whose work was done before.
	work   func(context.Context, *SignedRequest) error
	answer func(http.ResponseWriter, *SignedRequest)
}

func (c *Client) newSignedHandler(what string, rules []SignedRequestOption) *signedHandler {
	return &signedHandler{c: c, what: what, rules: rules, recent: newRecent[[sha256.Size]byte](maxSignedRemembered)}
}

// ServeHTTP answers Meta.
func (h *signedHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		allowOnly(w, http.MethodPost)
		return
	}
	request, err := h.receive(w, r)
	if err != nil {
		h.c.logger.WarnContext(r.Context(), "instagram: "+h.what+" request refused", errAttr(err))
		refuse(w, err)
		return
	}
	switch err := h.once(r.Context(), request); {
	case err == nil:
		h.answer(w, request)
	case r.Context().Err() != nil: // Meta no longer listens
		answerPlainly(w, http.StatusServiceUnavailable)
	default:
		h.c.logger.ErrorContext(r.Context(), "instagram: "+h.what+" request failed",
			slog.String("user", request.UserID), errAttr(err))
		answerPlainly(w, http.StatusInternalServerError)
	}
}

// once does the work for a request, unless it was done before. When the same
// request is being worked on, it waits to see how that ends.
func (h *signedHandler) once(ctx context.Context, request *SignedRequest) error {
	// of the payload and not of what came: a signature can be spelled in several ways
	key := sha256.Sum256(request.Payload)
	for {
		switch h.recent.begin(key) {
		case settled:
			return nil
		case unseen:
			return h.do(ctx, request, key)
		case open:
		}
		select {
		case <-h.recent.ended(key):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// receive returns a request that is Meta's, fresh, and about somebody.
func (h *signedHandler) receive(w http.ResponseWriter, r *http.Request) (*SignedRequest, error) {
	body, err := readBody(w, r, maxSignedBody, signedBodyTime)
	if err != nil {
		return nil, err
	}
	signed, err := signedField(r.Header, body)
	if err != nil {
		return nil, err
	}
	request, err := h.c.ParseSignedRequest(signed, h.rules...)
	if err != nil {
		return nil, err
	}
	if request.UserID == "" {
		return nil, &SignatureError{Problem: SignaturePayloadMalformed}
	}
	return request, nil
}

var errNoForm = errors.New("the body is no form")

// signedField returns the only signed_request of a form. One in the URL does
// not count: URLs are logged.
func signedField(header http.Header, body []byte) (string, error) {
	if kind := header.Get("Content-Type"); kind != "" {
		if name, _, err := mime.ParseMediaType(kind); err != nil || name != "application/x-www-form-urlencoded" {
			return "", errNoForm
		}
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "", errNoForm
	}
	switch signed := form["signed_request"]; len(signed) {
	case 0:
		return "", &SignatureError{Problem: SignatureMissing}
	case 1:
		return signed[0], nil
	default:
		return "", &SignatureError{Problem: SignatureRepeated}
	}
}

// do does the work once. It goes on when Meta hangs up: what was begun must
// come to an end. What failed may be tried again.
func (h *signedHandler) do(ctx context.Context, request *SignedRequest, key [sha256.Size]byte) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), signedWorkTime)
	defer cancel()
	good := false
	defer func() {
		if p := recover(); p != nil {
			err = panicked(ctx, h.c.logger, p)
		}
		if good {
			h.recent.settle(key)
		} else {
			h.recent.forget(key)
		}
	}()
	err = h.work(ctx, request)
	good = err == nil
	return err
}
