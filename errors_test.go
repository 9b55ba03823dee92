package instagram

import (
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func errorsIs(err, target error) bool { return errors.Is(err, target) }

// classNames are the sentinels by the names that the fixtures have for them.
func classNames() map[string]error {
	return map[string]error{
		"throttled": ErrThrottled, "token_invalid": ErrTokenInvalid, "permission": ErrPermission,
		"transient": ErrTransient, "invalid_request": ErrInvalidRequest, "redirect_uri_mismatch": ErrRedirectURIMismatch,
		"code_used_or_expired": ErrCodeInvalid, "app_config": ErrAppConfig, "user_denied": ErrUserDenied, "blocked": ErrBlocked,
	}
}

func TestRecordedErrors(t *testing.T) {
	t.Parallel()
	for id, c := range wireCases(t, "graph_error", "oauth_token_error") {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			resp, want := c.response(), c.Expect
			err := CheckResponse(resp)
			require.Error(t, err)
			e, ok := errors.AsType[*Error](err)
			require.True(t, ok)

			var code int
			require.NoError(t, json.Unmarshal(want.Code, &code)) // null leaves 0
			assert.Equal(t, code, e.Code, "code")
			assert.Equal(t, orZero(want.Subcode), e.Subcode, "subcode")
			assert.Equal(t, orZero(want.Type), e.Type, "type")
			if c.Response.Headers == nil {
				assert.Equal(t, orZero(want.TraceID), e.TraceID, "trace ID")
			} else if want.TraceID != nil {
				assert.Equal(t, *want.TraceID, e.TraceID, "trace ID")
			}
			if want.Message != nil {
				assert.Equal(t, *want.Message, e.Message)
			}
			if want.UserTitle != nil {
				assert.Equal(t, *want.UserTitle, e.UserTitle)
			}
			if want.IsTransient != nil {
				assert.Equal(t, *want.IsTransient, e.Transient)
				assert.Equal(t, !*want.IsTransient, e.NotTransient)
			}
			if want.UsageMaxPercent != nil {
				assert.InDelta(t, *want.UsageMaxPercent, e.Usage.Max(), 0)
			}
			if want.DataIsString {
				var s string
				require.NoError(t, json.Unmarshal(e.Data, &s))
			}
			if want.DataKeys != nil {
				var data map[string]json.RawMessage
				require.NoError(t, json.Unmarshal(e.Data, &data))
				assert.Equal(t, want.DataKeys, slices.Sorted(maps.Keys(data)))
			}

			class := classOf(t, err)
			assert.Contains(t, append(want.ClassAlternatives, want.Class), class, want.Note)
			if class != want.Class {
				t.Logf("%s instead of %s", class, want.Class)
				return
			}
			advice := ErrorAdvice(err)
			assert.Equal(t, want.Retryable, advice.Retryable, "retryable")
			assert.Equal(t, want.NeedsReauth, advice.NeedsLogin, "needs login")
			assert.NotEmpty(t, advice.Text)
			assert.Equal(t, c.Response.Body, readAll(t, resp.Body), "the body is put back")
		})
	}
}

func TestRecordedRefusalsOnTheRedirect(t *testing.T) {
	t.Parallel()
	for id, c := range wireCases(t, "callback_query") {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse(c.CallbackURL)
			require.NoError(t, err)
			e := errorFromCallback(u.Query())
			if c.Expect.Class == "" {
				require.Nil(t, e)
				return
			}
			require.NotNil(t, e)
			var reason string
			require.NoError(t, json.Unmarshal(c.Expect.Error, &reason))
			assert.Equal(t, reason, e.Type)
			assert.Equal(t, orZero(c.Expect.ErrorReason), e.Reason)
			assert.Equal(t, orZero(c.Expect.ErrorDescription), e.Message)
			assert.Equal(t, c.Expect.Class, classOf(t, e))
			assert.Zero(t, e.HTTPStatus)
		})
	}
}

func orZero[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
