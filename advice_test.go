package instagram

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram/internal/redact"
)

func TestAdviceOnWhatIsNotThePlatforms(t *testing.T) {
	t.Parallel()
	get := func(err error) error { return &url.Error{Op: "Get", URL: "https://graph.instagram.com/me", Err: err} }
	tests := map[string]struct {
		err  error
		want Advice // without its text
	}{
		"no error":                       {nil, Advice{}},
		"anything":                       {errors.New("out of paper"), Advice{Action: ActionUnknown}},
		"limiter refused":                {&RateLimitError{RetryAfter: 90 * time.Second}, Advice{Action: ActionWait, Retryable: true, RetryAfter: 90 * time.Second}},
		"limiter does not know how long": {&RateLimitError{}, Advice{Action: ActionWait, Retryable: true, RetryAfter: time.Minute}},
		"token expired":                  {fmt.Errorf("instagram: refresh: %w", ErrTokenExpired), Advice{Action: ActionLogin, NeedsLogin: true}},
		"token too young":                {ErrTokenTooYoung, Advice{Action: ActionWait, Retryable: true}},
		"token not found":                {fmt.Errorf("store: %w", ErrTokenNotFound), Advice{Action: ActionLogin, NeedsLogin: true}},
		"token superseded":               {fmt.Errorf("%w: it was obtained later", ErrTokenSuperseded), Advice{Action: ActionRetry, Retryable: true}},
		"token leased":                   {ErrTokenLeased, Advice{Action: ActionRetry, Retryable: true, RetryAfter: time.Second}},
		"state of another browser":       {ErrStateMismatch, Advice{Action: ActionLogin, NeedsLogin: true}},
		"state used":                     {ErrStateUsed, Advice{Action: ActionLogin, NeedsLogin: true}},
		"outcome unknown":                {fmt.Errorf("%w: %w", ErrOutcomeUnknown, get(io.EOF)), Advice{Action: ActionCheckOutcome}},
		"outcome unknown, deadline":      {errors.Join(context.DeadlineExceeded, ErrOutcomeUnknown), Advice{Action: ActionCheckOutcome}},
		"callback of another browser":    {&CallbackError{Problem: BindingMismatch}, Advice{Action: ActionLogin, NeedsLogin: true}},
		"callback that cannot be read":   {fmt.Errorf("x: %w", &CallbackError{Problem: QueryMalformed}), Advice{Action: ActionLogin, NeedsLogin: true}},
		"another account":                {&WrongAccountError{Want: "1", Got: []string{"2"}}, Advice{Action: ActionUserMustAct}},
		"a host that is not Meta's":      {get(&ForeignHostError{Host: "evil.example"}), Advice{Action: ActionFixRequest}},
		"a login that can go on":         {&IncompleteLoginError{Stage: StageIdentify, Err: get(io.EOF)}, Advice{Action: ActionRetry, Retryable: true}},
		"a bare sentinel":                {fmt.Errorf("no: %w", ErrUserDenied), Advice{Action: ActionUserMustAct}},
		"a bare sentinel of a class":     {fmt.Errorf("no: %w", ErrTokenInvalid), Advice{Action: ActionLogin, NeedsLogin: true}},
		"cancelled":                      {get(context.Canceled), Advice{Action: ActionUnknown}},
		"deadline":                       {get(context.DeadlineExceeded), Advice{Action: ActionRetry, Retryable: true}},
		"connection refused":             {get(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), Advice{Action: ActionRetry, Retryable: true}},
		"connection reset":               {get(&net.OpError{Op: "read", Err: syscall.ECONNRESET}), Advice{Action: ActionRetry, Retryable: true}},
		"connection closed":              {get(io.EOF), Advice{Action: ActionRetry, Retryable: true}},
		"answer cut off":                 {fmt.Errorf("reading the answer: %w", io.ErrUnexpectedEOF), Advice{Action: ActionRetry, Retryable: true}},
		"stream refused":                 {get(errors.New("http2: server sent GOAWAY and closed the connection")), Advice{Action: ActionRetry, Retryable: true}},
		"end of a file that is no call":  {io.EOF, Advice{Action: ActionUnknown}},
		"name server away":               {get(&net.OpError{Op: "dial", Err: &net.DNSError{IsTimeout: true}}), Advice{Action: ActionRetry, Retryable: true}},
		"host not found":                 {get(&net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}), Advice{Action: ActionFixApp}},
		"certificate of another host":    {get(&tls.CertificateVerificationError{Err: x509.HostnameError{Host: "x", Certificate: &x509.Certificate{}}}), Advice{Action: ActionFixApp}},
		"certificate of nobody":          {get(x509.UnknownAuthorityError{}), Advice{Action: ActionFixApp}},
		"certificate out of date":        {get(x509.CertificateInvalidError{Reason: x509.Expired, Cert: &x509.Certificate{}}), Advice{Action: ActionFixApp}},
		"a scheme that is none":          {get(errors.New("unsupported protocol scheme")), Advice{Action: ActionUnknown}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, err := range []error{tt.err, redact.Err(tt.err, "not in there")} {
				got := ErrorAdvice(err)
				assert.Equal(t, tt.err != nil, got.Text != "", "text")
				got.Text = ""
				assert.Equal(t, tt.want, got)
			}
		})
	}
}

