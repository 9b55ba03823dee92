package instagram_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

const tokenLife = 60 * 24 * time.Hour

func obtained() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// TestTokenStatusTable holds what a reader of Status would ask first.
func TestTokenStatusTable(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	at, end := obtained(), obtained().Add(tokenLife)
	long := instagram.Token{Kind: instagram.LongLived, AccountID: "1", ObtainedAt: at, ExpiresAt: end}
	with := func(change func(*instagram.Token)) instagram.Token {
		tok := long
		change(&tok)
		return tok
	}
	facebook := with(func(t *instagram.Token) { t.Login = instagram.FacebookLogin })
	ageless := with(func(t *instagram.Token) { t.ObtainedAt = time.Time{} })
	dataEnds := with(func(t *instagram.Token) { t.DataAccessExpiresAt = at.Add(10 * day) })
	endless := with(func(t *instagram.Token) { t.ExpiresAt, t.Permanent = time.Time{}, true })
	silent := with(func(t *instagram.Token) { t.ExpiresAt = time.Time{} })
	brief := with(func(t *instagram.Token) { t.ExpiresAt = at.Add(12 * time.Hour) })
	short := instagram.Token{AccountID: "1", ObtainedAt: at, ExpiresAt: at.Add(time.Hour)}

	tests := map[string]struct {
		token instagram.Token
		age   time.Duration
		want  instagram.TokenStatus
	}{
		"just obtained": {long, 0, instagram.TooYoung},
		"obtained by a clock that is ahead of ours":        {long, -time.Hour, instagram.TooYoung},
		"a nanosecond younger than a day":                  {long, day - 1, instagram.TooYoung},
		"a day old":                                        {long, day, instagram.Fresh},
		"a nanosecond before half its life":                {long, tokenLife/2 - 1, instagram.Fresh},
		"at five sixths of its life":                       {long, tokenLife * 5 / 6, instagram.Due},
		"a tenth of its life left":                         {long, tokenLife * 9 / 10, instagram.Due},
		"less than a tenth left":                           {long, tokenLife*9/10 + 1, instagram.Urgent},
		"a nanosecond before its end":                      {long, tokenLife - 1, instagram.Urgent},
		"at its end":                                       {long, tokenLife, instagram.Expired},
		"a year after its end":                             {long, tokenLife + 365*day, instagram.Expired},
		"Facebook knows no youth":                          {facebook, 0, instagram.Fresh},
		"Facebook, less than a tenth left":                 {facebook, tokenLife*9/10 + 1, instagram.Urgent},
		"age not known: renewed at once":                   {ageless, day, instagram.Due},
		"age not known, at its end":                        {ageless, tokenLife, instagram.Expired},
		"no end":                                           {endless, 10 * tokenLife, instagram.NeverExpires},
		"Meta did not say when it ends":                    {silent, 10 * tokenLife, instagram.Unknown},
		"before data access ends":                          {dataEnds, 10*day - 1, instagram.Fresh},
		"when data access ends":                            {dataEnds, 10 * day, instagram.DataAccessEnded},
		"data access ended, and then the token":            {dataEnds, tokenLife, instagram.Expired},
		"lives too short to ever be refreshed":             {brief, 11 * time.Hour, instagram.TooYoung},
		"lived too short to ever be refreshed":             {brief, 12 * time.Hour, instagram.Expired},
		"short-lived, just obtained":                       {short, 0, instagram.Fresh},
		"short-lived, at five sixths":                      {short, 50 * time.Minute, instagram.Due},
		"short-lived, less than a tenth left":              {short, 54*time.Minute + 1, instagram.Urgent},
		"short-lived, at its end":                          {short, time.Hour, instagram.Expired},
		"the zero token: nothing is known":                 {instagram.Token{}, 0, instagram.Unknown},
		"end before beginning, as of two different clocks": {with(func(t *instagram.Token) { t.ExpiresAt = at.Add(-time.Hour) }), -2 * time.Hour, instagram.TooYoung},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.want, c.token.Status(at.Add(c.age)))
		})
	}
}

