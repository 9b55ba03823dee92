package instagram_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

func TestParseCallback(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		query   string
		code    string
		is      error
		problem instagram.CallbackProblem
	}{
		"a code":                               {query: "code=AQB_x&state=s3", code: "AQB_x"},
		"a code of a pasted URL, Instagram":    {query: "state=s3&code=AQB_%23_", code: "AQB_"},
		"a code of a pasted URL, Facebook":     {query: "state=s3&code=AQB%23_%3D_", code: "AQB"},
		"a code that ends with an underscore":  {query: "state=s3&code=AQB_", code: "AQB_"},
		"fragment behind the state":            {query: "code=AQB&state=s3%23_", code: "AQB"},
		"parameters that nobody knows, twice":  {query: "code=AQB&state=s3&x=1&x=2", code: "AQB"},
		"no state":                             {query: "code=AQB", is: instagram.ErrStateMismatch, problem: instagram.StateMissing},
		"another state":                        {query: "code=AQB&state=s4", is: instagram.ErrStateMismatch, problem: instagram.StateForged},
		"two states, one of them right":        {query: "code=AQB&state=s3&state=s3", is: instagram.ErrStateMismatch, problem: instagram.StateMissing},
		"a refusal without a state":            {query: "error=access_denied&error_reason=user_denied", is: instagram.ErrStateMismatch, problem: instagram.StateMissing},
		"the person said no":                   {query: "error=access_denied&error_reason=user_denied&error_description=The+user+denied+your+request&state=s3", is: instagram.ErrUserDenied},
		"the app is not set up":                {query: "error_code=1349126&error_message=App+Not+Setup&state=s3", is: instagram.ErrAppConfig},
		"code and refusal":                     {query: "code=AQB&error=access_denied&state=s3", is: instagram.ErrInvalidRequest, problem: instagram.CodeAndError},
		"two codes":                            {query: "code=AQB&code=AQC&state=s3", is: instagram.ErrInvalidRequest, problem: instagram.ParameterRepeated},
		"the same code twice":                  {query: "code=AQB&code=AQB&state=s3", is: instagram.ErrInvalidRequest, problem: instagram.ParameterRepeated},
		"neither code nor refusal":             {query: "state=s3", is: instagram.ErrInvalidRequest, problem: instagram.CodeMissing},
		"an empty code":                        {query: "code=&state=s3", is: instagram.ErrInvalidRequest, problem: instagram.CodeMissing},
		"a code that is only Meta's fragment":  {query: "code=%23_&state=s3", is: instagram.ErrInvalidRequest, problem: instagram.CodeMissing},
		"state first, whatever else is wrong":  {query: "code=AQB&code=AQC&error=x&state=s4", is: instagram.ErrStateMismatch, problem: instagram.StateForged},
		"a state that is longer by one letter": {query: "code=AQB&state=s33", is: instagram.ErrStateMismatch, problem: instagram.StateForged},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			query, err := url.ParseQuery(test.query)
			require.NoError(t, err)
			code, err := instagram.ParseCallback(query, "s3")
			assert.Equal(t, test.code, code)
			if test.is == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, test.is)
			if test.problem != 0 {
				var wrong *instagram.CallbackError
				require.ErrorAs(t, err, &wrong)
				assert.Equal(t, test.problem, wrong.Problem)
				assert.NotEmpty(t, wrong.Error())
			}
		})
	}
}

func TestParseCallbackWantsAState(t *testing.T) {
	t.Parallel()
	for _, query := range []url.Values{{"code": {"AQB"}, "state": {""}}, {"code": {"AQB"}}, {"code": {"AQB"}, "state": {"s3"}}} {
		_, err := instagram.ParseCallback(query, "")
		require.ErrorContains(t, err, "state is empty")
		require.ErrorIs(t, err, instagram.ErrStateMismatch, "a session that was lost")
		assert.True(t, instagram.ErrorAdvice(err).NeedsLogin)
	}
}

func FuzzParseCallback(f *testing.F) {
	f.Add("code=AQB&state=s3", "s3")
	f.Add("error=access_denied&error_reason=user_denied&state=s3", "s3")
	f.Add("error_code=1349126&error_message=x&state=a%23_", "a")
	f.Fuzz(func(t *testing.T, raw, state string) {
		query, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		code, err := instagram.ParseCallback(query, state)
		if err == nil && (code == "" || state == "") {
			t.Fatalf("accepted %q with state %q", raw, state)
		}
		if err == nil {
			query.Set("state", query.Get("state")+"x")
			if _, err := instagram.ParseCallback(query, state); err == nil {
				t.Fatalf("accepted an altered state: %q", raw)
			}
		}
	})
}
