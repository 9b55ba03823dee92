package instagram

// This file answers: is the post out?

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seed-922467ee/instagram/internal/backoff"
	"github.com/seed-922467ee/instagram/internal/wire"
)

const (
	// maxAsked is how often Meta is asked to publish, in one run. It is asked again
	// only after it is known that the time before had no effect.
	maxAsked = 5
	// settleTime is how long after an unclear request a container must still be
	// unpublished before the request counts as lost.
	settleTime = time.Minute
	// recentMedia is how many of the account's media are looked at.
	recentMedia = 25
)

// ask has Meta publish the container. That it will be asked is written down
// first, so that no process ever takes an unclear request for none.
func (p *publisher) ask(ctx context.Context) error {
	if p.asked++; p.asked > maxAsked {
		return fmt.Errorf("%w: Meta was asked %d times, and has not published the container", ErrTransient, maxAsked)
	}
	if p.t.Asked == 0 {
		if err := p.noteNewest(ctx); err != nil {
			return err
		}
	}
	p.t.Asked++
	p.t.AskedAt = p.a.c.now()
	if err := p.advance(ctx, StepPublishing); err != nil {
		return err
	}
	var body json.RawMessage
	var info ResponseInfo
	params := url.Values{"creation_id": {p.t.Container.ID}}
	err := p.a.call(ctx, http.MethodPost, p.path("media_publish"), params, &body, CaptureResponse(&info), neverTwice)
	id := wire.Parse(body).Get("id").ID()
	_, said := errors.AsType[*Error](err)
	switch {
	case err == nil && id != "":
		return p.out(ctx, id)
	case err == nil, errors.Is(err, ErrOutcomeUnknown), info.Status != 0 && !said:
		return nil // unclear: the next step looks it up
	case info.Status == 0:
		return p.notSent(ctx, err)
	}
	return p.refused(ctx, err)
}

// neverTwice overrules a context whose calls are repeatable.
func neverTwice(o *callOptions) { o.repeatable = false }

// notSent goes back to where nothing had been asked.
func (p *publisher) notSent(ctx context.Context, err error) error {
	p.t.Asked--
	if saveErr := p.advance(context.WithoutCancel(ctx), StepProcessing); saveErr != nil {
		return errors.Join(err, saveErr)
	}
	return err
}

// refused looks once whether Meta did what it said that it refused: 4/2207051,
// among others, was answered while the post went out (observed).
func (p *publisher) refused(ctx context.Context, err error) error {
	s, lookErr := p.status(ctx, p.t.Container.ID)
	switch {
	case lookErr == nil && s.code == ContainerPublished:
		return p.out(ctx, "")
	case lookErr != nil && (errors.Is(err, ErrBlocked) || errors.Is(err, ErrTransient)):
		return fmt.Errorf("%w: %w", ErrOutcomeUnknown, errors.Join(err, lookErr))
	}
	if saveErr := p.advance(context.WithoutCancel(ctx), StepProcessing); saveErr != nil {
		return errors.Join(err, saveErr)
	}
	if !errors.Is(err, ErrTransient) {
		return err
	}
	return backoff.Wait(ctx, notReadyPause) // not ready yet: the next step waits for it
}

// notReadyPause is how long Meta asks to wait before a container that was not
// ready is published. Source: "Error codes", 24/2207008: within 30 seconds to 2 minutes.
const notReadyPause = 30 * time.Second

// settle finds out whether a request to publish had an effect, and goes on from
// there: out, or provably not out and to be asked for again.
func (p *publisher) settle(ctx context.Context) error {
	for n := 0; ; n++ {
		s, err := p.status(ctx, p.t.Container.ID)
		if cause := context.Cause(ctx); cause != nil {
			return p.unknown(cause)
		}
		if errors.Is(err, ErrInvalidRequest) {
			return p.gone(ctx, err)
		}
		if err != nil && !errors.Is(err, ErrTransient) {
			return p.unknown(err)
		}
		if err == nil && s.code == ContainerPublished {
			return p.out(ctx, "")
		}
		left := p.t.AskedAt.Add(settleTime).Sub(p.a.c.now())
		if left <= 0 && (err == nil || n >= 8) {
			if err != nil {
				return p.unknown(err)
			}
			return p.notOut(ctx, s)
		}
		// Soon at first, then as seldom as Meta suggests.
		pause := min(5*time.Second<<n, settleTime)
		if left > 0 {
			pause = min(pause, left)
		}
		if err := backoff.Wait(ctx, pause); err != nil {
			return p.unknown(err)
		}
	}
}

// gone looks among the account's media for a post whose container Meta has
// forgotten. That it is not there proves nothing: it may have been deleted.
func (p *publisher) gone(ctx context.Context, err error) error {
	if list, lookErr := p.lookFor(ctx); lookErr == nil && len(list) == 1 {
		p.t.Permalink = list[0].permalink
		return p.out(ctx, list[0].id)
	}
	return p.unknown(err)
}

