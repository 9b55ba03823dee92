package instagram

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEveryDocumentedCode goes through the codes that Meta documents for the
// Graph API and the Instagram Platform, and through those that were observed.
// The message is Meta's where it decides, and empty where the numbers do.
func TestEveryDocumentedCode(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		code, subcode int
		message       string
		status        int // 0: 400
		op            string
		want          error
		do            Action
	}{
		"Instagram server error":                        {code: -1, subcode: 2207001, want: ErrTransient, do: ActionRetry},
		"container creation failed":                     {code: -1, subcode: 2207032, want: ErrTransient, do: ActionRetry},
		"unknown upload error":                          {code: -1, subcode: 2207053, want: ErrTransient, do: ActionRetry},
		"fatal with an unknown subcode":                 {code: -1, subcode: 2207999, want: nil, do: ActionUnknown},
		"fatal with an unknown subcode under 500":       {code: -1, subcode: 2207999, status: 500, want: nil, do: ActionUnknown},
		"fatal alone":                                   {code: -1, want: ErrTransient, do: ActionRetry},
		"timeout while downloading media":               {code: -2, subcode: 2207003, want: ErrTransient, do: ActionRetry},
		"container expired":                             {code: -2, subcode: 2207020, want: ErrInvalidRequest, do: ActionFixRequest},
		"unknown error":                                 {code: 1, want: ErrTransient, do: ActionRetry},
		"unknown error under 500":                       {code: 1, status: 500, want: ErrTransient, do: ActionRetry},
		"unknown error of a wrong parameter":            {code: 1, subcode: 99, want: ErrInvalidRequest, do: ActionFixRequest},
		"thumbnail offset":                              {code: 1, subcode: 2207057, want: ErrInvalidRequest, do: ActionFixRequest},
		"media not fetched, as Threads says it":         {code: 1, subcode: 2207052, want: ErrInvalidRequest, do: ActionFixRequest},
		"wrong secret on graph.facebook.com":            {code: 1, message: "Error validating client secret.", want: ErrAppConfig, do: ActionFixApp},
		"no code sent to the token endpoint":            {code: 1, message: "Missing authorization code", want: ErrInvalidRequest, do: ActionFixRequest},
		"token of another app, told by the exchange":    {code: 1, message: "The access token does not belong to application 1234", want: ErrAppConfig, do: ActionFixApp},
		"bad signature":                                 {code: 1, message: "Bad signature", want: ErrTokenInvalid, do: ActionLogin},
		"service unavailable":                           {code: 2, want: ErrTransient, do: ActionRetry},
		"service unavailable under 400":                 {code: 2, status: 400, want: ErrTransient, do: ActionRetry},
		"capability missing":                            {code: 3, want: ErrPermission, do: ActionFixApp},
		"app limit":                                     {code: 4, want: ErrThrottled, do: ActionWait},
		"app limit under 403":                           {code: 4, status: 403, want: ErrThrottled, do: ActionWait},
		"app limit, variant 1349210":                    {code: 4, subcode: 1349210, want: ErrThrottled, do: ActionWait},
		"app limit, variant 1504022":                    {code: 4, subcode: 1504022, want: ErrThrottled, do: ActionWait},
		"spam, which is no limit":                       {code: 4, subcode: 2207051, want: ErrBlocked, do: ActionUserMustAct},
		"server not on the allow list":                  {code: 5, want: ErrAppConfig, do: ActionFixApp},
		"publishing quota":                              {code: 9, subcode: 2207042, want: ErrThrottled, do: ActionWait},
		"permission not granted":                        {code: 10, want: ErrPermission, do: ActionGrantScopes},
		"messaging window closed":                       {code: 10, subcode: 2534022, want: ErrPermission, do: ActionFixRequest},
		"messaging window closed under 403":             {code: 10, subcode: 2534022, status: 403, want: ErrPermission, do: ActionFixRequest},
		"user limit":                                    {code: 17, want: ErrThrottled, do: ActionWait},
		"user limit of the ads API":                     {code: 17, subcode: 2446079, want: ErrThrottled, do: ActionWait},
		"hashtag quota":                                 {code: 18, want: ErrThrottled, do: ActionWait},
		"media not found":                               {code: 24, subcode: 2207006, want: ErrInvalidRequest, do: ActionFixRequest},
		"container not found yet":                       {code: 24, subcode: 2207008, want: ErrTransient, do: ActionRetry},
		"media not found by oEmbed":                     {code: 24, subcode: 2207045, want: ErrInvalidRequest, do: ActionFixRequest},
		"account restricted":                            {code: 25, subcode: 2207050, want: ErrBlocked, do: ActionUserMustAct},
		"Page limit":                                    {code: 32, want: ErrThrottled, do: ActionWait},
		"invalid parameter":                             {code: 100, want: ErrInvalidRequest, do: ActionFixRequest},
		"invalid parameter under 500":                   {code: 100, status: 500, want: ErrInvalidRequest, do: ActionFixRequest},
		"object missing":                                {code: 100, subcode: 33, want: ErrInvalidRequest, do: ActionFixRequest},
		"object missing, without the subcode":           {code: 100, message: "Unsupported delete request. Object with ID '1' does not exist, cannot be loaded due to missing permissions, or does not support this operation", want: ErrInvalidRequest, do: ActionFixRequest},
		"unknown media type":                            {code: 100, subcode: 2207023, want: ErrInvalidRequest, do: ActionFixRequest},
		"carousel size":                                 {code: 100, subcode: 2207028, want: ErrInvalidRequest, do: ActionFixRequest},
		"product tag on a video":                        {code: 100, subcode: 2207035, want: ErrInvalidRequest, do: ActionFixRequest},
		"product tag on a photo":                        {code: 100, subcode: 2207036, want: ErrInvalidRequest, do: ActionFixRequest},
		"bad product tags":                              {code: 100, subcode: 2207037, want: ErrInvalidRequest, do: ActionFixRequest},
		"too many tagged people":                        {code: 100, subcode: 2207040, want: ErrInvalidRequest, do: ActionFixRequest},
		"no such recipient":                             {code: 100, subcode: 2534014, want: ErrInvalidRequest, do: ActionFixRequest},
		"code used":                                     {code: 100, subcode: 36009, want: ErrCodeInvalid, do: ActionLogin},
		"code expired":                                  {code: 100, subcode: 36007, want: ErrCodeInvalid, do: ActionLogin},
		"code used, without the subcode":                {code: 100, message: "This authorization code has been used.", want: ErrCodeInvalid, do: ActionLogin},
		"code expired, without the subcode":             {code: 100, message: "This authorization code has expired.", want: ErrCodeInvalid, do: ActionLogin},
		"redirect URI differs":                          {code: 100, subcode: 36008, want: ErrRedirectURIMismatch, do: ActionFixApp},
		"redirect URI differs, without the subcode":     {code: 100, message: "Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request", want: ErrRedirectURIMismatch, do: ActionFixApp},
		"redirect URI not registered":                   {code: 191, message: "Can't Load URL: The domain of this URL isn't included in the app's domains.", want: ErrRedirectURIMismatch, do: ActionFixApp},
		"Meta's app ID, as Graph says it":               {code: 191, message: "Invalid platform app", want: ErrAppConfig, do: ActionFixApp},
		"wrong secret on graph.instagram.com":           {code: 100, message: "Error validating client secret.", want: ErrAppConfig, do: ActionFixApp},
		"wrong proof":                                   {code: 100, message: "Invalid appsecret_proof provided in the API argument", want: ErrAppConfig, do: ActionFixApp},
		"proof missing":                                 {code: 100, message: "API calls from the server require an appsecret_proof argument", want: ErrAppConfig, do: ActionFixApp},
		"token of another app, told by debug_token":     {code: 100, message: "(#100) The App_id in the input_token did not match the Viewing App", want: ErrAppConfig, do: ActionFixApp},
		"node that the token may not see":               {code: 100, message: "Unsupported request - method type: get", want: ErrInvalidRequest, do: ActionFixRequest},
		"node that the token may not see, by POST":      {code: 100, message: "Unsupported request - method type: post", want: ErrInvalidRequest, do: ActionFixRequest},
		"refresh of a dead product's token":             {code: 100, message: "Unsupported request - method type: get", op: "refresh", want: ErrTokenInvalid, do: ActionLogin},
		"exchange with another app's secret":            {code: 100, message: "Unsupported request - method type: get", op: "GET /access_token", want: ErrAppConfig, do: ActionFixApp},
		"permission missing, said with 100":             {code: 100, message: "(#100) Missing permissions", want: ErrPermission, do: ActionGrantScopes},
		"is_transient is not there, and 100 stays":      {code: 100, message: "(#100) Param limit must be a number", want: ErrInvalidRequest, do: ActionFixRequest},
		"exchange of a dashboard token":                 {code: 190, message: "Session key invalid", want: ErrTokenInvalid, do: ActionLogin},
		"invalid application":                           {code: 101, want: ErrAppConfig, do: ActionFixApp},
		"session problem":                               {code: 102, want: ErrTokenInvalid, do: ActionLogin},
		"session expired":                               {code: 102, subcode: 463, want: ErrTokenInvalid, do: ActionLogin},
		"session at a checkpoint":                       {code: 102, subcode: 459, want: ErrTokenInvalid, do: ActionUserMustAct},
		"access token required":                         {code: 104, want: ErrTokenInvalid, do: ActionLogin},
		"account not discoverable":                      {code: 110, subcode: 2207013, want: ErrInvalidRequest, do: ActionFixRequest},
		"token invalid":                                 {code: 190, want: ErrTokenInvalid, do: ActionLogin},
		"token invalid under 401":                       {code: 190, status: 401, want: ErrTokenInvalid, do: ActionLogin},
		"token invalid under 500":                       {code: 190, status: 500, want: ErrTokenInvalid, do: ActionLogin},
		"token invalid under 429":                       {code: 190, status: 429, want: ErrTokenInvalid, do: ActionLogin},
		"token invalid, unknown subcode":                {code: 190, subcode: 1234567, want: ErrTokenInvalid, do: ActionLogin},
		"app removed":                                   {code: 190, subcode: 458, want: ErrTokenInvalid, do: ActionLogin},
		"checkpoint":                                    {code: 190, subcode: 459, want: ErrTokenInvalid, do: ActionUserMustAct},
		"password changed":                              {code: 190, subcode: 460, want: ErrTokenInvalid, do: ActionLogin},
		"token expired":                                 {code: 190, subcode: 463, want: ErrTokenInvalid, do: ActionLogin},
		"subcode without a code":                        {subcode: 463, want: ErrTokenInvalid, do: ActionLogin},
		"unconfirmed user":                              {code: 190, subcode: 464, want: ErrTokenInvalid, do: ActionUserMustAct},
		"token withdrawn":                               {code: 190, subcode: 467, want: ErrTokenInvalid, do: ActionLogin},
		"Page role lost":                                {code: 190, subcode: 492, want: ErrTokenInvalid, do: ActionUserMustAct},
		"90 days without use":                           {code: 190, subcode: 493, want: ErrTokenInvalid, do: ActionLogin},
		"token of the other product":                    {code: 190, message: "Invalid OAuth access token - Cannot parse access token", want: ErrTokenInvalid, do: ActionLogin},
		"190 that is about the app":                     {code: 190, message: "Error validating application. Application has been deleted.", want: ErrAppConfig, do: ActionFixApp},
		"190 that is about the app, with many blanks":   {code: 190, message: "Error  validating\n application.", want: ErrAppConfig, do: ActionFixApp},
		"190 of a checkpoint, without the subcode":      {code: 190, message: "You cannot access the app till you log in to www.facebook.com and follow the instructions given.", want: ErrTokenInvalid, do: ActionUserMustAct},
		"permission":                                    {code: 200, status: 403, message: "(#200) Requires ads_management permission to manage the object", want: ErrPermission, do: ActionGrantScopes},
		"permission, end of the range":                  {code: 299, want: ErrPermission, do: ActionGrantScopes},
		"just before the range of permissions":          {code: 199, want: ErrInvalidRequest, do: ActionFixRequest},
		"app shut out":                                  {code: 200, message: "API access blocked.", want: ErrBlocked, do: ActionUserMustAct},
		"app's access switched off":                     {code: 200, message: "API access deactivated. To reactivate, go to the app dashboard", want: ErrAppConfig, do: ActionFixApp},
		"Page token needed":                             {code: 210, message: "(#210) A page access token is required to request this resource.", want: ErrPermission, do: ActionFixRequest},
		"action limit":                                  {code: 341, want: ErrThrottled, do: ActionWait},
		"video format":                                  {code: 352, subcode: 2207026, want: ErrInvalidRequest, do: ActionFixRequest},
		"policy block":                                  {code: 368, want: ErrBlocked, do: ActionUserMustAct},
		"policy block of a Page":                        {code: 368, subcode: 1390008, want: ErrBlocked, do: ActionUserMustAct},
		"policy block under 500":                        {code: 368, status: 500, want: ErrBlocked, do: ActionUserMustAct},
		"duplicate post":                                {code: 506, want: ErrInvalidRequest, do: ActionFixRequest},
		"person unavailable":                            {code: 551, want: ErrInvalidRequest, do: ActionFixRequest},
		"custom limit":                                  {code: 613, want: ErrThrottled, do: ActionWait},
		"custom limit, uneven volume":                   {code: 613, subcode: 1996, want: ErrThrottled, do: ActionWait},
		"custom limit of ads":                           {code: 613, subcode: 1487742, want: ErrThrottled, do: ActionWait},
		"custom limit of messages":                      {code: 613, subcode: 2534040, want: ErrThrottled, do: ActionWait},
		"unknown alias":                                 {code: 803, want: ErrInvalidRequest, do: ActionFixRequest},
		"called as a person":                            {code: 1705, want: ErrInvalidRequest, do: ActionFixRequest},
		"no token sent":                                 {code: 2500, message: "An active access token must be used to query information about the current user.", want: ErrTokenInvalid, do: ActionLogin},
		"no such path":                                  {code: 2500, message: "Unknown path components: /impressions/day", want: ErrInvalidRequest, do: ActionFixRequest},
		"media URL not fetchable":                       {code: 9004, subcode: 2207052, want: ErrInvalidRequest, do: ActionFixRequest},
		"container not ready":                           {code: 9007, subcode: 2207027, want: ErrTransient, do: ActionRetry},
		"container not ready, without the subcode":      {code: 9007, want: ErrTransient, do: ActionRetry},
		"image too large":                               {code: 36000, subcode: 2207004, want: ErrInvalidRequest, do: ActionFixRequest},
		"image format":                                  {code: 36001, subcode: 2207005, want: ErrInvalidRequest, do: ActionFixRequest},
		"image resolution":                              {code: 36002, want: ErrInvalidRequest, do: ActionFixRequest},
		"aspect ratio":                                  {code: 36003, subcode: 2207009, want: ErrInvalidRequest, do: ActionFixRequest},
		"caption too long":                              {code: 36004, subcode: 2207010, want: ErrInvalidRequest, do: ActionFixRequest},
		"collaborator tag":                              {subcode: 2207018, want: ErrInvalidRequest, do: ActionFixRequest},
		"video download failed":                         {subcode: 2207077, want: ErrInvalidRequest, do: ActionFixRequest},
		"no trial reels":                                {subcode: 2207081, want: ErrInvalidRequest, do: ActionFixRequest},
		"video processing":                              {subcode: 2207082, want: ErrTransient, do: ActionRetry},
		"limit of ads insights":                         {code: 80000, subcode: 2446079, want: ErrThrottled, do: ActionWait},
		"limit of Pages":                                {code: 80001, want: ErrThrottled, do: ActionWait},
		"limit of an Instagram account":                 {code: 80002, want: ErrThrottled, do: ActionWait},
		"limit of custom audiences":                     {code: 80003, subcode: 2446079, want: ErrThrottled, do: ActionWait},
		"limit of ads management":                       {code: 80004, subcode: 2446079, want: ErrThrottled, do: ActionWait},
		"limit of leads":                                {code: 80005, want: ErrThrottled, do: ActionWait},
		"limit of Messenger":                            {code: 80006, want: ErrThrottled, do: ActionWait},
		"limit that is not listed":                      {code: 80007, want: ErrThrottled, do: ActionWait},
		"limit of catalogs":                             {code: 80009, want: ErrThrottled, do: ActionWait},
		"limit of catalog batches":                      {code: 80014, want: ErrThrottled, do: ActionWait},
		"link not readable":                             {code: 1609005, want: ErrInvalidRequest, do: ActionFixRequest},
		"a code that nobody knows":                      {code: 424242, want: ErrInvalidRequest, do: ActionFixRequest},
		"a code that nobody knows under 200":            {code: 424242, status: 200, want: ErrInvalidRequest, do: ActionFixRequest},
		"a code that nobody knows under 503":            {code: 424242, status: 503, want: ErrTransient, do: ActionRetry},
		"a code that nobody knows under 429":            {code: 424242, status: 429, want: ErrThrottled, do: ActionWait},
		"a code that nobody knows, and a plea to retry": {code: 390, message: "There was a problem uploading your video file. Please try again with another file.", want: ErrTransient, do: ActionRetry},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := fmt.Sprintf(`{"error":{"message":%q,"type":"OAuthException","code":%d`, tt.message, tt.code)
			if tt.subcode != 0 {
				body += `,"error_subcode":` + strconv.Itoa(tt.subcode)
			}
			resp := answer(cmp.Or(tt.status, 400), nil, body+`,"fbtrace_id":"A1"}}`)
			e := newError(tt.op, resp, []byte(readAll(t, resp.Body)))
			if tt.want == nil {
				assert.Equal(t, "unknown", classOf(t, e))
			} else {
				require.ErrorIs(t, e, tt.want)
				classOf(t, e) // and no other
			}
			advice := ErrorAdvice(e)
			assert.Equal(t, tt.do, advice.Action)
			assert.NotEmpty(t, advice.Text)
			assert.Equal(t, errors.Is(tt.want, ErrTokenInvalid) || errors.Is(tt.want, ErrCodeInvalid), advice.NeedsLogin)
			assert.Equal(t, (errors.Is(tt.want, ErrThrottled) || errors.Is(tt.want, ErrTransient)) && tt.code != 18, advice.Retryable)
		})
	}
}

