package instagramtest

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A fleet of a hundred thousand accounts can be set up and asked cheaply.
func BenchmarkMe(b *testing.B) {
	p := New(WithoutRecording(), WithAppLimit(1<<40, 0), WithAccountLimit(1<<40, 0))
	var tokens []string
	for _, a := range p.AddAccounts(100_000) {
		tok, err := p.IssueToken(TokenSpec{Account: a.ID, Kind: LongLived, Value: "IGAA" + a.ID})
		if err != nil {
			b.Fatal(err)
		}
		tokens = append(tokens, tok.Value)
	}
	rt, i := p.Transport(), 0
	b.ReportAllocs()
	for b.Loop() {
		i = (i + 1) % len(tokens)
		req, _ := http.NewRequest(http.MethodGet, "https://graph.instagram.com/v26.0/me?fields=user_id,username", nil)
		req.Header.Set("Authorization", "Bearer "+tokens[i])
		res, err := rt.RoundTrip(req)
		if err != nil || res.StatusCode != http.StatusOK {
			b.Fatal(err, res.Status)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
}

func BenchmarkAddAccounts(b *testing.B) {
	for b.Loop() {
		New().AddAccounts(100_000)
	}
}

// Years of refreshing leave no more behind than the last few tokens.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(WithoutRecording())
		token := issue(t, p, TokenSpec{Kind: LongLived})
		for range 200 {
			time.Sleep(40 * 24 * time.Hour)
			token = send(t, p, "GET", "https://graph.instagram.com/refresh_access_token", "grant_type", "ig_refresh_token", "access_token", token).token(t)
			back, err := p.Consent(browserURL(InstagramLogin, "instagram_business_basic"))
			require.NoError(t, err)
			redeem(t, p, InstagramLogin, codeFrom(t, back)).token(t)
		}
		assert.LessOrEqual(t, len(p.tokens), 4*deadKept)
		assert.LessOrEqual(t, len(p.codes), 2)
		assert.Len(t, p.codeQueue, len(p.codes))
		assert.Empty(t, p.Requests("", ""))
	})
}

func ExamplePlatform_AddAccounts() {
	p := New()
	accounts := p.AddAccounts(100_000)
	fmt.Println(len(accounts), accounts[0].Username)
	// Output: 100000 account_17841410000000001
}
