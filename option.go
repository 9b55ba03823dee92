package instagram

// This file answers: which behaviour of a client can be replaced?

import (
	"log/slog"
	"net/http"
	"time"
)

// Option changes the behaviour of a [Client]. A nil value leaves the default.
type Option func(*options)

type options struct {
	transport  http.RoundTripper
	tokenStore TokenStore
	spill      TokenStore
	stateStore StateStore
	retry      RetryPolicy
	limiter    Limiter
	logger     *slog.Logger
	tracer     Tracer
	proof      ProofForm
	cached     int
	cacheTTL   time.Duration
}

// WithTransport sets what requests finally go through, below signing, pacing
// and retrying. Default: a copy of [http.DefaultTransport] with the timeouts
// that it lacks.
func WithTransport(base http.RoundTripper) Option { return func(o *options) { o.transport = base } }

// WithTokenStore sets where tokens are kept. Default: in memory, and so lost
// when the process ends; see filestore and seal for the next step.
func WithTokenStore(s TokenStore) Option { return func(o *options) { o.tokenStore = s } }

// WithStateStore makes each login state usable once across all processes that
// share the store. Default: once per process, and bound to one browser.
func WithStateStore(s StateStore) Option { return func(o *options) { o.stateStore = s } }

// WithRetryPolicy sets when and how often a request is sent again.
func WithRetryPolicy(p RetryPolicy) Option { return func(o *options) { o.retry = p } }

// WithLimiter sets who paces calls. Default: a [NewLimiter] of its own, which
// learns from the platform's usage headers; see [NoLimit] for none.
func WithLimiter(l Limiter) Option { return func(o *options) { o.limiter = l } }

// WithLogger sets where the client tells what a developer should know.
// Default: nowhere.
func WithLogger(l *slog.Logger) Option { return func(o *options) { o.logger = l } }

// WithTracer sets who is told of every attempt, wait and token event.
// Default: nobody.
func WithTracer(t Tracer) Option { return func(o *options) { o.tracer = t } }

// WithProofForm sets how appsecret_proof is made and where. Default:
// [ProofPlain] on graph.facebook.com, none on graph.instagram.com.
func WithProofForm(f ProofForm) Option { return func(o *options) { o.proof = f } }