func TestErrorsWithoutAGraphCode(t *testing.T) {
	t.Parallel()
	const flat = `{"error_type": "OAuthException", "code": 400, "error_message": %q}`
	tests := map[string]struct {
		status int
		body   string
		header http.Header
		want   string
	}{
		"used code":                      {400, fmt.Sprintf(flat, "Matching code was not found or was already used"), nil, "code_used_or_expired"},
		"unknown code":                   {400, fmt.Sprintf(flat, "Invalid authorization code"), nil, "code_used_or_expired"},
		"code past its hour":             {400, fmt.Sprintf(flat, "This authorization code has expired."), nil, "code_used_or_expired"},
		"redirect URI of the exchange":   {400, fmt.Sprintf(flat, "Redirect URI doesn't match original redirect URI"), nil, "redirect_uri_mismatch"},
		"Meta's app ID":                  {400, fmt.Sprintf(flat, "Invalid platform app"), nil, "app_config"},
		"wrong client ID":                {400, fmt.Sprintf(flat, "Invalid client_id 123"), nil, "app_config"},
		"no tester":                      {400, fmt.Sprintf(flat, "Insufficient Developer Role"), nil, "app_config"},
		"app not live":                   {400, fmt.Sprintf(flat, "App not active: This app is not accessible right now and the app developer is aware of the issue."), nil, "app_config"},
		"scope that is gone":             {400, fmt.Sprintf(flat, "Invalid scope field(s): public_content"), nil, "invalid_request"},
		"flat with status 200":           {200, fmt.Sprintf(flat, "Invalid platform app"), nil, "app_config"},
		"flat limit":                     {429, `{"code":429,"error_type":"OAuthRateLimitException","error_message":"The maximum number of requests per hour has been exceeded."}`, nil, "throttled"},
		"flat limit with status 400":     {400, `{"code":429,"error_type":"OAuthException","error_message":"x"}`, nil, "throttled"},
		"flat fault":                     {500, `{"error_type":"OAuthException","code":500,"error_message":"x"}`, nil, "transient"},
		"flat without a code":            {400, `{"error_type":"OAuthException","error_message":"No matching code found."}`, nil, "code_used_or_expired"},
		"flat with a Graph code":         {400, `{"error_type":"OAuthException","code":190,"error_message":"x"}`, nil, "token_invalid"},
		"v1 rate limit":                  {429, `{"meta":{"error_type":"OAuthRateLimitException","code":429,"error_message":"x"}}`, nil, "throttled"},
		"v1 permission":                  {400, `{"meta":{"error_type":"OAuthPermissionsException","code":400,"error_message":"This request requires scope=comments"}}`, nil, "permission"},
		"RFC 6749 used code":             {400, `{"error":"invalid_grant","error_description":"expired"}`, nil, "code_used_or_expired"},
		"RFC 6749 redirect URI":          {400, `{"error":"invalid_grant","error_description":"redirect_uri does not match"}`, nil, "redirect_uri_mismatch"},
		"RFC 6749 secret":                {401, `{"error":"invalid_client"}`, nil, "app_config"},
		"RFC 6749 request":               {400, `{"error":"invalid_request"}`, nil, "invalid_request"},
		"RFC 6749 fault":                 {503, `{"error":"temporarily_unavailable"}`, nil, "transient"},
		"old form without codes":         {400, `{"error":{"type":"OAuthException","message":"Error validating access token."}}`, nil, "token_invalid"},
		"code in the message only":       {400, `{"error":{"type":"OAuthException","message":"(#4) Application request limit reached"}}`, nil, "throttled"},
		"code in the message, a block":   {400, `{"error":{"message":"(#368) The action attempted has been deemed abusive"}}`, nil, "blocked"},
		"upload that can be repeated":    {400, `{"debug_info":{"retriable":true,"type":"ProcessingFailedError","message":"Request processing failed"}}`, nil, "transient"},
		"upload that cannot":             {400, `{"debug_info":{"retriable":false,"type":"ProcessingFailedError","message":"Request processing failed"}}`, nil, "invalid_request"},
		"upload that cannot, under 500":  {500, `{"debug_info":{"retriable":false,"type":"ProcessingFailedError","message":"Request processing failed"}}`, nil, "invalid_request"},
		"is_transient without a code":    {400, `{"error":{"message":"Oops","is_transient":true}}`, nil, "transient"},
		"is_transient as text":           {400, `{"error":{"message":"Oops","is_transient":"true"}}`, nil, "transient"},
		"is_transient beats code 100":    {400, `{"error":{"message":"Oops","code":100,"is_transient":true}}`, nil, "transient"},
		"is_transient beats no limit":    {400, `{"error":{"message":"Oops","code":17,"is_transient":true}}`, nil, "throttled"},
		"token error in a challenge":     {401, ``, http.Header{"Www-Authenticate": {`OAuth "Facebook Platform" "invalid_token" "Invalid OAuth access token."`}}, "token_invalid"},
		"code error in a challenge":      {400, ``, http.Header{"Www-Authenticate": {`OAuth "Facebook Platform" "invalid_code" "Something else"`}}, "code_used_or_expired"},
		"limit in a challenge":           {400, ``, http.Header{"Www-Authenticate": {`OAuth "Facebook Platform" "invalid_request" "(#4) Application request limit reached"`}}, "throttled"},
		"RFC 6750 challenge":             {401, ``, http.Header{"Www-Authenticate": {`Bearer realm="x", error="invalid_token", error_description="gone"`}}, "token_invalid"},
		"page with 502":                  {502, `<html><title>Facebook | Error</title>try again later</html>`, nil, "transient"},
		"page with 404":                  {404, `<html>Page Not Found</html>`, nil, "invalid_request"},
		"page with 403 proves nothing":   {403, `<html>Your access token has expired</html>`, nil, "unknown"},
		"page with 401 proves nothing":   {401, `<html>Unauthorized</html>`, nil, "unknown"},
		"nothing with 401":               {401, ``, nil, "unknown"},
		"nothing with 400":               {400, ``, nil, "invalid_request"},
		"nothing with 429":               {429, ``, nil, "throttled"},
		"nothing with 500":               {500, ``, nil, "transient"},
		"nothing with 408":               {408, ``, nil, "transient"},
		"nothing with 409":               {409, ``, nil, "unknown"},
		"a redirect":                     {302, ``, http.Header{"Location": {"https://www.facebook.com/login?access_token=EAAsecret"}}, "unknown"},
		"an empty object with 500":       {500, `{}`, nil, "transient"},
		"a success object with 503":      {503, `{"id":"1"}`, nil, "transient"},
		"null with 400":                  {400, `null`, nil, "invalid_request"},
		"cut off before the code":        {500, `{"error":{"message":"Error validating access tok`, nil, "transient"},
		"cut off behind the code":        {500, `{"error":{"code":190,"message":"Error validating access tok`, nil, "token_invalid"},
		"cut off inside the code":        {500, `{"error":{"message":"x","code":19`, nil, "transient"},
		"error in a list":                {400, `[{"error":{"message":"x","code":190}}]`, nil, "token_invalid"},
		"list of errors":                 {400, `{"errors":[{"message":"x","code":190}]}`, nil, "token_invalid"},
		"error below data":               {400, `{"data":{"error":{"message":"x","code":190,"subcode":463}}}`, nil, "token_invalid"},
		"JSON inside of JSON":            {400, `"{\"error\":{\"message\":\"x\",\"code\":190}}"`, nil, "token_invalid"},
		"JSON that must not be scripted": {400, `for (;;);{"error":{"message":"x","code":190}}`, nil, "token_invalid"},
		"numbers as text":                {400, `{"error":{"message":7,"code":"190","error_subcode":"463"}}`, nil, "token_invalid"},
		"numbers as fractions":           {400, `{"error":{"message":"x","code":190.0,"error_subcode":4.63e2}}`, nil, "token_invalid"},
		"numbers that are none":          {400, `{"error":{"message":"x","code":[190],"error_subcode":{}}}`, nil, "invalid_request"},
		"number beyond all codes":        {400, `{"error":{"message":"x","code":99999999999999999999}}`, nil, "invalid_request"},
		"a code twice, the last counts":  {400, `{"error":{"code":190,"message":"x","code":4}}`, nil, "throttled"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := CheckResponse(answer(tt.status, tt.header, tt.body))
			require.Error(t, err)
			assert.Equal(t, tt.want, classOf(t, err), "%v", err)
			assert.NotContains(t, err.Error(), "EAAsecret")
		})
	}
}