func TestAdviceOnRealFaultsOfTheNetwork(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	silent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	}))
	t.Cleanup(silent.Close)
	for name, tt := range map[string]struct {
		url  string
		want Action
	}{
		"certificate of an unknown authority": {server.URL, ActionFixApp},
		"nobody listens":                      {dead.URL, ActionRetry},
		"closed without an answer":            {silent.URL, ActionRetry},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tt.url+"/?access_token=x", nil)
		require.NoError(t, err)
		_, err = http.DefaultClient.Do(req)
		require.Error(t, err)
		assert.Equal(t, tt.want, ErrorAdvice(err).Action, "%s: %v", name, err)
		assert.Equal(t, ErrorAdvice(err), ErrorAdvice(redact.Err(err)), name)
	}
}

func TestAdviceOnWrappedAndJoinedErrors(t *testing.T) {
	t.Parallel()
	throttled := &Error{Code: 80002, RetryAfter: 12 * time.Minute}
	dead := &Error{Code: 190, Subcode: 463}
	wrong := &Error{Code: 100, HTTPStatus: 400}

	a := ErrorAdvice(fmt.Errorf("instagram: %w", &RateLimitError{RetryAfter: 12 * time.Minute, Err: throttled}))
	assert.Equal(t, ActionWait, a.Action)
	assert.Equal(t, 12*time.Minute, a.RetryAfter)
	assert.Contains(t, a.Text, "Instagram account", "the platform's code is sharper than the class")

	assert.Equal(t, ActionLogin, ErrorAdvice(errors.Join(throttled, fmt.Errorf("x: %w", dead), wrong)).Action, "what asks for most counts")
	assert.Equal(t, ActionFixRequest, ErrorAdvice(errors.Join(throttled, wrong)).Action)
	assert.Equal(t, ActionCheckOutcome, ErrorAdvice(fmt.Errorf("%w: %w", &Error{HTTPStatus: 502}, ErrOutcomeUnknown)).Action)
	assert.Equal(t, ActionUnknown, ErrorAdvice(&Error{}).Action)
	assert.Contains(t, ErrorAdvice(&Error{}).Text, "trace ID")
	assert.NotContains(t, ErrorAdvice(errors.New("out of paper")).Text, "trace ID", "only Meta gives one")

	refused := &RateLimitError{Err: &Error{Code: 9, Subcode: 2207042}, RetryAfter: time.Hour}
	assert.Contains(t, ErrorAdvice(refused).Text, "24 hours")
}

func TestAdviceOnLoginsThatStopped(t *testing.T) {
	t.Parallel()
	stopped := func(err error) Advice { return ErrorAdvice(&IncompleteLoginError{Stage: StageIdentify, Err: err}) }
	assert.Contains(t, stopped(&Error{HTTPStatus: 502}).Text, "ResumeLogin")
	assert.NotContains(t, stopped(&Error{Code: 190}).Text, "ResumeLogin", "with a dead token there is nothing to go on with")
	assert.Contains(t, ErrorAdvice(&CallbackError{Problem: BindingMissing}).Text, "in-app browser")
	assert.Contains(t, ErrorAdvice(&WrongAccountError{}).Text, "switch accounts")
}

