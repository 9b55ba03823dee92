// Weblogin is a small web application that a team could start from: people
// connect their Instagram accounts, see how long each is good for, publish a
// photo, reconnect and disconnect.
//
// Without configuration it runs on a fake of Meta's platform inside the program,
// and keeps tokens encrypted in files:
//
//	go run ./examples/weblogin                 # then open http://localhost:8080
//
// With an app of your own it runs against Meta:
//
//	INSTAGRAM_APP_ID=… INSTAGRAM_APP_SECRET=… \
//	WEBLOGIN_URL=https://connect.example.com go run ./examples/weblogin
//
// INSTAGRAM_LOGIN=facebook chooses the other login product. Register these
// addresses in the App Dashboard, below WEBLOGIN_URL: /callback as redirect URI,
// /meta/deauthorize, /meta/deletion, and /meta/webhooks with the verify token of
// WEBLOGIN_VERIFY_TOKEN. INSTAGRAM_CALLBACK_SECRET is a further secret that Meta
// may sign with: the Meta app's, beside the Instagram app's.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/seed-922467ee/instagram"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	dir := flag.String("data", "", "directory for tokens and keys; empty: a temporary one")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *dir, os.Getenv, slog.Default(), func(s *setup) { fmt.Println("Open", s.publicURL) }); err != nil {
		slog.Error("weblogin", slog.Any("error", err))
		stop()
		os.Exit(1) //nolint:gocritic // stop has run
	}
}

// run serves until ctx ends; ready is told once the site can be opened.
func run(ctx context.Context, addr, dir string, env func(string) string, logger *slog.Logger, ready func(*setup)) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	s, err := setUp(listener.Addr().String(), dir, env, logger) //nolint:contextcheck // what it opens, close ends
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer s.close()
	app, err := newApp(s, logger) //nolint:contextcheck // likewise
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{
		Handler: app, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served, kept := make(chan error, 1), make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	go func() { kept <- s.client.KeepAlive(ctx, instagram.KeepAliveConfig{}) }() // renews tokens before they end
	ready(s)
	select {
	case err = <-served:
	case err = <-kept:
	case <-ctx.Done():
		err = nil
	}
	stop()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	return errors.Join(err, server.Shutdown(grace), app.webhooks.Close(grace), s.client.Close(grace))
}