// TestTokenStatusEveryCombination tries all combinations of what Status looks
// at against its rules, written as a list of those that hold, first one first.
func TestTokenStatusEveryCombination(t *testing.T) {
	t.Parallel()
	at, end := obtained(), obtained().Add(tokenLife)
	combinations := 0
	for _, login := range []instagram.Login{instagram.InstagramLogin, instagram.FacebookLogin} {
		for kind := instagram.ShortLived; kind <= instagram.SystemUser; kind++ {
			for _, obtainedAt := range []time.Time{{}, at} {
				for _, expiresAt := range []time.Time{{}, end} {
					for _, permanent := range []bool{false, true} {
						for _, dataEnds := range []time.Time{{}, at.Add(tokenLife / 4), end.Add(tokenLife)} {
							for _, now := range []time.Time{
								at.Add(-time.Hour), at, at.Add(24*time.Hour - 1), at.Add(24 * time.Hour), at.Add(tokenLife/4 - 1), at.Add(tokenLife / 4), at.Add(tokenLife/2 - 1),
								at.Add(tokenLife * 5 / 6), at.Add(tokenLife * 9 / 10), at.Add(tokenLife*9/10 + 1), end.Add(-1), end, end.Add(2 * tokenLife),
							} {
								tok := instagram.Token{
									AccessToken: instagram.NewSecret(canary), Login: login, Kind: kind, AccountID: "17841405793187218",
									ObtainedAt: obtainedAt, ExpiresAt: expiresAt, Permanent: permanent, DataAccessExpiresAt: dataEnds,
								}
								got := tok.Status(now)
								require.Equal(t, wantStatus(&tok, now), got, "%+v at %v", tok, now)
								combinations++
							}
						}
					}
				}
			}
		}
	}
	assert.Equal(t, 2*4*2*2*2*3*13, combinations)
}

func wantStatus(tok *instagram.Token, now time.Time) instagram.TokenStatus {
	endKnown, ageKnown := !tok.ExpiresAt.IsZero(), !tok.ObtainedAt.IsZero()
	age := now.Sub(tok.ObtainedAt)
	rules := []struct {
		holds  bool
		status instagram.TokenStatus
	}{
		{endKnown && !now.Before(tok.ExpiresAt), instagram.Expired},
		{!tok.DataAccessExpiresAt.IsZero() && !now.Before(tok.DataAccessExpiresAt), instagram.DataAccessEnded},
		{!endKnown && (tok.Permanent || tok.Kind == instagram.PageToken || tok.Kind == instagram.SystemUser), instagram.NeverExpires},
		{!endKnown, instagram.Unknown},
		{ageKnown && tok.Login == instagram.InstagramLogin && tok.Kind == instagram.LongLived && age < 24*time.Hour, instagram.TooYoung},
		{ageKnown && age > tokenLife*9/10, instagram.Urgent},
		{ageKnown && age >= tokenLife*5/6, instagram.Due},
		{!ageKnown, instagram.Due}, // renewed, its age is known
	}
	for _, rule := range rules {
		if rule.holds {
			return rule.status
		}
	}
	return instagram.Fresh
}

// TestAccountsOfOneDayAreNotDueOnOneDay measures the spread of a crowd that
// connected in one second.
func TestAccountsOfOneDayAreNotDueOnOneDay(t *testing.T) {
	t.Parallel()
	const crowd, days = 4000, 20 // from half to five sixths of sixty days
	perDay := make(map[int]int)
	for i := range crowd {
		tok := &instagram.Token{Kind: instagram.LongLived, AccountID: fmt.Sprintf("1784140579318%04d", i), ObtainedAt: obtained(), ExpiresAt: obtained().Add(tokenLife)}
		for day := range days + 1 {
			if tok.Status(obtained().Add(tokenLife/2+time.Duration(day+1)*24*time.Hour)) == instagram.Due {
				perDay[day]++
				break
			}
		}
		first := tok.Status(obtained().Add(tokenLife / 2))
		require.Contains(t, []instagram.TokenStatus{instagram.Fresh, instagram.Due}, first)
		twin := *tok
		twin.AccessToken = instagram.NewSecret("another")
		require.Equal(t, first, twin.Status(obtained().Add(tokenLife/2)), "it depends on the account alone")
	}
	require.Len(t, perDay, days)
	for day, n := range perDay {
		assert.InDelta(t, crowd/days, n, crowd/days/2.0, "day %d", day)
	}
}

func TestTokenStatusSaysItsName(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for s := instagram.Unknown; s <= instagram.DataAccessEnded; s++ {
		assert.NotEmpty(t, s.String())
		seen[s.String()] = true
	}
	assert.Len(t, seen, 8)
	assert.Equal(t, "unknown", instagram.TokenStatus(99).String())
}
