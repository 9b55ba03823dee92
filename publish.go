package instagram

// This file answers: how does a post go out exactly once?

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// PublishTicket is where a publication stands. It holds everything that is
// needed to go on in another process, and no secret: the post with its URLs,
// and IDs. It is written as JSON; see [SaveTicket] and [Account.ResumePublish].
type PublishTicket struct {
	// ID is random, for the place where the ticket is kept.
	ID        string      `json:"id"`
	AccountID string      `json:"account_id"`
	Post      Post        `json:"post"`
	Step      PublishStep `json:"step"`
	StartedAt time.Time   `json:"started_at"`

	// Items are the containers of a carousel's items, Container is the post's own.
	Items     []PublishContainer `json:"items,omitempty"`
	Container *PublishContainer  `json:"container,omitempty"`
	// Containers counts how often they were made: those that fail or expire are made anew.
	Containers int `json:"containers,omitempty"`

	// Asked counts how often Meta was asked to publish the container, AskedAt is
	// when it was last, and Newest the account's newest media at that time, "" when
	// there was none or it is not known.
	Asked   int       `json:"asked,omitempty"`
	AskedAt time.Time `json:"asked_at,omitzero"`
	Newest  string    `json:"newest,omitempty"`

	MediaID   string `json:"media_id,omitempty"`
	Permalink string `json:"permalink,omitempty"`
}

// PublishContainer is a media container at Meta, which lives for 24 hours.
type PublishContainer struct {
	ID        string    `json:"id"`
	UploadURI string    `json:"upload_uri,omitempty"` // where its bytes go; "" when Meta fetches a URL
	MadeAt    time.Time `json:"made_at"`
}

// PublishStep is a step of a publication.
type PublishStep string

// The steps, in their order.
const (
	// StepContainers: the media are handed to Meta. Nothing is out.
	StepContainers PublishStep = "containers"
	// StepProcessing: Meta works on them. Nothing is out.
	StepProcessing PublishStep = "processing"
	// StepPublishing: Meta is being asked to publish, or was; whether it did has to be looked up.
	StepPublishing PublishStep = "publishing"
	// StepPublished: the post is out.
	StepPublished PublishStep = "published"
)

// Publication is a post that is out.
type Publication struct {
	AccountID   string
	ContainerID string
	// MediaID is the post's ID. "": the post is out, but it could not be found out
	// which it is, because the account's media could not be read, or because
	// there are several equal ones. ResumePublish with the ticket looks again.
	MediaID string
	// Permalink is the post's address, "" when Meta did not tell it.
	Permalink string
	Ticket    *PublishTicket
}

// PublishError says where a publication stopped. Resume it from the ticket with
// [Account.ResumePublish]; do not publish the post anew when the error matches
// [ErrOutcomeUnknown], for it may be out.
type PublishError struct {
	Ticket *PublishTicket
	Err    error
}

// Error names the step and its failure.
func (e *PublishError) Error() string {
	return fmt.Sprintf("stopped at %q and can be resumed: %v", e.Ticket.Step, e.Err)
}

// Unwrap returns Err.
func (e *PublishError) Unwrap() error { return e.Err }

// PublishOption changes one publication.
type PublishOption func(*publishOptions)

type publishOptions struct {
	save     func(context.Context, *PublishTicket) error
	progress func(sent, total int64)
	every    time.Duration
	atMost   time.Duration
	noQuota  bool
}

// Cadence of status queries. Source: "Content publishing": once a minute, for no
// more than five minutes.
const (
	pollEvery  = time.Minute
	pollAtMost = 5 * time.Minute
)

// SaveTicket has every step written down before the next one is taken. When
// save fails, the publication stops there: what is not written down before
// Meta is asked to publish is not published. The ticket is a copy.
func SaveTicket(save func(ctx context.Context, t *PublishTicket) error) PublishOption {
	return func(o *publishOptions) { o.save = save }
}

// UploadProgress is told how many bytes of an [Upload] were sent. It is called
// from a goroutine of the transport, and must return quickly. After a line broke
// sent may be smaller than before.
func UploadProgress(told func(sent, total int64)) PublishOption {
	return func(o *publishOptions) { o.progress = told }
}

