package main

// This file answers: how does a post go out once, however often a person
// presses the button?

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/seed-922467ee/instagram"
)

const (
	// postingTime is how long a browser waits for one post. Meta takes photos at
	// once; what takes longer goes on when the person presses again.
	postingTime = 45 * time.Second
	// maxPostings is how many posts of one browser are known again.
	maxPostings = 20
	// maxForm bounds what a person sends.
	maxForm = 64 << 10
)

// draft is what a person writes into the form.
type draft struct{ ImageURL, Caption, AltText string }

// posting is one form that was sent. Its ID comes with the page, so a double
// click, a reload and the back button mean the same post. Its fields are
// guarded by sessions.mu. A program that must know them after its own end
// writes the ticket down: see [instagram.SaveTicket].
type posting struct {
	Form, AccountID string

	draft  draft
	ticket *instagram.PublishTicket // where it stopped; nil: nothing was begun
	done   chan struct{}            // closed when nobody is at it
	out    bool
	result notice
}

func (a *app) publish(w http.ResponseWriter, r *http.Request) {
	key, ok := a.own(r, r.PathValue("id"))
	if !ok {
		a.notThere(w, r)
		return
	}
	id, form := a.sessions.of(r), r.PostFormValue("form")
	if form == "" || len(form) > 64 {
		a.errorPage(w, r, http.StatusBadRequest, "This form is not complete", "Please go back to your accounts, and fill it in there.")
		return
	}
	wanted := draft{ImageURL: r.PostFormValue("image_url"), Caption: r.PostFormValue("caption"), AltText: r.PostFormValue("alt_text")}
	p, others := a.sessions.begin(id, key.AccountID, form, wanted)
	switch {
	case p == nil: // the session has ended this moment
		a.notThere(w, r)
	case others == nil:
		// The person may close the page: what was begun must come to an end.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 2*postingTime)
		defer cancel()
		a.say(w, r, a.send(ctx, p))
	default:
		select {
		case <-others:
			a.say(w, r, a.sessions.told(p))
		case <-r.Context().Done():
		}
	}
}

// send publishes, or goes on from where it stopped, and returns what the person
// is told.
func (a *app) send(ctx context.Context, p *posting) notice {
	result, ticket, out := notice{Look: "bad", Text: sorry(nil)}, p.ticket, false
	defer func() { a.sessions.end(p, result, ticket, out) }() // also when something panics
	account, patience := a.client.Account(p.AccountID), instagram.WaitAtMost(postingTime)
	keep := instagram.SaveTicket(func(_ context.Context, t *instagram.PublishTicket) error {
		ticket = t
		return nil
	})
	var done *instagram.Publication
	var err error
	if ticket != nil {
		done, err = account.ResumePublish(ctx, *ticket, patience, keep)
	} else {
		done, err = account.Publish(ctx, instagram.Post{
			Type:    instagram.PhotoPost,
			Media:   []instagram.PostMedia{{ImageURL: p.draft.ImageURL, AltText: p.draft.AltText}},
			Caption: p.draft.Caption,
		}, patience, keep)
	}
	if err == nil {
		result, ticket, out = notice{Look: "good", Text: "Published.", Link: done.Permalink}, nil, true
		return result
	}
	a.log(ctx, "publish", err)
	result.Text = sorry(err)
	if stopped, ok := errors.AsType[*instagram.PublishError](err); ok && canGoOn(err) {
		result.Look, ticket = "soon", stopped.Ticket
	} else {
		ticket = nil
	}
	return result
}

// canGoOn reports whether a publication that stopped may yet come to its end.
func canGoOn(err error) bool {
	failed, ok := errors.AsType[*instagram.ContainerError](err)
	return !ok || failed.Status == instagram.ContainerInProgress
}

// begin returns the posting of a form, for the caller to send it. When others
// is not nil, somebody is at it until that is closed, or was before.
func (s *sessions) begin(id, accountID, form string, wanted draft) (p *posting, others <-chan struct{}) {
	s.change(id, func(one *session) {
		at := slices.IndexFunc(one.postings, func(p *posting) bool { return p.Form == form && p.AccountID == accountID })
		if at >= 0 {
			p = one.postings[at]
			if p.out || !isClosed(p.done) {
				others = p.done
				return
			}
			if p.ticket == nil { // nothing of it went out: the person has mended the form
				p.draft = wanted
			}
		} else {
			p = &posting{Form: form, AccountID: accountID, draft: wanted}
			one.postings = append(one.postings, p)
			one.postings = one.postings[max(0, len(one.postings)-maxPostings):]
		}
		p.done = make(chan struct{})
	})
	return p, others
}

func isClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// end notes how it went.
func (s *sessions) end(p *posting, result notice, ticket *instagram.PublishTicket, out bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.result, p.ticket, p.out = result, ticket, out
	close(p.done)
}

// told returns how a posting went, for who asks a second time.
func (s *sessions) told(p *posting) notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := p.result
	if p.out {
		n.Text = "Published, once. To publish something else, use the form below."
	}
	return n
}

// form fills in a card's form: with what the person wrote when that could not
// be published, and with the ID of a post that waits to go on.
func (s *sessions) form(id string, c *card) {
	s.change(id, func(one *session) {
		for _, p := range one.postings {
			if p.AccountID != c.ID || !isClosed(p.done) {
				continue
			}
			c.Draft = draft{}
			switch {
			case p.ticket != nil:
				c.Unfinished = p
			case !p.out:
				c.Draft = p.draft
			}
		}
	})
}
