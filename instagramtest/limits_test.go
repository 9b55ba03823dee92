package instagramtest

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// issue makes a token or ends the test.
func issue(t *testing.T, p *Platform, spec TokenSpec) string {
	t.Helper()
	tok, err := p.IssueToken(spec)
	require.NoError(t, err)
	return tok.Value
}

func me(t *testing.T, p *Platform, token string) got {
	t.Helper()
	return send(t, p, "GET", "https://graph.instagram.com/v26.0/me", "fields", "user_id", "access_token", token)
}

func TestAppLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(WithAppLimit(200, 0), BindingDimension(TotalCPUTime))
		token := issue(t, p, TokenSpec{Kind: LongLived})
		for i := range 200 {
			require.Equal(t, http.StatusOK, me(t, p, token).status, i)
			time.Sleep(time.Second)
		}
		full := me(t, p, token)
		assert.Equal(t, http.StatusForbidden, full.status)
		assert.Regexp(t, `^\{"error":\{"message":"\(#4\) Application request limit reached","type":"OAuthException","is_transient":true,"code":4,"fbtrace_id":"[\w-]+"\}\}$`, full.text)
		assertText(t, `{"call_count":50,"total_cputime":100,"total_time":50}`, full.header.Get("X-App-Usage"))
		assert.EqualValues(t, 200, p.Served())
		assert.EqualValues(t, 1, p.Refused())

		// The first call leaves the window after an hour; the refused one counted too.
		time.Sleep(time.Hour - 199*time.Second)
		assert.Equal(t, http.StatusForbidden, me(t, p, token).status)
		time.Sleep(3 * time.Second)
		assert.Equal(t, http.StatusOK, me(t, p, token).status)
	})
}

func TestAccountLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(WithAccountLimit(10, 0), RefusalsCount(false))
		busy := issue(t, p, TokenSpec{Kind: LongLived})
		idle := issue(t, p, TokenSpec{Kind: LongLived, Account: SecondAccountID})
		for range 9 {
			require.Equal(t, http.StatusOK, me(t, p, busy).status)
		}
		time.Sleep(90 * time.Minute)
		require.Equal(t, http.StatusOK, me(t, p, busy).status)
		for range 5 { // refusals that do not count leave the block as it is
			full := me(t, p, busy)
			assert.Equal(t, http.StatusBadRequest, full.status)
			assert.EqualValues(t, 80002, full.field(t, "error", "code"))
			assertText(t, `{"17841405793187641":[{"type":"instagram","call_count":100,"total_cputime":50,"total_time":50,"estimated_time_to_regain_access":1351}]}`,
				full.header.Get("X-Business-Use-Case-Usage"))
		}
		assert.Equal(t, 100, p.Usage(DefaultAccountID))
		assert.Equal(t, http.StatusOK, me(t, p, idle).status, "another account's quota is its own")
		time.Sleep(1351 * time.Minute)
		open := me(t, p, busy)
		assert.Equal(t, http.StatusOK, open.status)
		assert.Contains(t, open.header.Get("X-Business-Use-Case-Usage"), `"call_count":20,"total_cputime":10,"total_time":10,"estimated_time_to_regain_access":0`)
	})
}

func TestLimitVariants(t *testing.T) {
	t.Parallel()
	exhaust := func(t *testing.T, opts ...Option) got {
		t.Helper()
		p := New(append(opts, WithAppLimit(5, 0), WithAccountLimit(5, 0))...)
		token := issue(t, p, TokenSpec{})
		p.ConsumeForeignAccount(DefaultAccountID, 5)
		return me(t, p, token)
	}
	t.Run("a status of one's own", func(t *testing.T) {
		t.Parallel()
		assert.Equal(t, 429, exhaust(t, RefusalStatus(429)).status)
	})
	t.Run("no headers on refusals", func(t *testing.T) {
		t.Parallel()
		g := exhaust(t, RefusalsWithoutHeaders(true))
		assert.EqualValues(t, 80002, g.field(t, "error", "code"))
		assert.Empty(t, g.header.Get("X-App-Usage")+g.header.Get("X-Business-Use-Case-Usage"))
	})
	t.Run("no wait told", func(t *testing.T) {
		t.Parallel()
		assert.Contains(t, exhaust(t, HideRegainAccess(true)).header.Get("X-Business-Use-Case-Usage"), `"estimated_time_to_regain_access":0`)
	})
	t.Run("headers from a percentage on", func(t *testing.T) {
		t.Parallel()
		g := exhaust(t, HeadersFrom(40))
		assert.Empty(t, g.header.Get("X-App-Usage"))
		assert.NotEmpty(t, g.header.Get("X-Business-Use-Case-Usage"))
	})
	t.Run("another spelling", func(t *testing.T) {
		t.Parallel()
		g := exhaust(t, WithShapes(Shapes{UsageCallVolume: true}))
		assertText(t, `{"call_volume":20,"cpu_time":10}`, g.header.Get("X-App-Usage"))
	})
}

func TestHeaderLag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(WithAppLimit(100, time.Hour), HeaderLag(time.Minute))
		token := issue(t, p, TokenSpec{Kind: LongLived})
		p.ConsumeForeign(50)
		assert.Equal(t, 50, p.Usage(""))
		assert.Contains(t, me(t, p, token).header.Get("X-App-Usage"), `"call_count":0`)
		time.Sleep(time.Minute)
		assert.Contains(t, me(t, p, token).header.Get("X-App-Usage"), `"call_count":51`)
		time.Sleep(time.Hour + time.Second)
		assert.Equal(t, 0, p.Usage(""), "all 52 calls left the window")
		assert.Contains(t, me(t, p, token).header.Get("X-App-Usage"), `"call_count":1,`, "and the header learns it a minute later")
	})
}

func TestWindowIsRolling(t *testing.T) {
	t.Parallel()
	w, now := newWindow(time.Hour), time.Unix(1_800_000_000, 0)
	for i := range 10_000 {
		at := now.Add(time.Duration(i) * 700 * time.Millisecond)
		w.advance(at)
		w.add(at, 1)
		require.InDelta(t, min(i+1, 5143), w.used, 3, i)
	}
	assert.LessOrEqual(t, len(w.slots), 2*grains+2, "memory follows the grains, not the calls")
}

// The headers are what a hook says, when a test wants them by hand.
func TestSetUsage(t *testing.T) {
	t.Parallel()
	p := New()
	token := issue(t, p, TokenSpec{})
	p.SetUsage(func(r Request) http.Header {
		return http.Header{"x-app-usage": {`{"path":"` + r.Path + `"}`}}
	})
	assertText(t, `{"path":"/me"}`, me(t, p, token).header.Get("X-App-Usage"))
	p.SetUsage(nil)
	assert.Empty(t, me(t, p, token).header.Get("X-App-Usage"))
}
