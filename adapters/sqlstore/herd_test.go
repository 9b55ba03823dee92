package sqlstore

// This file answers: how often is a due token renewed that a crowd in several
// processes wants at once?

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

const (
	herdEnv       = "SQLSTORE_HERD_WORKER" // driver, dsn, prefix and platform of a worker, in lines
	herdProcesses = 4
	herdEach      = 500
	herdApp       = "1234567890123456"
	herdAccount   = "17841405793187218"
)

func TestHerdOfProcessesRenewsOnce(t *testing.T) {
	t.Parallel()
	for name, home := range homes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := home(t)
			s := h.open(t)
			old := longLived(herdAccount)
			old.ObtainedAt = time.Now().Add(-55 * 24 * time.Hour)
			old.GrantedAt, old.ExpiresAt = old.ObtainedAt, old.ObtainedAt.Add(60*24*time.Hour)
			k := instagram.TokenKey{AppID: herdApp, AccountID: herdAccount}
			_, err := s.SaveToken(t.Context(), &instagram.Record{Key: k, Token: old, DueAt: time.Now().Add(-time.Minute)}, 0)
			require.NoError(t, err)

			var renewed atomic.Int64
			platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !strings.HasSuffix(r.URL.Path, "/refresh_access_token") {
					t.Errorf("a worker asks for %s", r.URL.Path)
				}
				n := renewed.Add(1)
				time.Sleep(150 * time.Millisecond)
				w.Header().Set("Content-Type", "application/json")
				_, _ = fmt.Fprintf(w, `{"access_token":"IGAArenewed%d","token_type":"bearer","expires_in":5184000}`, n)
			}))
			defer platform.Close()
			var complaints [herdProcesses]bytes.Buffer
			var herd []*exec.Cmd
			var gates []io.Closer
			var outs []io.Reader
			for i := range herdProcesses {
				cmd := exec.CommandContext(t.Context(), os.Args[0])
				cmd.Env = append(os.Environ(), herdEnv+"="+strings.Join([]string{h.driver, h.dsn, h.prefix, platform.URL}, "\n"))
				cmd.Stderr = &complaints[i]
				gate, err := cmd.StdinPipe()
				require.NoError(t, err)
				out, err := cmd.StdoutPipe()
				require.NoError(t, err)
				require.NoError(t, cmd.Start())
				herd, gates, outs = append(herd, cmd), append(gates, gate), append(outs, out)
			}
			for i, out := range outs {
				if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
					_ = herd[i].Wait()
					require.NoError(t, err, "a process does not become ready: %s", &complaints[i])
				}
			}
			for _, gate := range gates {
				require.NoError(t, gate.Close())
			}
			for i, cmd := range herd {
				require.NoError(t, cmd.Wait(), complaints[i].String())
			}
			assert.EqualValues(t, 1, renewed.Load(), "%d goroutines in %d processes", herdProcesses*herdEach, herdProcesses)
			r, err := s.LoadToken(t.Context(), k)
			require.NoError(t, err)
			assert.Equal(t, "IGAArenewed1", r.Token.AccessToken.Reveal())
		})
	}
}

// herdWorker lets a crowd ask for the token: half of it as before a call, half
// of it for a renewed one.
func herdWorker(task []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := sql.Open(task[0], task[1])
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(4) // as in a service; each of the crowd would open one of its own
	s, err := Open(ctx, db, WithTablePrefix(task[2]))
	if err != nil {
		return err
	}
	client, err := instagram.New(instagram.Config{
		AppID: herdApp, AppSecret: instagram.NewSecret("0123456789abcdef0123456789abcdef"), RedirectURL: "https://example.com/callback",
		Scopes: []instagram.Scope{instagram.ScopeBusinessBasic}, Endpoint: instagram.EndpointUnder(task[3], instagram.InstagramLogin),
	}, instagram.WithTokenStore(s))
	if err != nil {
		return err
	}
	fmt.Println("ready")
	_, _ = io.ReadAll(os.Stdin) // until all are there
	errs := make([]error, herdEach)
	var crowd sync.WaitGroup
	for i := range errs {
		crowd.Go(func() {
			if i%2 == 0 {
				_, errs[i] = client.TokenSource(herdAccount).Token(ctx)
				return
			}
			tok, err := client.Refresh(ctx, herdAccount)
			if err == nil && tok.AccessToken.Reveal() != "IGAArenewed1" {
				err = errors.New("got another token than the renewed one")
			}
			errs[i] = err
		})
	}
	crowd.Wait()
	return errors.Join(errors.Join(errs...), client.Close(ctx))
}
