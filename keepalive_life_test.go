package instagram_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

// TestRecordStatusEveryCombination tries all states of a record with all ages
// of its token.
func TestRecordStatusEveryCombination(t *testing.T) {
	t.Parallel()
	at, end := obtained(), obtained().Add(tokenLife)
	tokens := map[string]*instagram.Token{
		"long-lived":             {ObtainedAt: at, ExpiresAt: end, Kind: instagram.LongLived},
		"of Facebook":            {ObtainedAt: at, ExpiresAt: end, Kind: instagram.LongLived, Login: instagram.FacebookLogin, DataAccessExpiresAt: at.Add(50 * day)},
		"short-lived":            {ObtainedAt: at, ExpiresAt: at.Add(time.Hour)},
		"without an end":         {ObtainedAt: at, Kind: instagram.PageToken, Permanent: true},
		"of unknown end":         {ObtainedAt: at, Kind: instagram.LongLived},
		"of unknown age":         {ExpiresAt: end, Kind: instagram.LongLived},
		"of which nothing known": {Kind: instagram.LongLived},
	}
	states := []instagram.RecordState{instagram.Alive, instagram.NeedsLogin, instagram.WaitingForPerson, instagram.Deauthorized}
	for name, tok := range tokens {
		for _, state := range states {
			for _, reason := range []string{"", "190/460", "expired"} {
				for age := -day; age < 70*day; age += 6 * time.Hour {
					now := at.Add(age)
					r := &instagram.Record{Token: tok, State: state, Reason: reason}
					want := tok.Status(now)
					ended := want == instagram.Expired
					switch state {
					case instagram.NeedsLogin:
						want = instagram.Invalidated
						if reason == "expired" {
							want = instagram.Expired
						}
					case instagram.Deauthorized:
						want = instagram.Invalidated
					case instagram.WaitingForPerson:
						if !ended {
							want = instagram.AwaitsPerson
						}
					case instagram.Alive:
					}
					require.Equal(t, want, r.Status(now), "%s, %s, %q, age %v", name, state, reason, age)
				}
			}
		}
	}
	assert.Equal(t, instagram.Unknown, (&instagram.Record{}).Status(at))
	assert.Equal(t, "invalidated", instagram.Invalidated.String())
	assert.Equal(t, "awaits person", instagram.AwaitsPerson.String())
}

// TestOddLivesMakeNoLoop has Meta answer with lives that nobody expects, and
// counts how often a token is renewed in a month.
func TestOddLivesMakeNoLoop(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		most   int64
	}{
		"no expires_in":        {`{"access_token":"IGAA-%s-1-0"}`, 31},
		"expires_in 0":         {`{"access_token":"IGAA-%s-1-0","expires_in":0}`, 31},
		"negative":             {`{"access_token":"IGAA-%s-1-0","expires_in":-5}`, 31},
		"an hour":              {`{"access_token":"IGAA-%s-1-0","expires_in":3600}`, 800},
		"two days":             {`{"access_token":"IGAA-%s-1-0","expires_in":172800}`, 31},
		"a thousand years":     {`{"access_token":"IGAA-%s-1-0","expires_in":31536000000}`, 31},
		"ninety days":          {`{"access_token":"IGAA-%s-1-0","expires_in":7776000}`, 2},
		"sixty days in a text": {`{"access_token":"IGAA-%s-1-0","expires_in":"5184000"}`, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, store, tracer := newGraph(), watch(), &events{}
				client := g.client(t, store, instagram.WithTracer(tracer))
				connect(t, store, accountN(1), 50*day)
				g.answers(func(_, account string) *graphFault {
					return &graphFault{status: 200, message: replaceAccount(c.answer, account)}
				})
				stop := keepAlive(t, client, instagram.KeepAliveConfig{Poll: 10 * time.Minute})
				time.Sleep(30 * day)
				stop()
				refreshed := len(tracer.of(instagram.EventRefreshed))
				assert.Positive(t, refreshed)
				assert.LessOrEqual(t, int64(refreshed), c.most)
				assert.Equal(t, instagram.Alive, stored(t, store, accountN(1)).State)
			})
		})
	}
}