func TestAdviceNamesThePermissions(t *testing.T) {
	t.Parallel()
	for message, want := range map[string][]Scope{
		"(#200) Requires business_management permission to manage the object":                                              {ScopeBusinessManagement},
		"(#10) This endpoint requires the 'pages_read_engagement' permission or the 'Page Public Content Access' feature.": {ScopePagesReadEngagement},
		"(#10) To use this you need instagram_business_content_publish, and instagram_business_basic.":                     {ScopeBusinessContentPublish, ScopeBusinessBasic},
		"(#200) Needs instagram_manage_insights or instagram_manage_insights":                                              {ScopeManageInsights},
		"(#10) instagram_business_account and pages_ are no permissions":                                                   nil,
		"(#10) Application does not have permission for this action":                                                       nil,
	} {
		a := ErrorAdvice(&Error{HTTPStatus: 403, Code: 10, Message: message})
		assert.Equal(t, ActionGrantScopes, a.Action)
		assert.Equal(t, want, a.Scopes, message)
	}
	a := ErrorAdvice(&Error{Code: 190, Message: "Any of the pages_read_engagement, pages_manage_metadata,\n pages_show_list permission(s) must be granted before impersonating a user's page."})
	assert.Equal(t, []Scope{ScopePagesReadEngagement, ScopePagesManageMetadata, ScopePagesShowList}, a.Scopes)
	assert.Equal(t, ActionGrantScopes, a.Action)
	assert.True(t, a.NeedsLogin)
	assert.Nil(t, ErrorAdvice(&Error{Code: 100, HTTPStatus: 400, Message: "(#100) no field ads_read"}).Scopes)
}

// TestAdviceKnowsTheTraps looks for the word that a colleague would say.
func TestAdviceKnowsTheTraps(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  *Error
		says string
	}{
		"token on the wrong host":       {&Error{Code: 190, Message: "Invalid OAuth access token - Cannot parse access token"}, "graph.facebook.com only"},
		"unsupported request":           {&Error{Code: 100, Message: "Unsupported request - method type: get"}, "not about GET or POST"},
		"unsupported request, exchange": {&Error{Op: "exchange long-lived", Code: 100, Message: "Unsupported request - method type: get"}, "tester invite"},
		"unsupported request, refresh":  {&Error{Op: "refresh", Code: 100, Message: "Unsupported request - method type: get"}, "Basic Display"},
		"Meta's app ID":                 {&Error{HTTPStatus: 400, Code: 400, Message: "Invalid platform app"}, "not the Instagram app ID"},
		"trailing slash":                {&Error{HTTPStatus: 400, Code: 400, Message: "Error validating verification code. Please make sure your redirect_uri is identical"}, "trailing slash"},
		"tester":                        {&Error{HTTPStatus: 400, Code: 400, Message: "Insufficient developer role"}, "Instagram Tester"},
		"development mode":              {&Error{Code: 1349126}, "development mode"},
		"proof":                         {&Error{Code: 100, Message: "Invalid appsecret_proof provided in the API argument"}, "appsecret_proof"},
		"container":                     {&Error{Code: 9007, Subcode: 2207027}, "FINISHED"},
		"spam":                          {&Error{Code: 4, Subcode: 2207051}, "whether the post went out"},
		"policy":                        {&Error{Code: 368}, "makes the block longer"},
		"Page role":                     {&Error{Code: 190, Subcode: 492}, "Page"},
		"checkpoint":                    {&Error{Code: 190, Subcode: 459}, "checkpoint"},
		"confirmation":                  {&Error{Code: 190, Subcode: 464}, "confirm"},
		"90 days":                       {&Error{Code: 190, Subcode: 493}, "90 days"},
		"secret on graph.facebook.com":  {&Error{Code: 1, Message: "Error validating client secret."}, "app secret is wrong"},
		"secret on graph.instagram.com": {&Error{Code: 100, Message: "Error validating client secret."}, "app secret is wrong"},
		"used code":                     {&Error{Code: 100, Subcode: 36009}, "handled twice"},
		"hashtags":                      {&Error{Code: 18}, "30 different hashtags"},
		"publishing quota":              {&Error{Code: 9, Subcode: 2207042}, "24 hours"},
		"dashboard token exchanged":     {&Error{Code: 190, Message: "Session key invalid"}, "do not exchange it"},
		"app that is gone":              {&Error{Code: 190, Message: "Error validating application. Invalid application ID."}, "do not log anyone out"},
		"allow list":                    {&Error{Code: 5, Message: "This IP can't make requests for that application."}, "allow list"},
		"wrong id in the path":          {&Error{Code: 100, Subcode: 33}, "user_id of /me"},
		"no answer of the Graph API":    {&Error{HTTPStatus: 403, Excerpt: "Forbidden"}, "between here and Meta"},
	} {
		assert.Contains(t, ErrorAdvice(tt.err).Text, tt.says, name)
	}
}
