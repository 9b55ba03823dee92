package instagram_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

const callbackSecret = instagramtest.DefaultInstagramAppSecret

// signed returns a signed request that is good but for its payload.
func signed(payload string) string { return instagramtest.SignRequest(callbackSecret, []byte(payload)) }

func problem(t *testing.T, err error) instagram.SignatureProblem {
	t.Helper()
	var e *instagram.SignatureError
	require.ErrorAs(t, err, &e)
	require.ErrorIs(t, err, instagram.ErrSignature)
	assert.NotContains(t, err.Error(), callbackSecret)
	return e.Problem
}

func TestSignedRequestFixtures(t *testing.T) {
	t.Parallel()
	for _, f := range callbackFixtures(t, "signed_request") {
		t.Run(f.ID, func(t *testing.T) {
			t.Parallel()
			secret := instagram.NewSecret(f.Expect.AppSecret)
			r, err := instagram.ParseSignedRequest(f.SignedRequest, instagram.NewSecret("the previous one"), secret)
			require.Equal(t, f.Expect.Valid, err == nil, "%v", err)
			assert.Equal(t, f.Expect.UserID, r.UserID)
			assert.Equal(t, f.Expect.IssuedAt, r.IssuedAt.Unix())
			if f.Expect.Expires != 0 {
				assert.Equal(t, f.Expect.Expires, r.Expires.Unix())
			}
			assert.JSONEq(t, string(f.Expect.Payload), string(r.Payload))

			_, err = instagram.ParseSignedRequest(f.SignedRequest, instagram.NewSecret("another"))
			require.ErrorIs(t, err, instagram.ErrSignature)
		})
	}
}

func TestSignedRequestAttacks(t *testing.T) {
	t.Parallel()
	const payload = `{"algorithm":"HMAC-SHA256","issued_at":1700000000,"user_id":"218471"}`
	good := signed(payload)
	mac, encoded, _ := strings.Cut(good, ".")
	other := `{"algorithm":"HMAC-SHA256","issued_at":1700000000,"user_id":"218472"}`
	otherMAC, otherEncoded, _ := strings.Cut(signed(other), ".")
	rawMAC, err := base64.RawURLEncoding.DecodeString(mac)
	require.NoError(t, err)
	leftOver := mac[:len(mac)-1] + string(mac[len(mac)-1]+1) // bits that decoding drops

	for name, c := range map[string]struct {
		signed string
		want   instagram.SignatureProblem
	}{
		"nothing":                                 {"", instagram.SignatureMissing},
		"no dot":                                  {mac + encoded, instagram.SignatureMalformed},
		"two dots":                                {good + "." + encoded, instagram.SignatureMalformed},
		"an empty signature":                      {"." + encoded, instagram.SignatureMalformed},
		"an empty payload":                        {mac + ".", instagram.SignatureWrong},
		"only a dot":                              {".", instagram.SignatureMalformed},
		"a signature that is no base64url":        {"!" + mac[1:] + "." + encoded, instagram.SignatureMalformed},
		"a truncated signature":                   {mac[:40] + "." + encoded, instagram.SignatureWrong},
		"a truncated payload":                     {mac + "." + encoded[:len(encoded)-4], instagram.SignatureWrong},
		"a longer signature":                      {base64.RawURLEncoding.EncodeToString(append(rawMAC, 0)) + "." + encoded, instagram.SignatureWrong},
		"a signature with bits left over":         {leftOver + "." + encoded, instagram.SignatureMalformed},
		"a signature with a line break":           {mac[:8] + "\n" + mac[8:] + "." + encoded, instagram.SignatureMalformed},
		"a signature with too much padding":       {mac + "==." + encoded, instagram.SignatureMalformed},
		"the signature of another payload":        {otherMAC + "." + encoded, instagram.SignatureWrong},
		"the payload of another signature":        {mac + "." + otherEncoded, instagram.SignatureWrong},
		"the payload encoded anew with padding":   {mac + "." + encoded + strings.Repeat("=", (4-len(encoded)%4)%4) + "=", instagram.SignatureWrong},
		"the payload written anew":                {mac + "." + base64.RawURLEncoding.EncodeToString([]byte(payload+" ")), instagram.SignatureWrong},
		"a signature of the payload, not encoded": {bareMAC(payload) + "." + encoded, instagram.SignatureWrong},
		"another secret":                          {instagramtest.SignRequest("another", []byte(payload)), instagram.SignatureWrong},
		"the empty secret":                        {instagramtest.SignRequest("", []byte(payload)), instagram.SignatureWrong},
		"algorithm none, not signed":              {"." + base64.RawURLEncoding.EncodeToString([]byte(`{"algorithm":"none","user_id":"1"}`)), instagram.SignatureMalformed},
		"algorithm none, signed":                  {signed(`{"algorithm":"none","user_id":"1"}`), instagram.SignatureAlgorithmUnsupported},
		"algorithm HMAC-SHA1":                     {signed(`{"algorithm":"HMAC-SHA1","user_id":"1"}`), instagram.SignatureAlgorithmUnsupported},
		"no algorithm":                            {signed(`{"user_id":"1"}`), instagram.SignatureAlgorithmUnsupported},
		"an algorithm that is no text":            {signed(`{"algorithm":["HMAC-SHA256"],"user_id":"1"}`), instagram.SignatureAlgorithmUnsupported},
		"a payload that is no JSON":               {signed(`user_id=1`), instagram.SignaturePayloadMalformed},
		"a payload that is cut off":               {signed(payload[:len(payload)-1]), instagram.SignaturePayloadMalformed},
		"a payload that is a list":                {signed(`[` + payload + `]`), instagram.SignaturePayloadMalformed},
		"a user ID that is no number":             {signed(`{"algorithm":"HMAC-SHA256","user_id":"../1"}`), instagram.SignaturePayloadMalformed},
		"a user ID as a float":                    {signed(`{"algorithm":"HMAC-SHA256","user_id":1.7841405793187641e16}`), instagram.SignaturePayloadMalformed},
		"a user ID without end":                   {signed(`{"algorithm":"HMAC-SHA256","user_id":"` + strings.Repeat("1", 33) + `"}`), instagram.SignaturePayloadMalformed},
		"a request without end":                   {signed(payload + strings.Repeat(" ", 8<<10)), instagram.SignatureTooLong},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := instagram.ParseSignedRequest(c.signed, instagram.Secret{}, instagram.NewSecret(callbackSecret))
			assert.Nil(t, r)
			assert.Equal(t, c.want, problem(t, err), "%v", err)
		})
	}

	_, err = instagram.ParseSignedRequest(good)
	assert.Equal(t, instagram.SignatureNoSecret, problem(t, err))
	_, err = instagram.ParseSignedRequest(instagramtest.SignRequest("", []byte(payload)), instagram.Secret{})
	assert.Equal(t, instagram.SignatureNoSecret, problem(t, err))
}

