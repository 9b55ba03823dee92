package instagram_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

func TestProfileOfBothProducts(t *testing.T) {
	t.Parallel()
	for name, shapes := range map[string]instagramtest.Shapes{
		"flat":                     {},
		"wrapped, as documented":   {MeWrapped: true, AccountTypeTitle: true},
		"with numbers for IDs":     {MeUserIDNumber: true},
		"all of it, over lines":    {MeWrapped: true, MeUserIDNumber: true, Pretty: true},
		"labelled as a JavaScript": {JavaScript: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			meta := instagramtest.New(instagramtest.WithShapes(shapes))
			p, err := accountOf(t, newClient(t, instagramConfig(), meta), meta, instagram.InstagramLogin).Profile(t.Context())
			require.NoError(t, err)
			assert.Equal(t, instagramtest.DefaultAccountID, p.AccountID)
			assert.Equal(t, instagramtest.DefaultAppScopedID, p.AppScopedID)
			assert.Equal(t, instagramtest.DefaultUsername, p.Username)
			assert.Equal(t, instagram.BusinessAccount, p.Type)
			assert.EqualValues(t, 1204, *p.FollowersCount)
			assert.EqualValues(t, 0, *p.MediaCount)

			p, err = accountOf(t, newClient(t, facebookConfig(), meta), meta, instagram.FacebookLogin).Profile(t.Context())
			require.NoError(t, err)
			assert.Equal(t, instagramtest.DefaultAccountID, p.AccountID)
			assert.Empty(t, p.AppScopedID, "Facebook does not tell it here")
			assert.Equal(t, "Seed & Bloom", p.Name)
			assert.EqualValues(t, 87, *p.FollowsCount)
		})
	}
}

func TestProfileAsksForWhatTheCallerChooses(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	account := accountOf(t, newClient(t, instagramConfig(), meta), meta, instagram.InstagramLogin)
	p, err := account.Profile(t.Context(), instagram.FieldFollowersCount, "username", "id")
	require.NoError(t, err)
	assert.Equal(t, "id,user_id,followers_count,username", meta.Requests("GET", "/me")[0].Query.Get("fields"))
	assert.Nil(t, p.MediaCount, "what was not asked for is not zero")
	assert.Empty(t, p.Name)
	assert.JSONEq(t, `1204`, string(p.Field(instagram.FieldFollowersCount)))
	assert.Nil(t, p.Field(instagram.FieldMediaCount))

	meta.On("GET", "/me").Once(instagramtest.Answer{Body: `{"data":[{"user_id":17841405793187641,"followers_count":"12","media_count":"many","shoe_size":{"eu":38},"name":null}]}`})
	p, err = account.Profile(t.Context(), "shoe_size")
	require.NoError(t, err)
	assert.Equal(t, "17841405793187641", p.AccountID)
	assert.EqualValues(t, 12, *p.FollowersCount)
	assert.Nil(t, p.MediaCount)
	assert.JSONEq(t, `{"eu":38}`, string(p.Field("shoe_size")))
	fields := map[instagram.ProfileField]string{}
	for name, value := range p.Fields() {
		fields[name] = string(value)
	}
	assert.Len(t, fields, 5)
	assert.Equal(t, `"many"`, fields["media_count"])
}

func TestProfileFailures(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	client := newClient(t, instagramConfig(), meta)
	account := accountOf(t, client, meta, instagram.InstagramLogin)
	_, err := account.Profile(t.Context(), "shoe_size")
	require.ErrorIs(t, err, instagram.ErrInvalidRequest)
	meta.On("GET", "/me").Once(instagramtest.Answer{Body: `{"username":"x"}`})
	_, err = account.Profile(t.Context())
	require.ErrorContains(t, err, "no account ID")
	_, err = client.With(instagram.StaticToken(nil)).Profile(t.Context())
	require.ErrorIs(t, err, instagram.ErrTokenNotFound)

	facebook := newClient(t, facebookConfig(), meta)
	_, err = facebook.With(person(t, meta, nil)).Profile(t.Context())
	require.ErrorIs(t, err, instagram.ErrInvalidRequest)
	require.ErrorContains(t, err, "a person's")
	_, err = facebook.With(instagram.StaticToken(nil)).Profile(t.Context())
	require.ErrorIs(t, err, instagram.ErrTokenNotFound)
}

// The account of a stored token is known by its name in the store, and need not
// be asked for.
func TestStoredAccountKnowsItsID(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	client := newClient(t, facebookConfig(), meta)
	result := signIn(t, client, meta)
	for _, tok := range result.Accounts {
		p, err := client.Account(tok.AccountID).Profile(t.Context(), instagram.FieldUsername)
		require.NoError(t, err)
		assert.Equal(t, tok.AccountID, p.AccountID)
		assert.Equal(t, tok.Username, p.Username)
	}
}
