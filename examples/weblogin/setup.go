package main

// This file answers: which Meta, which app, and where are the tokens?

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/filestore"
	"github.com/seed-922467ee/instagram/instagramtest"
	"github.com/seed-922467ee/instagram/seal"
)

// store keeps tokens, and finds those of one person.
type store interface {
	instagram.TokenStore
	instagram.TokenFinder
}

// setup is what the application runs on.
type setup struct {
	client    *instagram.Client
	config    instagram.Config
	store     store
	publicURL string
	verify    instagram.Secret // the webhook's verify token
	fake      *instagramtest.Platform
	closers   []func() error
}

func (s *setup) close() {
	for _, closer := range slices.Backward(s.closers) {
		_ = closer()
	}
}

func setUp(addr, dir string, env func(string) string, logger *slog.Logger) (*setup, error) {
	s := &setup{publicURL: "http://" + localName(addr)}
	if err := s.chooseApp(env); err != nil {
		s.close()
		return nil, err
	}
	if err := s.openStore(dir); err != nil {
		s.close()
		return nil, err
	}
	client, err := instagram.New(s.config, instagram.WithTokenStore(s.store), instagram.WithLogger(logger))
	if err != nil {
		s.close()
		return nil, err
	}
	s.client = client
	return s, nil
}

// localName is the address under which a browser of this machine opens the
// page; cookies are kept for localhost.
func localName(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err != nil || !ip.IsLoopback() && !ip.IsUnspecified() {
		return addr
	}
	return net.JoinHostPort("localhost", port)
}

func (s *setup) chooseApp(env func(string) string) error {
	if name := env("INSTAGRAM_LOGIN"); name != "" {
		if err := s.config.Login.UnmarshalText([]byte(name)); err != nil {
			return fmt.Errorf("INSTAGRAM_LOGIN: %w", err)
		}
	}
	s.config.Scopes = []instagram.Scope{instagram.ScopeBusinessBasic, instagram.ScopeBusinessContentPublish}
	if s.config.Login == instagram.FacebookLogin {
		s.config.Scopes = []instagram.Scope{
			instagram.ScopeBasic, instagram.ScopeContentPublish, instagram.ScopePagesShowList, instagram.ScopePagesReadEngagement,
		}
	}
	s.verify = instagram.NewSecret(cmp.Or(env("WEBLOGIN_VERIFY_TOKEN"), rand.Text()))
	id, secret := env("INSTAGRAM_APP_ID"), env("INSTAGRAM_APP_SECRET")
	switch {
	case id == "" && secret == "":
		if err := s.startFake(); err != nil {
			return err
		}
	case id == "" || secret == "":
		return errors.New("set both INSTAGRAM_APP_ID and INSTAGRAM_APP_SECRET, or neither")
	default:
		s.config.AppID, s.config.AppSecret = id, instagram.NewSecret(secret)
		s.publicURL = strings.TrimRight(cmp.Or(env("WEBLOGIN_URL"), s.publicURL), "/")
		if further := env("INSTAGRAM_CALLBACK_SECRET"); further != "" {
			s.config.CallbackSecrets = []instagram.Secret{instagram.NewSecret(further)}
		}
	}
	s.config.RedirectURL = s.publicURL + "/callback"
	return nil
}

// startFake puts the fake on a port of its own, so that the browser can show
// its login window.
func (s *setup) startFake() error {
	s.fake = instagramtest.New()
	server, err := s.fake.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	s.closers = append(s.closers, server.Close)
	s.config.Endpoint = instagram.EndpointUnder(server.URL, s.config.Login)
	s.config.AppID, s.config.AppSecret = instagramtest.DefaultInstagramAppID, instagram.NewSecret(instagramtest.DefaultInstagramAppSecret)
	if s.config.Login == instagram.FacebookLogin {
		s.config.AppID, s.config.AppSecret = instagramtest.DefaultMetaAppID, instagram.NewSecret(instagramtest.DefaultMetaAppSecret)
	}
	return nil
}

// openStore keeps tokens in files, sealed with a key that lies beside them; in
// production the key belongs somewhere else.
func (s *setup) openStore(dir string) error {
	if dir == "" {
		temporary, err := os.MkdirTemp("", "weblogin-")
		if err != nil {
			return err
		}
		dir = temporary
		s.closers = append(s.closers, func() error { return os.RemoveAll(temporary) })
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	keys, err := openKeys(filepath.Join(dir, "key"))
	if err != nil {
		return err
	}
	files, err := filestore.Open(filepath.Join(dir, "tokens"))
	if err != nil {
		return err
	}
	s.closers = append(s.closers, files.Close)
	found, ok := seal.Tokens(files, keys).(store)
	if !ok {
		return errors.New("the token store cannot find tokens by person")
	}
	s.store = found
	return nil
}

// openKeys reads the key from a file, and makes one the first time.
func openKeys(path string) (*seal.KeyRing, error) {
	key, err := seal.KeyFromFile(path)
	if errors.Is(err, os.ErrNotExist) {
		key = seal.NewKey()
		err = os.WriteFile(path, []byte(key.Reveal()), 0o600)
	}
	if err != nil {
		return nil, err
	}
	return seal.NewKeyRing(key)
}