func TestRefusalsOnTheRedirect(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		query string
		want  string
		code  int
	}{
		"Instagram, the person said no":           {"error=access_denied&error_reason=user_denied&error_description=The+user+denied+your+request&state=x", "user_denied", 0},
		"Facebook, the person said no":            {"error=access_denied&error_code=200&error_description=Permissions+error.&error_reason=user_denied#_=_", "user_denied", 200},
		"only the reason":                         {"error_reason=user_denied", "user_denied", 0},
		"app in development mode":                 {"error_code=1349126&error_message=App+Not+Setup%3A+This+app+is+still+in+development+mode", "app_config", 1349126},
		"URL blocked":                             {"error_code=1349168&error_message=URL+Blocked", "redirect_uri_mismatch", 1349168},
		"domain not the app's, in French":         {"error_code=1349048&error_message=Impossible+de+charger+cette+URL", "redirect_uri_mismatch", 1349048},
		"feature not available, in Indonesian":    {"error_code=1349186&error_message=Fitur+Tidak+Tersedia", "app_config", 1349186},
		"login not available, in Spanish":         {"error_code=1349220&error_message=Funci%C3%B3n+no+disponible", "app_config", 1349220},
		"tester invite not accepted":              {"error_code=1349245&error_message=Invalid+Request%3A+The+user+has+not+accepted+the+invite+to+test+the+app.", "app_config", 1349245},
		"a dialog code that nobody knows":         {"error_code=1349999&error_message=x", "app_config", 1349999},
		"Facebook's server":                       {"error=server_error&error_description=x", "transient", 0},
		"scope":                                   {"error=invalid_scope&error_description=Invalid+Scopes%3A+x", "invalid_request", 0},
		"text only":                               {"error_message=Sorry%2C+something+went+wrong", "unknown", 0},
		"code that is no number":                  {"error_code=abc&error_message=x", "unknown", 0},
		"code beyond all":                         {"error_code=99999999999999999999", "unknown", 0},
		"insufficient role, told on the redirect": {"error_code=1&error_message=Insufficient+Developer+Role", "app_config", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			query, err := url.ParseQuery(tt.query)
			require.NoError(t, err)
			e := errorFromCallback(query)
			require.NotNil(t, e)
			assert.Equal(t, tt.want, classOf(t, e))
			assert.Equal(t, tt.code, e.Code)
			assert.NotEmpty(t, ErrorAdvice(e).Text)
		})
	}
	for _, query := range []string{"", "code=AQBx&state=y", "code=AQBx&state=y&granted_scopes=a", "error="} {
		values, err := url.ParseQuery(query)
		require.NoError(t, err)
		assert.Nil(t, errorFromCallback(values), query)
	}
}