func (p *publisher) unknown(err error) error {
	return fmt.Errorf("%w: it cannot be looked up: %w", ErrOutcomeUnknown, err)
}

// notOut goes on after a container is unpublished although Meta was asked a
// minute ago. The account's media have the last word.
func (p *publisher) notOut(ctx context.Context, s containerState) error {
	found, err := p.lookFor(ctx)
	if err != nil && passes(err) {
		return p.unknown(err)
	}
	if len(found) > 0 {
		return fmt.Errorf("%w: the container says %s, but media %s looks like this post", ErrOutcomeUnknown, s.code, found[0].id)
	}
	switch s.code {
	case ContainerFailed, ContainerExpired:
		return p.remake(ctx, s.failure(p.t.Container.ID))
	case ContainerFinished, ContainerInProgress, ContainerPublished:
	}
	return p.advance(ctx, StepProcessing)
}

// out writes down that the post is out, before anything else is asked about it.
func (p *publisher) out(ctx context.Context, id string) error {
	p.t.MediaID = id
	return p.advance(context.WithoutCancel(ctx), StepPublished)
}

// found is a post of the account that looks like the one that was published.
type found struct{ id, permalink string }

// findMedia looks for the media of a container that is published; the list may
// be a little behind.
func (p *publisher) findMedia(ctx context.Context) string {
	for _, pause := range [...]time.Duration{0, 2 * time.Second, 8 * time.Second} {
		if backoff.Wait(ctx, pause) != nil {
			return ""
		}
		list, err := p.lookFor(ctx)
		switch {
		case err != nil && !errors.Is(err, ErrTransient), len(list) > 1: // equal posts: which one cannot be told
			return ""
		case len(list) == 1:
			p.t.Permalink = list[0].permalink
			return list[0].id
		}
	}
	return ""
}

// recentEdge is where the post will show, newest first.
func (p *publisher) recentEdge() string {
	if p.t.Post.kind() == StoryPost {
		return p.path("stories")
	}
	return p.path("media")
}

// noteNewest remembers what is newest before Meta is asked, so that what is
// newer can be told without comparing clocks. It is of use, and not needed.
func (p *publisher) noteNewest(ctx context.Context) error {
	var body json.RawMessage
	err := p.a.call(ctx, http.MethodGet, p.recentEdge(), url.Values{"fields": {"id"}, "limit": {"1"}}, &body)
	switch {
	case errors.Is(err, ErrTokenInvalid), errors.Is(err, ErrThrottled), context.Cause(ctx) != nil:
		return err
	case err == nil:
		for first := range wire.Parse(body).Get("data").Elems() {
			p.t.Newest = first.Get("id").ID()
			break
		}
	}
	return nil
}

// lookFor returns the account's media that are newer than the request to publish
// and look like the post.
func (p *publisher) lookFor(ctx context.Context) ([]found, error) {
	params := url.Values{"fields": {"id,caption,media_type,timestamp,permalink"}, "limit": {strconv.Itoa(recentMedia)}}
	var body json.RawMessage
	if err := p.a.call(ctx, http.MethodGet, p.recentEdge(), params, &body); err != nil {
		return nil, err
	}
	var list []found
	for m := range wire.Parse(body).Get("data").Elems() {
		id := m.Get("id").ID()
		if id == p.t.Newest && id != "" {
			break
		}
		if p.looksLike(m) {
			list = append(list, found{id, m.Get("permalink").Text()})
		}
	}
	return list, nil
}

func (p *publisher) looksLike(m wire.Value) bool {
	kind := map[PostType]string{PhotoPost: "IMAGE", CarouselPost: "CAROUSEL_ALBUM", ReelPost: "VIDEO"}[p.t.Post.kind()]
	if got := m.Get("media_type").Text(); got != "" && kind != "" && got != kind {
		return false
	}
	at, err := time.Parse("2006-01-02T15:04:05-0700", m.Get("timestamp").Text())
	if err == nil && at.Before(p.t.Container.MadeAt.Add(-clockSkew)) {
		return false
	}
	return strings.Join(strings.Fields(m.Get("caption").Text()), " ") == strings.Join(strings.Fields(p.t.Post.Caption), " ")
}

// clockSkew is how far this machine's clock may be off.
const clockSkew = 10 * time.Minute

// complete finds out what is still unknown of a post that is out. None of it is
// worth an error: the ticket that is returned can be asked again.
func (p *publisher) complete(ctx context.Context) error {
	if p.t.MediaID != "" && p.t.Permalink != "" {
		return nil
	}
	if p.t.MediaID == "" && p.t.Container != nil {
		p.t.MediaID = p.findMedia(ctx)
	}
	if p.t.MediaID == "" {
		return nil
	}
	if p.t.Permalink == "" {
		var body json.RawMessage
		if p.a.call(ctx, http.MethodGet, p.t.MediaID, url.Values{"fields": {"permalink"}}, &body) == nil {
			p.t.Permalink = wire.Parse(body).Get("permalink").Text()
		}
	}
	return p.save(context.WithoutCancel(ctx))
}
