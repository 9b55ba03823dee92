package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

// nginxConfig lets so many calls a second through, for each port in turn, and
// answers 429 to the others.
const nginxConfig = `
daemon off; master_process off; pid %[1]s/pid; error_log stderr crit;
events { worker_connections 256; }
http {
	access_log off; default_type application/json;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
	limit_req_zone $server_port zone=calls:1m rate=%[2]dr/s;
	limit_req_status 429;
	server {
		%[3]s
		root %[1]s;
		location / { limit_req zone=calls burst=%[4]d nodelay; }
	}
}
`

const (
	nginxRate  = 40 // calls a second
	nginxBurst = 5
	nginxCalls = 80
)

// startNginx returns the base URLs of n servers that do not share their limit.
func startNginx(t *testing.T, n int) (urls []string) {
	t.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		path = "/usr/sbin/nginx" // which is not in every user's path
	}
	if _, err := os.Stat(path); err != nil {
		t.Skip("nginx is missing; get it with: apt-get install nginx-light")
	}
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, instagram.DefaultVersion), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, instagram.DefaultVersion, "me"), []byte(`{"id":"17841405793187218"}`), 0o644))
	listen, held := "", []net.Listener{}
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		held = append(held, l) // all at once, or the same port is given twice
		listen += "listen " + l.Addr().String() + "; "
		urls = append(urls, "http://"+l.Addr().String())
	}
	for _, l := range held {
		require.NoError(t, l.Close())
	}
	conf := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, nginxConfig, dir, nginxRate, listen, nginxBurst), 0o644))
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, "-p", dir, "-c", conf)
	cmd.Stderr = t.Output()
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }()
	t.Cleanup(func() { stop(); <-ended })
	for _, url := range urls {
		for {
			conn, err := net.Dial("tcp", url[len("http://"):])
			if err == nil {
				require.NoError(t, conn.Close())
				break
			}
			select {
			case <-ended:
				t.Fatal("nginx has ended")
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	return urls
}

// counted counts the calls that nginx refused.
type counted struct {
	base    http.RoundTripper
	refused atomic.Int64
}

func (c *counted) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.base.RoundTrip(req)
	if err == nil && resp.StatusCode == http.StatusTooManyRequests {
		c.refused.Add(1)
	}
	return resp, err
}

// TestNginx drives a real proxy that limits calls a second, through this library
// and through go-retryablehttp at the same time.
func TestNginx(t *testing.T) {
	t.Parallel()
	urls := startNginx(t, 2)
	drive := func(base string, client *http.Client) (failed int64) {
		var fails, todo atomic.Int64
		todo.Store(nginxCalls)
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				for todo.Add(-1) >= 0 {
					if !get(t, client, base) {
						fails.Add(1)
					}
				}
			})
		}
		all.Wait()
		return fails.Load()
	}
	var ours, theirs counted
	ours.base, theirs.base = &http.Transport{}, &http.Transport{}
	t.Cleanup(ours.base.(*http.Transport).CloseIdleConnections)
	t.Cleanup(theirs.base.(*http.Transport).CloseIdleConnections)

	cfg := config()
	cfg.Endpoint = instagram.Endpoint{Graph: urls[0]}
	client, err := instagram.New(cfg, instagram.WithTransport(&ours), instagram.WithRetryPolicy(instagram.RetryPolicy{MaxWait: -1}))
	require.NoError(t, err)

	var both sync.WaitGroup
	both.Go(func() {
		assert.Zero(t, drive(urls[0], oursFor(client, accountID).HTTPClient()), "calls of ours failed")
	})
	both.Go(func() { drive(urls[1], retryableClient(&theirs)) })
	both.Wait()
	t.Logf("refused of %d calls: %d of ours, %d of go-retryablehttp's", nginxCalls, ours.refused.Load(), theirs.refused.Load())
	assert.Positive(t, ours.refused.Load(), "the limit was never met")
	assert.Less(t, ours.refused.Load(), theirs.refused.Load())
}

// get reports whether a call was answered.
func get(t *testing.T, client *http.Client, base string) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/"+instagram.DefaultVersion+"/me", http.NoBody)
	if !assert.NoError(t, err) {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return instagram.CheckResponse(resp) == nil
}