func TestThrottledAnswersSayHowLong(t *testing.T) {
	t.Parallel()
	const (
		app = `{"error":{"message":"(#4) Application request limit reached","code":4}}`
		acc = `{"error":{"message":"(#80002) There have been too many calls to this Instagram account.","code":80002}}`
		buc = `{"1784":[{"type":"instagram","call_count":100,"estimated_time_to_regain_access":12},{"type":"pages","call_count":120,"estimated_time_to_regain_access":50}],"7":[{"type":"ads_management","call_count":19,"estimated_time_to_regain_access":90}]}`
	)
	tests := map[string]struct {
		body   string
		header http.Header
		want   time.Duration
	}{
		"nothing said":                       {acc, nil, 0},
		"the header alone":                   {acc, http.Header{"Retry-After": {"120"}}, 2 * time.Minute},
		"the account's own quota":            {acc, http.Header{"X-Business-Use-Case-Usage": {buc}}, 12 * time.Minute},
		"Retry-After before the quota":       {acc, http.Header{"X-Business-Use-Case-Usage": {buc}, "Retry-After": {"5"}}, 5 * time.Second},
		"app limit: quotas that are used up": {app, http.Header{"X-Business-Use-Case-Usage": {buc}}, 50 * time.Minute},
		"app limit: the only wait there is":  {app, http.Header{"X-Business-Use-Case-Usage": {`{"7":[{"type":"ads_management","call_count":19,"estimated_time_to_regain_access":90}]}`}}, 90 * time.Minute},
		"app limit: no wait in the app's":    {app, http.Header{"X-App-Usage": {`{"call_count":241}`}}, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newError("", answer(400, tt.header, ""), []byte(tt.body))
			assert.Equal(t, tt.want, e.RetryAfter)
			if tt.want > 0 {
				assert.Equal(t, tt.want, ErrorAdvice(e).RetryAfter)
			} else {
				assert.Positive(t, ErrorAdvice(e).RetryAfter, "the advice has a time of its own")
			}
		})
	}
}