func TestSignedRequestSpellings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		payload, user string
	}{
		"a user ID in quotes":                     {`{"algorithm":"HMAC-SHA256","user_id":"17841405793187641"}`, "17841405793187641"},
		"a user ID as a number beyond a float":    {`{"algorithm":"HMAC-SHA256","user_id":17841405793187641}`, "17841405793187641"},
		"a user ID of 20 digits":                  {`{"algorithm":"HMAC-SHA256","user_id":18446744073709551617}`, "18446744073709551617"},
		"algorithm in small letters":              {`{"algorithm":"hmac-sha256","user_id":1}`, "1"},
		"nobody":                                  {`{"algorithm":"HMAC-SHA256"}`, ""},
		"nobody, written as 0":                    {`{"algorithm":"HMAC-SHA256","user_id":0}`, ""},
		"keys and values that nobody knows":       {`{"algorithm":"HMAC-SHA256","user_id":"1","x":{"y":[null]},"page":{"id":1}}`, "1"},
		"a name with an escape, slashes as \\/":   {`{"algorithm":"HMAC-SHA256","user\u005fid":"1","u":"https:\/\/a"}`, "1"},
		"an issued_at that is not an instant":     {`{"algorithm":"HMAC-SHA256","user_id":"1","issued_at":"soon"}`, "1"},
		"an issued_at outside of any calendar":    {`{"algorithm":"HMAC-SHA256","user_id":"1","issued_at":1e300}`, "1"},
		"an issued_at before the first of all":    {`{"algorithm":"HMAC-SHA256","user_id":"1","issued_at":-5}`, "1"},
		"issued_at 0 and expires 0, as some send": {`{"algorithm":"HMAC-SHA256","user_id":"1","issued_at":0,"expires":0}`, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := instagram.ParseSignedRequest(signed(c.payload), instagram.NewSecret(callbackSecret))
			require.NoError(t, err)
			assert.Equal(t, c.user, r.UserID)
			assert.True(t, r.IssuedAt.IsZero())
			assert.Equal(t, c.payload, string(r.Payload))
		})
	}
}

