package sqlstore

// This file answers: what happens when the connection breaks in the middle of a commit?

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

// cutter breaks connections at the statement that commits.
type cutter struct {
	armed  atomic.Bool
	before bool // the statement does not arrive; else its answer does not
	cuts   atomic.Int64
}

type cutConn struct {
	net.Conn

	*cutter
	cut atomic.Bool
}

var errCut = errors.New("connection reset by peer")

func (c *cutConn) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(" set revision = ")) && c.armed.CompareAndSwap(true, false) {
		c.cuts.Add(1)
		if c.before {
			_ = c.Close()
			return 0, errCut
		}
		c.cut.Store(true)
	}
	return c.Conn.Write(b)
}

func (c *cutConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.cut.Load() { // the server has done it, and nobody hears
		_ = c.Close()
		return 0, errCut
	}
	return n, err
}

func TestConnectionIsLostInACommit(t *testing.T) {
	for name, before := range map[string]bool{"before it arrives": true, "before the answer arrives": false} {
		t.Run(name, func(t *testing.T) {
			h := postgresHome(t)
			cfg, err := pgx.ParseConfig(h.dsn)
			require.NoError(t, err)
			c := &cutter{before: before}
			dial := cfg.DialFunc
			cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := dial(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				return &cutConn{Conn: conn, cutter: c}, nil
			}
			cfg.DefaultQueryExecMode = pgx.QueryExecModeExec // the text of each statement goes over the wire
			db := stdlib.OpenDB(*cfg)
			defer func() { _ = db.Close() }()
			s, err := Open(t.Context(), db, WithTablePrefix(h.prefix))
			require.NoError(t, err)
			const batch = 5
			for i := range batch {
				_, err := s.SaveToken(t.Context(), record(strconv.Itoa(i), canary), 0)
				require.NoError(t, err)
			}
			leases, err := s.LeaseDue(t.Context(), "app", batch, time.Minute)
			require.NoError(t, err)
			require.Len(t, leases, batch)
			for _, l := range leases {
				l.Record.Token.AccessToken = instagram.NewSecret("renewed")
				l.Record.Token.ObtainedAt = l.Record.Token.ObtainedAt.Add(time.Second)
			}

			c.armed.Store(true)
			results, err := s.CommitLeases(t.Context(), leases)
			if err == nil { // the driver knew that nothing was sent, and sent it again
				require.True(t, before)
				require.NoError(t, errors.Join(results...))
			} else {
				require.NotErrorIs(t, err, instagram.ErrTokenSuperseded, "nobody knows")
				require.NotErrorIs(t, err, instagram.ErrTokenNotFound)
				assert.NotContains(t, err.Error(), canary)
				assert.NotContains(t, err.Error(), "renewed")
			}
			assert.EqualValues(t, 1, c.cuts.Load())

			again, err := s.CommitLeases(t.Context(), leases) // as KeepAlive does
			require.NoError(t, err, "the pool has other connections")
			for i, l := range leases {
				r, err := s.LoadToken(t.Context(), l.Record.Key)
				require.NoError(t, err)
				assert.Equal(t, "renewed", r.Token.AccessToken.Reveal())
				assert.Equal(t, l.Record.Revision.Next(), r.Revision, "it is written once")
				if again[i] != nil {
					require.ErrorIs(t, again[i], instagram.ErrTokenSuperseded, "by ourselves, as who loads it sees")
				}
			}
		})
	}
}
