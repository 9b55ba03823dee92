package main

// This file answers: how does the story play against Meta, and how does the
// callback find its way here?

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/seed-922467ee/instagram"
)

// setStage chooses between Meta and the fake.
func setStage(env func(string) string, byHand bool) (*stage, error) {
	login := instagram.InstagramLogin
	if name := env("INSTAGRAM_LOGIN"); name != "" {
		if err := login.UnmarshalText([]byte(name)); err != nil {
			return nil, fmt.Errorf("INSTAGRAM_LOGIN: %w", err)
		}
	}
	id, secret := env("INSTAGRAM_APP_ID"), env("INSTAGRAM_APP_SECRET")
	switch {
	case id == "" && secret == "":
		return fakeStage(login, byHand)
	case id == "" || secret == "":
		return nil, errors.New("set both INSTAGRAM_APP_ID and INSTAGRAM_APP_SECRET, or neither")
	}
	return metaStage(login, id, secret, cmp.Or(env("INSTAGRAM_REDIRECT_URL"), "https://localhost:8443/callback"))
}

func config(login instagram.Login, id, secret, redirectURL string) instagram.Config {
	cfg := instagram.Config{
		Login: login, AppID: id, AppSecret: instagram.NewSecret(secret), RedirectURL: redirectURL,
		Scopes: []instagram.Scope{instagram.ScopeBusinessBasic},
	}
	if login == instagram.FacebookLogin {
		cfg.Scopes = []instagram.Scope{instagram.ScopeBasic, instagram.ScopePagesShowList, instagram.ScopePagesReadEngagement}
	}
	return cfg
}

// metaStage plays at Meta: a person must do the browser's part.
func metaStage(login instagram.Login, id, secret, redirectURL string) (*stage, error) {
	u, err := url.Parse(redirectURL)
	if err != nil {
		return nil, errors.New("INSTAGRAM_REDIRECT_URL is not a URL")
	}
	s := &stage{title: "Against Meta, with app " + id + ".", config: config(login, id, secret, redirectURL)}
	addr := "127.0.0.1:" + cmp.Or(u.Port(), "8080") // another host than localhost: a tunnel leads to port 8080
	back, err := listenForCallback(addr, redirectURL)
	if err != nil {
		return nil, err
	}
	s.close = back.close
	s.visit = func(ctx context.Context, out io.Writer, loginURL string) (url.Values, error) {
		fmt.Fprintf(out, "    Open this address in a browser; the answer is awaited at %s\n\n    %s\n\n", redirectURL, loginURL)
		if back.selfSigned {
			fmt.Fprintln(out, "    The browser will warn of this program's own certificate: let it pass.")
		}
		return back.wait(ctx)
	}
	return s, nil
}

// callbackServer waits for one callback.
type callbackServer struct {
	url        string
	selfSigned bool
	queries    chan url.Values
	server     *http.Server
}

// listenForCallback listens on addr for a callback to redirectURL; empty means
// to the listener itself. A redirect URI at https://localhost is served with a
// certificate that is made on the spot.
func listenForCallback(addr, redirectURL string) (*callbackServer, error) {
	listener, err := net.Listen("tcp", addr) //nolint:noctx // listens at once or fails
	if err != nil {
		return nil, err
	}
	b := &callbackServer{url: cmp.Or(redirectURL, "http://"+listener.Addr().String()+"/callback"), queries: make(chan url.Values, 1)}
	u, err := url.Parse(b.url)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+cmp.Or(u.Path, "/"), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Referrer-Policy", "no-referrer")
		fmt.Fprintln(w, "Thank you. The program goes on; this window can be closed.")
		select {
		case b.queries <- r.URL.Query():
		default: // the first one counts
		}
	})
	b.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	b.selfSigned = u.Scheme == "https" && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1")
	if b.selfSigned {
		certificate, err := selfSigned(u.Hostname())
		if err != nil {
			return nil, err
		}
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	}
	go func() { _ = b.server.Serve(listener) }()
	return b, nil
}

// wait returns the query of the first callback.
func (b *callbackServer) wait(ctx context.Context) (url.Values, error) {
	select {
	case q := <-b.queries:
		return q, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (b *callbackServer) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = b.server.Shutdown(ctx)
}

// selfSigned returns a certificate for a few hours and this machine only.
func selfSigned(host string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(12 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate for %s: %w", host, err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
