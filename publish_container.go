package instagram

// This file answers: how do the media of a post get to Meta, and when are they
// ready?

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/seed-922467ee/instagram/internal/backoff"
	"github.com/seed-922467ee/instagram/internal/wire"
)

const (
	// maxContainers is how often the containers of one post are made.
	maxContainers = 3
	// containerLife is when a container expires, less what its use may take.
	// Source: "IG container", 24 hours.
	containerLife = 24*time.Hour - 10*time.Minute
)

// ContainerStatus is the status_code of a media container.
type ContainerStatus string

// The statuses. Source: "IG container".
const (
	ContainerInProgress ContainerStatus = "IN_PROGRESS"
	ContainerFinished   ContainerStatus = "FINISHED"
	ContainerPublished  ContainerStatus = "PUBLISHED"
	ContainerFailed     ContainerStatus = "ERROR"
	ContainerExpired    ContainerStatus = "EXPIRED"
)

// ContainerError says that a media container cannot be published: it failed, it
// expired, or it is still being processed after the time to wait. The last
// matches [ErrTransient].
type ContainerError struct {
	ContainerID string
	Status      ContainerStatus
	// Text is Meta's description of the status.
	Text string
	// Err is the error that Text names by its subcode, nil when it names none.
	Err *Error
}

// Error names the container, its status and what Meta says.
func (e *ContainerError) Error() string {
	s := fmt.Sprintf("container %s is %s", e.ContainerID, e.Status)
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

// Is reports whether target is [ErrTransient] for a container that is still
// being processed.
func (e *ContainerError) Is(target error) bool {
	return target == ErrTransient && e.Status == ContainerInProgress
}

// Unwrap returns Err.
func (e *ContainerError) Unwrap() error {
	if e.Err == nil {
		return nil
	}
	return e.Err
}

// makeContainers hands the media to Meta. A container that nobody publishes
// lapses, so making one twice does no harm.
func (p *publisher) makeContainers(ctx context.Context) error {
	if len(p.t.Items) > 0 && p.age(p.t.Items[0]) >= containerLife {
		p.t.Items = nil
	}
	if len(p.t.Items) == 0 && p.t.Containers >= maxContainers {
		return fmt.Errorf("%d containers were made for this post, and none could be used", p.t.Containers)
	}
	var items []string
	if p.t.Post.kind() == CarouselPost {
		if err := p.makeItems(ctx); err != nil || len(p.t.Items) == 0 {
			return err
		}
		for _, item := range p.t.Items {
			items = append(items, item.ID)
		}
	}
	made, err := p.makeContainer(ctx, p.t.Post.params(items))
	if err != nil {
		return err
	}
	if items == nil {
		p.t.Containers++
	}
	p.t.Container = made
	p.t.Asked, p.t.AskedAt, p.t.Newest = 0, time.Time{}, ""
	return p.advance(ctx, StepProcessing)
}

// makeItems makes the containers of a carousel's items and brings each to its
// end: the carousel's own needs them ready. It leaves no items when they have to
// be made anew.
func (p *publisher) makeItems(ctx context.Context) error {
	for i := len(p.t.Items); i < len(p.t.Post.Media); i++ {
		made, err := p.makeContainer(ctx, p.t.Post.Media[i].itemParams())
		if err != nil {
			return err
		}
		if i == 0 {
			p.t.Containers++
		}
		p.t.Items = append(p.t.Items, *made)
		if err := p.save(ctx); err != nil {
			return err
		}
	}
	for i := range p.t.Items {
		if _, err := p.ready(ctx, &p.t.Items[i], &p.t.Post.Media[i]); err != nil {
			return p.remake(ctx, err)
		}
	}
	return nil
}

func (p *publisher) age(k PublishContainer) time.Duration { return p.a.c.now().Sub(k.MadeAt) }

func (p *publisher) makeContainer(ctx context.Context, params url.Values) (*PublishContainer, error) {
	var body json.RawMessage
	made := p.a.c.now()
	if err := p.a.call(ctx, http.MethodPost, p.path("media"), params, &body, Repeatable()); err != nil {
		return nil, p.explainUpload(params, err)
	}
	answer := wire.Parse(body)
	k := &PublishContainer{ID: answer.Get("id").ID(), MadeAt: made}
	if params.Get("upload_type") != "" {
		k.UploadURI = p.a.c.uploadURL(k.ID, answer.Get("uri").Text()).String()
	}
	if k.ID == "" {
		return nil, p.a.answerError(p.path("media"), "no container ID in the answer")
	}
	return k, nil
}

// process waits for the post's container, and asks for it to be published when
// it is ready.
func (p *publisher) process(ctx context.Context) error {
	var m *PostMedia
	if p.t.Post.kind() != CarouselPost {
		m = &p.t.Post.Media[0]
	}
	status, err := p.ready(ctx, p.t.Container, m)
	switch {
	case err != nil:
		return p.remake(ctx, err)
	case status == ContainerPublished:
		return p.out(ctx, "")
	}
	return p.ask(ctx)
}

// remake makes containers anew after a failure for which that is the way, and
// returns every other failure. The container that failed is known not to be out.
func (p *publisher) remake(ctx context.Context, err error) error {
	failed, ok := errors.AsType[*ContainerError](err)
	if !ok || p.t.Containers >= maxContainers {
		return err
	}
	switch {
	case failed.Status == ContainerExpired:
	case failed.Status == ContainerFailed && failed.Err != nil && (errors.Is(failed.Err, ErrTransient) || failed.Err.Subcode == mediaExpired):
	case failed.Status == ContainerFailed && failed.Text == uploadDead:
	default:
		return err
	}
	p.t.Items, p.t.Container = nil, nil
	return p.advance(ctx, StepContainers)
}

// mediaExpired is the subcode of media that have expired: they are made anew.
const mediaExpired = 2207020

// ready waits until a container is ready, uploading its bytes where it has some,
// and returns its status: [ContainerFinished] or [ContainerPublished]. M is nil
// for a carousel.
func (p *publisher) ready(ctx context.Context, k *PublishContainer, m *PostMedia) (ContainerStatus, error) {
	if m != nil && m.Upload != nil {
		if err := p.upload(ctx, k, m.Upload); err != nil {
			return "", err
		}
	}
	began := p.a.c.now()
	for n := 0; ; n++ {
		pause := p.pause(n, m != nil && m.isVideo(), began, k)
		if n > 0 && p.a.c.now().Add(pause).Sub(began) > p.atMost() {
			return "", &ContainerError{ContainerID: k.ID, Status: ContainerInProgress, Text: fmt.Sprintf("Meta has not finished after %v", p.atMost())}
		}
		if err := backoff.Wait(ctx, pause); err != nil {
			return "", err
		}
		s, err := p.status(ctx, k.ID)
		switch {
		case errors.Is(err, ErrTransient) && context.Cause(ctx) == nil:
			continue // the next query may be answered
		case errors.Is(err, ErrInvalidRequest) && p.age(*k) >= containerLife && p.t.Asked == 0: // forgotten by now
			return "", &ContainerError{ContainerID: k.ID, Status: ContainerExpired}
		case err != nil:
			return "", err
		}
		switch s.code {
		case ContainerFinished, ContainerPublished:
			return s.code, nil
		case ContainerFailed, ContainerExpired:
			return "", s.failure(k.ID)
		case ContainerInProgress:
		}
	}
}

func (p *publisher) atMost() time.Duration {
	if p.opts.atMost > 0 {
		return p.opts.atMost
	}
	return pollAtMost
}

// pause returns how long to wait before the status query with number n. What
// was made before is asked for at once; a photo is mostly ready at once, and a
// video never.
func (p *publisher) pause(n int, video bool, began time.Time, k *PublishContainer) time.Duration {
	every := p.opts.every
	if every <= 0 {
		every = pollEvery
		early := [...]time.Duration{0, 2 * time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second}
		if !video && n < len(early) {
			return early[n]
		}
	}
	if n == 0 && (!video || began.Sub(k.MadeAt) >= every) {
		return 0
	}
	return min(every, p.atMost())
}

// containerState is what Meta says of a container.
type containerState struct {
	code ContainerStatus
	text string
	// of an upload
	uploaded    bool
	uploadError bool
	transferred int64
}

func (p *publisher) status(ctx context.Context, id string) (containerState, error) {
	return p.a.containerState(ctx, id, "status_code,status")
}

func (a *Account) containerState(ctx context.Context, id, fields string) (containerState, error) {
	var body json.RawMessage
	if err := a.call(ctx, http.MethodGet, id, url.Values{"fields": {fields}}, &body); err != nil {
		return containerState{}, err
	}
	return readContainer(wire.Parse(body)), nil
}

func readContainer(v wire.Value) containerState {
	phase := v.Get("video_status", "uploading_phase")
	s := containerState{code: ContainerStatus(v.Get("status_code").Text()), text: v.Get("status").Text()}
	s.uploaded = phase.Get("status").Text() == "complete"
	s.uploadError = phase.Get("status").Text() == "error"
	s.transferred, _ = phase.Get("bytes_transferred").Int()
	return s
}

// failure returns why a container cannot be used. The error that its status
// names is made as if Meta had answered it, so that it is classed alike.
func (s containerState) failure(id string) *ContainerError {
	e := &ContainerError{ContainerID: id, Status: s.code, Text: s.text}
	if n := subcodeIn(s.text); n != 0 {
		e.Err = &Error{Op: "container", Code: codeOfSubcode(n), Subcode: n, Message: s.text}
	}
	return e
}

// subcodeIn returns the last number of six digits or more in a text.
func subcodeIn(text string) (subcode int) {
	for i := 0; i < len(text); {
		j := i
		for j < len(text) && text[j] >= '0' && text[j] <= '9' {
			j++
		}
		if j-i >= 6 {
			subcode = atoi(text[i:j])
		}
		i = max(j, i+1)
	}
	return subcode
}

// codeOfSubcode returns the code with which Meta documents a subcode.
func codeOfSubcode(subcode int) int {
	for i := range rules {
		if subcode != 0 && rules[i].subcode == subcode && rules[i].code != 0 {
			return rules[i].code
		}
	}
	return 0
}

func readPublishingLimit(body []byte) *PublishingLimit {
	v := wire.Unwrap(wire.Parse(body))
	used, ok := v.Get("quota_usage").Int()
	if !ok {
		return nil
	}
	total, _ := v.Get("config", "quota_total").Int()
	seconds, _ := v.Get("config", "quota_duration").Int()
	return &PublishingLimit{Used: int(used), Total: int(total), Window: time.Duration(min(max(seconds, 0), 1<<32)) * time.Second}
}