// PollEvery sets the pause between two status queries. 0: a minute, and less at
// first for photos, which are mostly ready at once.
func PollEvery(d time.Duration) PublishOption { return func(o *publishOptions) { o.every = d } }

// WaitAtMost sets how long to wait for Meta's processing. 0: five minutes.
// When it is over, the publication can be resumed.
func WaitAtMost(d time.Duration) PublishOption { return func(o *publishOptions) { o.atMost = d } }

// WithoutQuotaCheck publishes without asking first how many posts are left.
func WithoutQuotaCheck() PublishOption { return func(o *publishOptions) { o.noQuota = true } }

// Publish puts a post out exactly once, and returns its media ID and permalink.
//
// It checks the post ([Post.Check]) and the account's quota
// ([Account.PublishingLimit]), hands the media to Meta, waits until they are
// processed, and asks Meta to publish. Where it is not clear whether Meta did,
// it does not ask again: it looks at the container's status and at the account's
// recent media until it is known. It asks a second time only when both say, a
// minute after the first, that it had no effect. Containers that fail for a
// passing reason or expire unpublished are made anew, twice at most.
//
// A failure gives a [*PublishError] with a [PublishTicket] from which
// [Account.ResumePublish] goes on; with [SaveTicket] that works after a crash
// too. One ticket must be worked on in one place at a time. A post that Meta
// would refuse gives [*PostError]s and no ticket, a used-up quota a
// [*RateLimitError], media that Meta cannot use a [*ContainerError].
// Sources: "Content publishing", "IG container", "Error codes", read 2026.
func (a *Account) Publish(ctx context.Context, post Post, opts ...PublishOption) (*Publication, error) {
	const op = "instagram: publish: %w"
	if err := post.Check(); err != nil {
		return nil, fmt.Errorf(op, err)
	}
	id, err := a.accountID(ctx)
	if err != nil {
		return nil, fmt.Errorf(op, err)
	}
	return a.publish(ctx, &PublishTicket{
		ID: rand.Text(), AccountID: id, Post: post, Step: StepContainers, StartedAt: a.c.now(),
	}, opts)
}

// ResumePublish goes on with a publication that stopped, in this process or in
// another one, from the last step that is known. A ticket that is done gives its
// publication again. When Content of an [Upload] was given, it has to be set in
// the ticket's post again, as long as the upload may not be complete.
//
// A ticket whose outcome stays unknown can be published all the same by setting
// its Step to [StepContainers]; the post may then go out twice.
func (a *Account) ResumePublish(ctx context.Context, ticket PublishTicket, opts ...PublishOption) (*Publication, error) {
	const op = "instagram: publish: %w"
	id, err := a.accountID(ctx)
	if err != nil {
		return nil, fmt.Errorf(op, err)
	}
	if id != ticket.AccountID {
		return nil, fmt.Errorf(op, fmt.Errorf("the ticket is of account %s and not of %s: %w", ticket.AccountID, id, ErrInvalidRequest))
	}
	if ticket.Step != StepContainers && ticket.Step != StepPublished && ticket.Container == nil {
		return nil, fmt.Errorf(op, fmt.Errorf("the ticket is at step %q and has no container: %w", ticket.Step, ErrInvalidRequest))
	}
	return a.publish(ctx, ticket.clone(), opts)
}

func (a *Account) publish(ctx context.Context, t *PublishTicket, opts []PublishOption) (*Publication, error) {
	p := &publisher{a: a, t: t}
	for _, opt := range opts {
		if opt != nil {
			opt(&p.opts)
		}
	}
	if err := p.run(ctx); err != nil {
		return nil, fmt.Errorf("instagram: publish: %w", &PublishError{Ticket: t.clone(), Err: err})
	}
	out := &Publication{AccountID: t.AccountID, MediaID: t.MediaID, Permalink: t.Permalink, Ticket: t.clone()}
	if t.Container != nil {
		out.ContainerID = t.Container.ID
	}
	return out, nil
}

