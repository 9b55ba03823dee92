package main

// This file answers: who is this browser, and which accounts did it connect?

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-922467ee/instagram"
)

const (
	sessionLife = 12 * time.Hour
	maxSessions = 10_000
)

// session is what is known of one browser. Its fields are guarded by sessions.mu.
type session struct {
	id       string
	seen     time.Time
	accounts []instagram.TokenKey
	notice   notice     // shown once
	postings []*posting // the newest last
}

// notice is something for the person to read, shown on the next page.
type notice struct {
	Look  string // good, soon, bad
	Text  string
	Link  string   // "": none
	Lines []string // the details
}

// sessions keeps sessions in memory: they end with the process, and the tokens
// do not.
type sessions struct {
	mu     sync.Mutex
	byID   map[string]*session
	secure bool // the site is https
}

func newSessions(publicURL string) *sessions {
	return &sessions{byID: map[string]*session{}, secure: strings.HasPrefix(publicURL, "https:")}
}

// cookieName has the prefix that keeps subdomains from planting a session.
func (s *sessions) cookieName() string {
	if s.secure {
		return "__Host-session"
	}
	return "session"
}

// of returns the browser's session ID, "" when it has none.
func (s *sessions) of(r *http.Request) string {
	cookie, err := r.Cookie(s.cookieName())
	if err != nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.byID[cookie.Value]
	if found == nil || time.Since(found.seen) > sessionLife {
		return ""
	}
	found.seen = time.Now()
	return found.id
}

// renew gives the browser a new session ID, and keeps what it had: an ID from
// before a login must not be worth anything after it.
func (s *sessions) renew(w http.ResponseWriter, r *http.Request) string {
	old := s.of(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropLocked()
	fresh := &session{}
	if had := s.byID[old]; had != nil {
		fresh = had
		delete(s.byID, old)
	}
	fresh.id, fresh.seen = rand.Text(), time.Now()
	s.byID[fresh.id] = fresh
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // not Secure only on a site of this machine
		Name: s.cookieName(), Value: fresh.id, Path: "/", MaxAge: int(sessionLife / time.Second),
		Secure: s.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	return fresh.id
}

// dropLocked removes sessions that have ended, and the oldest when there are
// too many.
func (s *sessions) dropLocked() {
	var oldest *session
	for id, one := range s.byID {
		if time.Since(one.seen) > sessionLife {
			delete(s.byID, id)
		} else if oldest == nil || one.seen.Before(oldest.seen) {
			oldest = one
		}
	}
	if len(s.byID) >= maxSessions && oldest != nil {
		delete(s.byID, oldest.id)
	}
}

// accounts returns the accounts of a session.
func (s *sessions) accounts(id string) []instagram.TokenKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.byID[id]; one != nil {
		return slices.Clone(one.accounts)
	}
	return nil
}

// change runs f on a session, if it is there.
func (s *sessions) change(id string, f func(*session)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.byID[id]; one != nil {
		f(one)
	}
}

func (s *session) add(k instagram.TokenKey) {
	if !slices.Contains(s.accounts, k) {
		s.accounts = append(s.accounts, k)
	}
}

func (s *session) remove(k instagram.TokenKey) {
	s.accounts = slices.DeleteFunc(s.accounts, func(have instagram.TokenKey) bool { return have == k })
}

// takeNotice returns the session's notice and forgets it.
func (s *sessions) takeNotice(id string) (n notice) {
	s.change(id, func(one *session) { n, one.notice = one.notice, notice{} })
	return n
}
