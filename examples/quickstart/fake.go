package main

// This file answers: how does the story play without an app at Meta?

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

// fakeStage starts the fake on a loopback port and plays the person, or waits
// for one to come by with a browser.
func fakeStage(login instagram.Login, byHand bool) (*stage, error) {
	meta := instagramtest.New()
	server, err := meta.Listen("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	back, err := listenForCallback("127.0.0.1:0", "")
	if err != nil {
		_ = server.Close()
		return nil, err
	}
	s := &stage{
		title:  "On a fake of Meta's platform. Nothing leaves this machine.",
		config: config(login, instagramtest.DefaultInstagramAppID, instagramtest.DefaultInstagramAppSecret, back.url),
		pass:   func(t *instagram.Token, d time.Duration) (*instagram.Token, error) { return age(meta, t, d) },
		close:  func() { back.close(); _ = server.Close() },
	}
	if login == instagram.FacebookLogin {
		s.config.AppID = instagramtest.DefaultMetaAppID
		s.config.AppSecret = instagram.NewSecret(instagramtest.DefaultMetaAppSecret)
	}
	s.config.Endpoint = instagram.EndpointUnder(server.URL, login)
	s.visit = func(ctx context.Context, out io.Writer, loginURL string) (url.Values, error) {
		fmt.Fprintf(out, "    %s\n", loginURL)
		if byHand {
			fmt.Fprintln(out, "    Open this address in a browser, and allow or deny.")
			return back.wait(ctx)
		}
		callbackURL, err := meta.Consent(loginURL) //nolint:contextcheck // in process, at once
		if err != nil {
			return nil, err
		}
		u, err := url.Parse(callbackURL)
		if err != nil {
			return nil, err
		}
		return u.Query(), nil
	}
	return s, nil
}

// age makes a token older, at the fake and in our own books.
func age(meta *instagramtest.Platform, t *instagram.Token, d time.Duration) (*instagram.Token, error) {
	if err := meta.Age(t.AccessToken.Reveal(), d); err != nil {
		return nil, err
	}
	older := *t
	older.ObtainedAt = older.ObtainedAt.Add(-d)
	older.ExpiresAt = older.ExpiresAt.Add(-d)
	return &older, nil
}