func (t *PublishTicket) clone() *PublishTicket {
	c := *t
	c.Items = slices.Clone(t.Items)
	if t.Container != nil {
		c.Container = new(*t.Container)
	}
	return &c
}

// publisher takes the steps of one publication.
type publisher struct {
	a     *Account
	t     *PublishTicket
	opts  publishOptions
	asked int // in this run
}

// run takes steps until the post is out. Each step leaves the ticket where
// another process could go on.
func (p *publisher) run(ctx context.Context) error {
	if p.t.Containers == 0 {
		if err := p.checkQuota(ctx); err != nil {
			return err
		}
		if err := p.save(ctx); err != nil {
			return err
		}
	}
	for p.t.Step != StepPublished {
		var err error
		switch p.t.Step {
		case StepContainers:
			err = p.makeContainers(ctx)
		case StepProcessing:
			err = p.process(ctx)
		case StepPublishing:
			err = p.settle(ctx)
		default:
			err = fmt.Errorf("there is no step %q: %w", p.t.Step, ErrInvalidRequest)
		}
		if err != nil {
			return err
		}
	}
	return p.complete(ctx)
}

// advance sets the step and writes it down.
func (p *publisher) advance(ctx context.Context, step PublishStep) error {
	p.t.Step = step
	return p.save(ctx)
}

func (p *publisher) save(ctx context.Context) error {
	if p.opts.save == nil {
		return nil
	}
	if err := p.opts.save(ctx, p.t.clone()); err != nil {
		return fmt.Errorf("saving the ticket: %w", err)
	}
	return nil
}

// path returns the path of one of the account's edges.
func (p *publisher) path(edge string) string { return p.t.AccountID + "/" + edge }

// PublishingLimit is how many posts an account may publish through the API.
type PublishingLimit struct {
	Used   int
	Total  int           // 0: Meta did not say
	Window time.Duration // the rolling time that both count for; 0: Meta did not say
}

// Reached reports whether nothing can be published now.
func (l *PublishingLimit) Reached() bool { return l.Total > 0 && l.Used >= l.Total }

// PublishingLimit asks how many posts the account has published through the API
// in the last 24 hours, and how many it may. Meta's pages say 100, 50 and 25;
// what this answers counts. Source: "Content publishing limit" reference.
func (a *Account) PublishingLimit(ctx context.Context) (*PublishingLimit, error) {
	id, err := a.accountID(ctx)
	if err == nil {
		var l *PublishingLimit
		if l, err = a.publishingLimit(ctx, id); err == nil {
			return l, nil
		}
	}
	return nil, fmt.Errorf("instagram: publishing limit: %w", err)
}

func (a *Account) publishingLimit(ctx context.Context, id string) (*PublishingLimit, error) {
	var body json.RawMessage
	path := id + "/content_publishing_limit"
	if err := a.call(ctx, http.MethodGet, path, map[string]string{"fields": "quota_usage,config"}, &body); err != nil {
		return nil, err
	}
	l := readPublishingLimit(body)
	if l == nil {
		return nil, a.answerError(path, "no quota_usage in the answer")
	}
	return l, nil
}

// checkQuota refuses what Meta would refuse after the work. A limit that is not
// known refuses nothing.
func (p *publisher) checkQuota(ctx context.Context) error {
	if p.opts.noQuota {
		return nil
	}
	l, err := p.a.publishingLimit(ctx, p.t.AccountID)
	switch {
	case errors.Is(err, ErrTokenInvalid), errors.Is(err, ErrThrottled), errors.Is(err, ErrPermission), context.Cause(ctx) != nil:
		return err
	case err == nil && l.Reached():
		return &RateLimitError{
			RetryAfter: quotaAsk, Bucket: Bucket{Family: quotaPublishing, ID: p.t.AccountID},
			Err: fmt.Errorf("%d of %d posts in %v are published", l.Used, l.Total, l.Window),
		}
	}
	return nil
}

// quotaAsk is when it is worth asking again for a rolling quota that is used up.
const quotaAsk = time.Hour
