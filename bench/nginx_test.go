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

// nginxConfig lets so many calls a second through, for each host that is asked
// for, and answers 429 to the others.
const nginxConfig = `
daemon off; master_process off; pid %[1]s/pid; error_log stderr crit;
events { worker_connections 256; }
http {
	access_log off; default_type application/json;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
	limit_req_zone $http_host zone=calls:1m rate=%[2]dr/s;
	limit_req_status 429;
	server {
		listen unix:%[3]s;
		root %[1]s;
		location / { limit_req zone=calls burst=%[4]d nodelay; }
	}
}
`

// More callers begin at once than are let through at once, however busy the machine is.
const (
	nginxRate    = 40 // calls a second
	nginxBurst   = 5
	nginxCalls   = 80
	nginxCallers = 16
)

// startNginx returns what reaches the proxy, whatever host is asked for. It
// listens on a socket in a directory of its own: a port could be lost to
// another program before nginx has it.
func startNginx(t *testing.T) *http.Transport {
	t.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		path = "/usr/sbin/nginx" // which is not in every user's path
	}
	if _, err := os.Stat(path); err != nil {
		t.Skip("nginx is missing; get it with: apt-get install nginx-light")
	}
	dir := t.TempDir()
	socket := filepath.Join(dir, "socket")
	require.NoError(t, os.Mkdir(filepath.Join(dir, instagram.DefaultVersion), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, instagram.DefaultVersion, "me"), []byte(`{"id":"17841405793187218"}`), 0o644))
	conf := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, nginxConfig, dir, nginxRate, socket, nginxBurst), 0o644))
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, "-p", dir, "-c", conf)
	cmd.Stderr = t.Output()
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }()
	t.Cleanup(func() { stop(); <-ended })
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	for {
		conn, err := dial(ctx, "", "")
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
	transport := &http.Transport{DialContext: dial, MaxIdleConnsPerHost: nginxCallers}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
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
	const ourHost, theirHost = "http://127.0.0.1:1", "http://127.0.0.1:2"
	nginx := startNginx(t)
	drive := func(base string, client *http.Client) (failed int64) {
		var fails, todo atomic.Int64
		todo.Store(nginxCalls)
		var all sync.WaitGroup
		for range nginxCallers {
			all.Go(func() {
				for todo.Add(-1) >= 0 {
					if get(t.Context(), client, base) != nil {
						fails.Add(1)
					}
				}
			})
		}
		all.Wait()
		return fails.Load()
	}
	ours, theirs := counted{base: nginx}, counted{base: nginx}
	cfg := config()
	cfg.Endpoint = instagram.Endpoint{Graph: ourHost}
	client, err := instagram.New(cfg, instagram.WithTransport(&ours), instagram.WithRetryPolicy(instagram.RetryPolicy{MaxWait: -1}))
	require.NoError(t, err)

	var both sync.WaitGroup
	both.Go(func() {
		assert.Zero(t, drive(ourHost, oursFor(client, accountID).HTTPClient()), "calls of ours failed")
	})
	both.Go(func() { drive(theirHost, retryableClient(&theirs)) })
	both.Wait()
	t.Logf("refused of %d calls: %d of ours, %d of go-retryablehttp's", nginxCalls, ours.refused.Load(), theirs.refused.Load())
	assert.Positive(t, ours.refused.Load(), "the limit was never met")
	assert.Less(t, ours.refused.Load(), theirs.refused.Load())
}

// get makes a call and reads its answer.
func get(ctx context.Context, client *http.Client, base string) error {
	return send(ctx, client, http.MethodGet, base+"/"+instagram.DefaultVersion+"/me", http.NoBody)
}
