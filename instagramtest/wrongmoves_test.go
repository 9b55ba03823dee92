package instagramtest

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	igGraph = "https://graph.instagram.com"
	fbGraph = "https://graph.facebook.com/v26.0"
)

// fixture is an answer that Meta's servers sent.
type fixture struct {
	ID       string `json:"id"`
	Response struct {
		Status  *int              `json:"status"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
	} `json:"response"`
}

func fixtures(t *testing.T) map[string]fixture {
	t.Helper()
	f, err := os.Open("testdata/wire.jsonl")
	require.NoError(t, err)
	defer f.Close()
	out := map[string]fixture{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var one fixture
		require.NoError(t, json.Unmarshal(lines.Bytes(), &one))
		out[one.ID] = one
	}
	return out
}

// normal makes two answers comparable: trace IDs, times, IDs and the words around
// them differ by nature, white space and a final full stop by the years.
func normal(t *testing.T, text string) any {
	t.Helper()
	text = regexp.MustCompile(`\w+day, \d+-\w+-\d+ [\d:]+ P[SD]T`).ReplaceAllString(text, "TIME")
	text = regexp.MustCompile(`ID '\d+'`).ReplaceAllString(text, "ID 'N'")
	text = regexp.MustCompile(`creation id = \d+`).ReplaceAllString(text, "creation id = N")
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &v), text)
	if e, ok := v["error"].(map[string]any); ok {
		delete(e, "fbtrace_id")
	}
	return v
}

// scene is a platform with everything that the wrong moves need.
type scene struct {
	*Platform

	t              *testing.T
	ig, page, user string // tokens
}

func newScene(t *testing.T, opts ...Option) scene {
	t.Helper()
	s := scene{Platform: New(opts...), t: t}
	s.ig = issue(t, s.Platform, TokenSpec{Kind: LongLived, Age: 48 * time.Hour})
	s.user = issue(t, s.Platform, TokenSpec{Login: FacebookLogin, Kind: LongLived})
	s.page = issue(t, s.Platform, TokenSpec{Login: FacebookLogin, Kind: PageToken})
	return s
}

func (s scene) code(login Login) string {
	s.t.Helper()
	scope := "instagram_business_basic"
	if login == FacebookLogin {
		scope = "instagram_basic"
	}
	back, err := s.Consent(browserURL(login, scope))
	require.NoError(s.t, err)
	return codeFrom(s.t, back)
}

func (s scene) usedCode(login Login) string {
	s.t.Helper()
	code := s.code(login)
	redeem(s.t, s.Platform, login, code).token(s.t)
	return code
}

// TestWrongMoves makes every wrong move that an answer of Meta's is known for.
func TestWrongMoves(t *testing.T) {
	t.Parallel()
	moves := map[string]struct {
		like string // the fixture's ID
		move func(s scene) got
	}{
		"an unknown token on Instagram's Graph host": {"ge-190-ig-oauth2-token", func(s scene) got {
			return me(s.t, s.Platform, "IGAAnobody")
		}},
		"an unknown token on Facebook's": {"ge-190-batch-invalid-token", func(s scene) got {
			return send(s.t, s.Platform, "GET", fbGraph+"/me", "access_token", "EAAnobody")
		}},
		"no token": {"ge-2500-active-token-headers", func(s scene) got {
			return send(s.t, s.Platform, "GET", fbGraph+"/me")
		}},
		"the app-scoped ID in a path": {"ge-100-unsupported-get-ig", func(s scene) got {
			return send(s.t, s.Platform, "GET", igGraph+"/"+DefaultAppScopedID+"/media", "access_token", s.ig)
		}},
		"an object that is not there": {"ge-100-33-ig", func(s scene) got {
			return send(s.t, s.Platform, "POST", igGraph+"/18480951645313569", "access_token", s.ig)
		}},
		"an object that is not there, on Facebook's host": {"ge-100-33-put-headers-2022", func(s scene) got {
			return send(s.t, s.Platform, "PUT", fbGraph+"/122020050532645", "access_token", s.user)
		}},
		"a path that leads nowhere": {"ge-2500-unknown-path-ig", func(s scene) got {
			return send(s.t, s.Platform, "GET", igGraph+"/me/impressions/day", "access_token", s.ig)
		}},
		"no path": {"ge-no-node-500", func(s scene) got {
			return send(s.t, s.Platform, "GET", "https://graph.facebook.com/", "access_token", s.user)
		}},
		"publishing what is not ready": {"ge-9007-2207027-not-ready", func(s scene) got {
			s.PlanContainers(Processing{Take: time.Minute})
			made := send(s.t, s.Platform, "POST", fbGraph+"/"+DefaultAccountID+"/media", "image_url", "https://x.example/a.jpg", "access_token", s.user)
			return send(s.t, s.Platform, "POST", fbGraph+"/"+DefaultAccountID+"/media_publish", "creation_id", made.field(s.t, "id").(string), "access_token", s.user)
		}},
		"publishing with a restricted account": {"ge-25-2207050-restricted", func(s scene) got {
			require.NoError(s.t, s.Restrict(DefaultUsername))
			return send(s.t, s.Platform, "POST", fbGraph+"/"+DefaultAccountID+"/media_publish", "creation_id", "1", "access_token", s.user)
		}},
		"a long caption": {"ge-36004-2207010-caption", func(s scene) got {
			return send(s.t, s.Platform, "POST", fbGraph+"/"+DefaultAccountID+"/media", "image_url", "https://x.example/a.jpg",
				"caption", strings.Repeat("x", 2201), "access_token", s.user)
		}},
		"a scope that was not granted": {"ge-10-no-permission", func(s scene) got {
			require.NoError(s.t, s.RevokeScope(DefaultPersonID, "instagram_content_publish"))
			return send(s.t, s.Platform, "POST", fbGraph+"/"+DefaultAccountID+"/media", "access_token", s.user)
		}},
		"a changed password": {"ge-190-460-password", func(s scene) got {
			require.NoError(s.t, s.ChangePassword(DefaultPersonID))
			return send(s.t, s.Platform, "POST", fbGraph+"/"+DefaultAccountID+"/media", "access_token", s.user)
		}},
		"an unconfirmed person": {"ge-190-464-unconfirmed-1", func(s scene) got {
			require.NoError(s.t, s.Unconfirm(DefaultPersonID))
			return send(s.t, s.Platform, "POST", fbGraph+"/"+DefaultAccountID+"/media", "access_token", s.user)
		}},
		"a lost role on the Page": {"ge-190-492-page-role-2", func(s scene) got {
			require.NoError(s.t, s.LoseRole(DefaultPersonID, DefaultPageID))
			return send(s.t, s.Platform, "POST", fbGraph+"/"+DefaultAccountID+"/media", "access_token", s.page)
		}},
		"an expired token": {"ge-190-463-2025", func(s scene) got {
			require.NoError(s.t, s.Expire(s.user))
			return send(s.t, s.Platform, "GET", fbGraph+"/me", "access_token", s.user)
		}},
		"an expired token, with the header": {"ge-190-463-headers-2015", func(s scene) got {
			require.NoError(s.t, s.Expire(s.user))
			return send(s.t, s.Platform, "GET", fbGraph+"/me", "access_token", s.user)
		}},
		"a session that was logged out": {"ge-190-467-masked", func(s scene) got {
			require.NoError(s.t, s.Kill(s.user, 467))
			return send(s.t, s.Platform, "POST", fbGraph+"/"+DefaultAccountID+"/media", "access_token", s.user)
		}},
		"a session that was replaced": {"ge-190-452-session-mismatch", func(s scene) got {
			require.NoError(s.t, s.Kill(s.user, 452))
			return send(s.t, s.Platform, "GET", fbGraph+"/me", "access_token", s.user)
		}},
		"an app that is shut out": {"ge-200-api-blocked", func(s scene) got {
			require.NoError(s.t, s.DisableApp(DefaultMetaAppID))
			return send(s.t, s.Platform, "GET", fbGraph+"/me", "access_token", s.user)
		}},
		"a wrong secret on Facebook's host": {"ot-fb-client-secret", func(s scene) got {
			require.NoError(s.t, s.RotateSecret(DefaultMetaAppID, DefaultInstagramAppSecret))
			return redeem(s.t, s.Platform, FacebookLogin, s.code(FacebookLogin))
		}},
		"an unknown app on Facebook's host": {"ot-fb-101-invalid-app-id", func(s scene) got {
			return send(s.t, s.Platform, "GET", fbGraph+"/oauth/access_token", "client_id", DefaultInstagramAppID, "client_secret", DefaultInstagramAppSecret)
		}},
		"an app token of an unknown app": {"ot-fb-190-invalid-app-id", func(s scene) got {
			return send(s.t, s.Platform, "GET", fbGraph+"/debug_token", "input_token", s.user, "access_token", "1|x")
		}},
		"a tester who is none": {"ot-ig-insufficient-role", func(s scene) got {
			code := s.code(InstagramLogin)
			s.apps[0].Development = true
			return redeem(s.t, s.Platform, InstagramLogin, code)
		}},
		"a wrong secret on Instagram's host": {"ot-ig-invalid-client-secret", func(s scene) got {
			require.NoError(s.t, s.RotateSecret(DefaultInstagramAppID, "00000000000000000000000000000000"))
			return redeem(s.t, s.Platform, InstagramLogin, s.code(InstagramLogin))
		}},
		"a used code on Facebook's host": {"ot-fb-code-used-36009", func(s scene) got {
			return redeem(s.t, s.Platform, FacebookLogin, s.usedCode(FacebookLogin))
		}},
		"a used code on Instagram's host": {"ot-ig-code-used-keyorder-b", func(s scene) got {
			return redeem(s.t, s.Platform, InstagramLogin, s.usedCode(InstagramLogin))
		}},
		"an expired code on Instagram's host": {"ot-ig-code-used-keyorder-b", func(s scene) got {
			code := s.code(InstagramLogin)
			time.Sleep(time.Hour)
			return redeem(s.t, s.Platform, InstagramLogin, code)
		}},
		"a code with its fragment": {"ot-ig-code-used-keyorder-b", func(s scene) got {
			return redeem(s.t, s.Platform, InstagramLogin, s.code(InstagramLogin)+"#_")
		}},
		"a redirect URI that is no address": {"ot-fb-191-absolute-uri", func(s scene) got {
			return send(s.t, s.Platform, "GET", fbGraph+"/oauth/access_token", "client_id", DefaultMetaAppID,
				"client_secret", DefaultMetaAppSecret, "redirect_uri", "app.example", "code", s.code(FacebookLogin))
		}},
		"another redirect URI on Instagram's host": {"ot-ig-verification-code", func(s scene) got {
			return send(s.t, s.Platform, "POST", "https://api.instagram.com/oauth/access_token", "client_id", DefaultInstagramAppID,
				"client_secret", DefaultInstagramAppSecret, "redirect_uri", callback+"/", "grant_type", "authorization_code", "code", s.code(InstagramLogin))
		}},
		"no code": {"ot-ig-must-provide-code", func(s scene) got {
			return redeem(s.t, s.Platform, InstagramLogin, "")
		}},
		"a refresh inside the first day": {"ot-ig-refresh-unsupported", func(s scene) got {
			young := issue(s.t, s.Platform, TokenSpec{Kind: LongLived, Age: 24*time.Hour - time.Second})
			return send(s.t, s.Platform, "GET", igGraph+"/refresh_access_token", "grant_type", "ig_refresh_token", "access_token", young)
		}},
		"a token endpoint with a version": {"ot-ig-refresh-unsupported", func(s scene) got {
			return send(s.t, s.Platform, "GET", igGraph+"/v26.0/refresh_access_token", "grant_type", "ig_refresh_token", "access_token", s.ig)
		}},
		"the dialog without the redirect URI": {"ot-ig-invalid-redirect-uri", func(s scene) got {
			return send(s.t, s.Platform, "GET", "https://api.instagram.com/oauth/authorize", "client_id", DefaultInstagramAppID, "response_type", "code")
		}},
		"the dialog without a scope": {"ot-ig-invalid-scope", func(s scene) got {
			return send(s.t, s.Platform, "GET", "https://api.instagram.com/oauth/authorize", "client_id", DefaultInstagramAppID,
				"response_type", "code", "redirect_uri", callback)
		}},
		"the dialog with another response type": {"ot-ig-response-type", func(s scene) got {
			return send(s.t, s.Platform, "GET", "https://api.instagram.com/oauth/authorize", "client_id", DefaultInstagramAppID, "response_type", "id_token")
		}},
		"the application limit": {"ge-4-transient-compact", func(s scene) got {
			p := New(WithAppLimit(1, 0))
			p.ConsumeForeign(1)
			return me(s.t, p, issue(s.t, p, TokenSpec{}))
		}},
		"the account's limit": {"ge-80002-ig-account", func(s scene) got {
			p := New(WithAccountLimit(1, 0))
			p.ConsumeForeignAccount(DefaultAccountID, 1)
			return me(s.t, p, issue(s.t, p, TokenSpec{}))
		}},
		"scripted: spam":            {"ge-4-2207051-action-blocked-lower", scripted(4, 2207051)},
		"scripted: not authorized":  {"ge-200-not-authorized", scripted(200, 0)},
		"scripted: user limit":      {"ge-17-user-limit", scripted(17, 0)},
		"scripted: page limit":      {"ge-32-page-limit", scripted(32, 0)},
		"scripted: no capability":   {"ge-3-capability", scripted(3, 0)},
		"scripted: a passing fault": {"ge-2-500-media", scripted(2, 0)},
		"scripted: with its header": {"ge-500-headers-unknown", scripted(2, 0)},
	}
	known := fixtures(t)
	for name, m := range moves {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				want, ok := known[m.like]
				require.True(t, ok, m.like)
				have := m.move(newScene(t))
				assert.Equal(t, normal(t, want.Response.Body), normal(t, have.text))
				if want.Response.Status != nil {
					assert.Equal(t, *want.Response.Status, have.status)
				}
				assert.GreaterOrEqual(t, have.status, 400)
				for key, value := range want.Response.Headers {
					if strings.EqualFold(key, "www-authenticate") && m.like != "ge-190-463-headers-2015" && !strings.Contains(value, "ID '") {
						assert.Equal(t, value, have.header.Get(key))
					}
				}
			})
		})
	}
}

func scripted(code, subcode int) func(scene) got {
	return func(s scene) got {
		s.On("GET", "/me").Once(Failing(code, subcode))
		return me(s.t, s.Platform, s.ig)
	}
}

// A redirect URI that differs has a subcode of its own nowadays.
func TestOtherRedirectURIOnFacebook(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	have := send(t, s.Platform, "GET", fbGraph+"/oauth/access_token", "client_id", DefaultMetaAppID,
		"client_secret", DefaultMetaAppSecret, "redirect_uri", callback+"?x=1", "code", s.code(FacebookLogin))
	want := fixtures(t)["ot-fb-verification-headers-2013"]
	assert.EqualValues(t, 36008, have.field(t, "error", "error_subcode"))
	delete(have.json["error"].(map[string]any), "error_subcode")
	delete(have.json["error"].(map[string]any), "fbtrace_id")
	assert.Equal(t, normal(t, want.Response.Body), any(have.json))
	assert.Equal(t, want.Response.Headers["WWW-Authenticate"], have.header.Get("WWW-Authenticate"))
}

func TestGraphHeaders(t *testing.T) {
	t.Parallel()
	have := send(t, New(), "GET", "https://graph.facebook.com/v20.0/me")
	assert.Equal(t, "v21.0", have.header.Get("Facebook-Api-Version"), "a dead version is served by the oldest living one")
	assert.Equal(t, have.field(t, "error", "fbtrace_id"), have.header.Get("X-Fb-Request-Id"))
	for _, name := range []string{"X-Fb-Trace-Id", "X-Fb-Rev", "Date", "Content-Length"} {
		assert.NotEmpty(t, have.header.Get(name), name)
	}
	assert.Equal(t, "application/json; charset=UTF-8", have.header.Get("Content-Type"))
	unborn := send(t, New(), "GET", "https://graph.facebook.com/v27.0/me")
	assert.Equal(t, "Unknown path components: /me", unborn.field(t, "error", "message"))
	assert.Equal(t, http.StatusBadRequest, unborn.status)
}