func TestSignedRequestAge(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		issued, expires time.Duration // from now; 0: not said
		want            instagram.SignatureProblem
	}{
		"just now":                                 {issued: -time.Second},
		"a day ago":                                {issued: -24 * time.Hour},
		"a second more than a day ago":             {issued: -24*time.Hour - time.Second, want: instagram.SignatureStale},
		"Meta's clock is four minutes ahead":       {issued: 4 * time.Minute},
		"issued in an hour":                        {issued: time.Hour, want: instagram.SignatureFromFuture},
		"not dated":                                {want: instagram.SignatureUndated},
		"ends in an hour":                          {issued: -time.Minute, expires: time.Hour},
		"ended an hour ago":                        {issued: -2 * time.Hour, expires: -time.Hour, want: instagram.SignatureStale},
		"ended before it began, so a token's end":  {issued: -time.Minute, expires: -time.Hour},
		"not dated, but ends in an hour":           {expires: time.Hour, want: instagram.SignatureUndated},
		"ended a minute ago by a clock that skews": {issued: -time.Hour, expires: -time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r instagram.SignedRequest
			if c.issued != 0 {
				r.IssuedAt = now.Add(c.issued)
			}
			if c.expires != 0 {
				r.Expires = now.Add(c.expires)
			}
			err := r.CheckAge(now, instagram.DefaultSignedRequestAge)
			if c.want == 0 {
				require.NoError(t, err)
			} else {
				assert.Equal(t, c.want, problem(t, err))
			}
		})
	}
}

func TestClientParsesSignedRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		cfg := instagramConfig()
		cfg.CallbackSecrets = []instagram.Secret{instagram.NewSecret(instagramtest.DefaultMetaAppSecret), instagram.NewSecret("previous")}
		client := newClient(t, cfg, meta)
		payload := fmt.Sprintf(`{"algorithm":"HMAC-SHA256","issued_at":%d,"user_id":"1"}`, time.Now().Unix())
		for _, secret := range []string{instagramtest.DefaultInstagramAppSecret, instagramtest.DefaultMetaAppSecret, "previous"} {
			r, err := client.ParseSignedRequest(instagramtest.SignRequest(secret, []byte(payload)))
			require.NoError(t, err)
			assert.Equal(t, "1", r.UserID)
		}
		kept := signed(payload)
		time.Sleep(time.Hour)
		_, err := client.ParseSignedRequest(kept, instagram.MaxSignedRequestAge(time.Minute))
		assert.Equal(t, instagram.SignatureStale, problem(t, err))
		_, err = client.ParseSignedRequest(kept, nil)
		require.NoError(t, err)
		time.Sleep(24 * time.Hour)
		_, err = client.ParseSignedRequest(kept)
		assert.Equal(t, instagram.SignatureStale, problem(t, err))
		_, err = client.ParseSignedRequest(kept, instagram.MaxSignedRequestAge(-1))
		require.NoError(t, err)
	})
}

func TestSignedRequestPrintsNothingOfItsPayload(t *testing.T) {
	t.Parallel()
	r, err := instagram.ParseSignedRequest(signed(`{"algorithm":"HMAC-SHA256","user_id":"1","oauth_token":"CANARY"}`), instagram.NewSecret(callbackSecret))
	require.NoError(t, err)
	printed := fmt.Sprintf("%v %+v %#v %s %q", r, *r, r, *r, r)
	assert.NotContains(t, printed, "CANARY")
	assert.NotContains(t, printed, "67, 65, 78")
	for p := range 20 {
		assert.NotEmpty(t, instagram.SignatureProblem(p).String())
	}
}

// bareMAC is a signature over the text before it is encoded, as some make it by mistake.
func bareMAC(text string) string {
	mac := hmac.New(sha256.New, []byte(callbackSecret))
	mac.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// FuzzSignedRequest: nothing panics; what was not made with the secret never
// verifies, however it came about; what was, gives its ID in exact digits.
func FuzzSignedRequest(f *testing.F) {
	for _, fixture := range callbackFixtures(f, "signed_request") {
		f.Add(fixture.SignedRequest, []byte(fixture.Expect.Payload))
	}
	f.Add(signed(`{"algorithm":"HMAC-SHA256","user_id":17841405793187641}`), []byte(`{"algorithm":"HMAC-SHA256","user_id":17841405793187641}`))
	secret := instagram.NewSecret("unknown to whoever made the corpus, and changed with each run " + time.Now().String())
	f.Fuzz(func(t *testing.T, text string, payload []byte) {
		_, err := instagram.ParseSignedRequest(text, secret)
		require.ErrorIs(t, err, instagram.ErrSignature)

		good := instagramtest.SignRequest(secret.Reveal(), payload)
		r, err := instagram.ParseSignedRequest(good, secret)
		if err != nil {
			require.Nil(t, r)
		} else {
			require.Empty(t, strings.Trim(r.UserID, "0123456789"))
			_ = r.CheckAge(time.Now(), time.Hour)
		}
		for i := range len(good) { // every single character changed to another
			if i > 100 {
				break
			}
			altered := []byte(good)
			if altered[i]++; len(text) > i && text[i] != good[i] {
				altered[i] = text[i]
			}
			_, err := instagram.ParseSignedRequest(string(altered), secret)
			require.ErrorIs(t, err, instagram.ErrSignature, "%s", altered)
		}
	})
}
