package instagram

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func graphError(code, subcode int, message string) string {
	sub := ""
	if subcode != 0 {
		sub = fmt.Sprintf(`,"error_subcode":%d`, subcode)
	}
	return fmt.Sprintf(`{"error":{"message":%q,"type":"OAuthException","code":%d%s,"fbtrace_id":"AbC"}}`, message, code, sub)
}

func flatError(message string) string {
	return fmt.Sprintf(`{"error_type": "OAuthException", "code": 400, "error_message": %q}`, message)
}

// TestAnswersOfEveryHost goes through what Meta's hosts answer beside the
// recorded cases: further texts, orders, languages and shapes.
func TestAnswersOfEveryHost(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		request string
		status  int
		body    string
		want    error // nil: nothing safe can be said
		do      Action
	}{
		"app never authorised":                        {"GET https://graph.facebook.com/v26.0/me", 400, graphError(190, 458, "Error validating access token: The user has not authorized application 123."), ErrTokenInvalid, ActionLogin},
		"app never authorised, without the subcode":   {"GET https://graph.facebook.com/v26.0/me", 400, graphError(190, 0, "Error validating access token: The user has not authorized application 123."), ErrTokenInvalid, ActionLogin},
		"token data that is none":                     {"GET https://graph.facebook.com/v26.0/me", 401, graphError(190, 0, "Invalid OAuth access token data."), ErrTokenInvalid, ActionLogin},
		"signature that is none":                      {"GET https://graph.facebook.com/v26.0/me", 400, graphError(190, 0, "Invalid OAuth access token signature."), ErrTokenInvalid, ActionLogin},
		"token that was cut":                          {"GET https://graph.facebook.com/v26.0/me", 400, graphError(190, 0, "The access token could not be decrypted"), ErrTokenInvalid, ActionLogin},
		"token that was pasted badly":                 {"GET https://graph.facebook.com/v26.0/me", 400, graphError(190, 0, "Malformed access token AQDxabc"), ErrTokenInvalid, ActionLogin},
		"Page unpublished":                            {"GET https://graph.facebook.com/v26.0/me", 400, graphError(190, 0, "This Page access token belongs to a Page that is not accessible."), ErrTokenInvalid, ActionUserMustAct},
		"person's token where the Page's belongs":     {"GET https://graph.facebook.com/v26.0/me", 400, graphError(190, 2069032, "User Access Token Is Not Supported"), ErrTokenInvalid, ActionFixRequest},
		"checkpoint, newer subcode":                   {"GET https://graph.facebook.com/v26.0/me", 400, graphError(190, 490, "Error validating access token: The user is enrolled in a blocking, logged-in checkpoint"), ErrTokenInvalid, ActionUserMustAct},
		"checkpoint, in words":                        {"GET https://graph.facebook.com/v26.0/me", 400, graphError(190, 0, "Error validating access token: The user is enrolled in a blocking, logged-in checkpoint"), ErrTokenInvalid, ActionUserMustAct},
		"password changed, in Spanish":                {"GET https://graph.facebook.com/v26.0/me", 400, graphError(190, 460, "Error al validar el token de acceso: la sesión se ha invalidado"), ErrTokenInvalid, ActionLogin},
		"system user removed":                         {"GET https://graph.facebook.com/v26.0/me", 400, graphError(190, 0, "Error validating access token: The system user has been removed"), ErrTokenInvalid, ActionLogin},
		"dead token that claims to be passing":        {"GET https://graph.facebook.com/v26.0/me", 500, `{"error":{"message":"x","code":190,"is_transient":true}}`, ErrTokenInvalid, ActionLogin},
		"app disabled":                                {"GET https://graph.facebook.com/v26.0/me", 400, graphError(190, 0, "Error validating application. Application has been disabled"), ErrAppConfig, ActionFixApp},
		"app's access disrupted":                      {"GET https://graph.facebook.com/v26.0/me", 400, graphError(190, 0, "API access disrupted. Go to the App Dashboard and complete Data Use Checkup."), ErrAppConfig, ActionFixApp},
		"app deleted, told of the token":              {"GET https://graph.facebook.com/v26.0/me", 400, graphError(190, 0, "Error validating access token: The application does not exist or has been deleted"), ErrAppConfig, ActionFixApp},
		"token of another app, told with 190":         {"GET https://graph.facebook.com/v26.0/me", 400, graphError(190, 0, "The access token does not belong to application 123"), ErrAppConfig, ActionFixApp},
		"session key":                                 {"GET https://graph.facebook.com/v26.0/me", 400, graphError(102, 0, "Session key invalid or no longer valid"), ErrTokenInvalid, ActionLogin},
		"signature of the old kind":                   {"GET https://graph.facebook.com/v26.0/me", 400, graphError(104, 0, "Incorrect signature"), ErrTokenInvalid, ActionLogin},
		"no token sent, told with 104":                {"GET https://graph.facebook.com/v26.0/me", 400, graphError(104, 0, "An access token is required to request this resource."), ErrTokenInvalid, ActionLogin},
		"feature that needs a review":                 {"GET https://graph.facebook.com/v26.0/me", 400, graphError(10, 0, "(#10) To use 'Page Public Content Access', your use of this endpoint must be reviewed and approved by Facebook. To submit this 'Page Public Content Access' feature for review please read our documentation on reviewable features"), ErrPermission, ActionFixApp},
		"personal account":                            {"GET https://graph.instagram.com/v26.0/me", 400, graphError(10, 0, "(#10) The user is not an Instagram Business"), ErrPermission, ActionUserMustAct},
		"personal account, told with 100":             {"GET https://graph.facebook.com/v26.0/me", 400, graphError(100, 0, "(#100) The user is not an Instagram Business Account"), ErrInvalidRequest, ActionUserMustAct},
		"window closed, Messenger's subcode":          {"POST https://graph.facebook.com/v26.0/me/messages", 400, graphError(10, 2018278, "(#10) This message is sent outside of allowed window."), ErrPermission, ActionFixRequest},
		"window closed, in Portuguese":                {"POST https://graph.facebook.com/v26.0/me/messages", 400, graphError(10, 2018278, "(#10) Esta mensagem foi enviada fora da janela"), ErrPermission, ActionFixRequest},
		"window closed, older subcode":                {"POST https://graph.facebook.com/v26.0/me/messages", 400, graphError(10, 2018065, "(#10) x"), ErrPermission, ActionFixRequest},
		"nobody to write to":                          {"POST https://graph.facebook.com/v26.0/me/messages", 400, graphError(100, 2018001, "(#100) No matching user found"), ErrInvalidRequest, ActionFixRequest},
		"person away":                                 {"POST https://graph.facebook.com/v26.0/me/messages", 400, graphError(551, 1545041, "(#551) This person isn't available right now."), ErrInvalidRequest, ActionFixRequest},
		"person away, told with 200":                  {"POST https://graph.facebook.com/v26.0/me/messages", 400, graphError(200, 1545041, "(#200) This person isn't available at the moment."), ErrInvalidRequest, ActionFixRequest},
		"no Advanced Access":                          {"GET https://graph.facebook.com/v26.0/me", 403, graphError(200, 0, "(#200) App does not have Advanced Access to pages_messaging permission"), ErrPermission, ActionGrantScopes},
		"permissions not sufficient":                  {"GET https://graph.facebook.com/v26.0/me", 403, graphError(200, 0, "(#200) You do not have sufficient permissions to perform this action"), ErrPermission, ActionGrantScopes},
		"range of permissions, 283":                   {"GET https://graph.facebook.com/v26.0/me", 400, graphError(283, 0, "(#283) Requires extended permission: pages_read_engagement"), ErrPermission, ActionGrantScopes},
		"range of permissions, 294":                   {"GET https://graph.facebook.com/v26.0/me", 400, graphError(294, 0, "(#294) Managing advertisements requires the extended permission ads_management"), ErrPermission, ActionGrantScopes},
		"node or permission, nobody knows":            {"GET https://graph.facebook.com/v26.0/me", 400, graphError(100, 33, "(#100) Object does not exist, cannot be loaded due to missing permission or reviewable feature, or does not support this operation. This endpoint requires the 'pages_read_engagement' permission or the 'Page Public Content Access' feature or the 'Page Public Metadata Access' feature."), ErrInvalidRequest, ActionFixRequest},
		"permission or feature":                       {"GET https://graph.facebook.com/v26.0/me", 400, graphError(10, 0, "(#10) Object does not exist, cannot be loaded due to missing permission or reviewable feature, or does not support this operation. This endpoint requires the 'pages_read_engagement' permission or the 'Page Public Content Access' feature."), ErrPermission, ActionGrantScopes},
		"field that is none":                          {"GET https://graph.instagram.com/v26.0/me", 400, graphError(100, 0, "(#100) Tried accessing nonexisting field (foo) on node type (InstagramUser)"), ErrInvalidRequest, ActionFixRequest},
		"parameter of a post missing":                 {"POST https://graph.instagram.com/17/media", 400, graphError(100, 0, "(#100) The parameter image_url is required"), ErrInvalidRequest, ActionFixRequest},
		"redirect URI not sent":                       {"GET https://graph.facebook.com/v26.0/oauth/access_token", 400, graphError(100, 0, "(#100) The parameter redirect_uri is required"), ErrInvalidRequest, ActionFixRequest},
		"code not sent, told with 100":                {"GET https://graph.facebook.com/v26.0/oauth/access_token", 400, graphError(100, 0, "Missing authorization code"), ErrInvalidRequest, ActionFixRequest},
		"code not sent, told with 1":                  {"GET https://graph.facebook.com/v26.0/oauth/access_token", 400, graphError(1, 0, "Missing authorization code"), ErrInvalidRequest, ActionFixRequest},
		"code of no form":                             {"GET https://graph.facebook.com/v26.0/oauth/access_token", 400, graphError(100, 0, "Invalid verification code format."), ErrCodeInvalid, ActionLogin},
		"code of no form, told with 1":                {"GET https://graph.facebook.com/v26.0/oauth/access_token", 400, graphError(1, 0, "Invalid verification code format."), ErrCodeInvalid, ActionLogin},
		"code used, told with 1":                      {"GET https://graph.facebook.com/v26.0/oauth/access_token", 400, graphError(1, 0, "This authorization code has been used."), ErrCodeInvalid, ActionLogin},
		"redirect URI not absolute, told with 1":      {"GET https://graph.facebook.com/v26.0/oauth/access_token", 400, graphError(1, 0, "redirect_uri isn't an absolute URI. Check RFC 3986."), ErrRedirectURIMismatch, ActionFixApp},
		"redirect URI not registered":                 {"GET https://graph.facebook.com/v26.0/me", 400, graphError(191, 0, "Given URL is not permitted by the Application configuration: One or more of the given URLs is not permitted by the App's settings."), ErrRedirectURIMismatch, ActionFixApp},
		"code past its time":                          {"GET https://graph.facebook.com/v26.0/oauth/access_token", 400, graphError(100, 36007, "This authorization code has expired."), ErrCodeInvalid, ActionLogin},
		"code used, in Spanish":                       {"GET https://graph.facebook.com/v26.0/oauth/access_token", 400, graphError(100, 36009, "Este código de autorización se ha usado."), ErrCodeInvalid, ActionLogin},
		"app ID not sent":                             {"GET https://graph.facebook.com/v26.0/oauth/access_token", 400, graphError(101, 0, "Missing client_id parameter."), ErrAppConfig, ActionFixApp},
		"secret, with a subcode":                      {"GET https://graph.facebook.com/v26.0/oauth/access_token", 400, graphError(1, 33, "Error validating client secret."), ErrAppConfig, ActionFixApp},
		"app limit, numbers as text":                  {"GET https://graph.facebook.com/v26.0/me", 403, `{"error":{"code":"4","message":"(#4) Application request limit reached","is_transient":true,"error_subcode":"1504022"}}`, ErrThrottled, ActionWait},
		"limit with a subcode of ads":                 {"GET https://graph.facebook.com/v26.0/me", 400, graphError(613, 1487225, "(#613) Ad creation limited"), ErrThrottled, ActionWait},
		"status as the code":                          {"GET https://graph.facebook.com/v26.0/me", 429, `{"error":{"code":429,"message":"Too many requests"}}`, ErrThrottled, ActionWait},
		"429 as the code, under 400":                  {"GET https://graph.facebook.com/v26.0/me", 400, `{"error":{"code":429,"message":"x"}}`, ErrThrottled, ActionWait},
		"block, with a Page's subcode":                {"POST https://graph.facebook.com/v26.0/me", 400, graphError(368, 1390008, "Your content could not be shared"), ErrBlocked, ActionUserMustAct},
		"block that claims to be passing":             {"POST https://graph.facebook.com/v26.0/me", 400, `{"error":{"code":368,"is_transient":true,"message":"The action attempted has been deemed abusive or is otherwise disallowed"}}`, ErrBlocked, ActionUserMustAct},
		"block, another subcode":                      {"POST https://graph.facebook.com/v26.0/me", 400, graphError(368, 4854002, "x"), ErrBlocked, ActionUserMustAct},
		"aspect ratio without the subcode, under 500": {"POST https://graph.facebook.com/v26.0/me", 500, graphError(36003, 0, "The aspect ratio is not supported."), ErrInvalidRequest, ActionFixRequest},
		"image too large, without the subcode":        {"POST https://graph.facebook.com/v26.0/me", 400, graphError(36000, 0, "The image size is too large."), ErrInvalidRequest, ActionFixRequest},
		"media not fetched, without the subcode":      {"POST https://graph.facebook.com/v26.0/me", 400, graphError(9004, 0, "Only photo or video can be accepted as media type."), ErrInvalidRequest, ActionFixRequest},
		"video format, without the subcode":           {"POST https://graph.facebook.com/v26.0/me", 400, graphError(352, 0, "The video format is not supported"), ErrInvalidRequest, ActionFixRequest},
		"media gone, without the subcode":             {"POST https://graph.facebook.com/v26.0/me", 400, graphError(24, 0, "The requested resource does not exist"), ErrInvalidRequest, ActionFixRequest},
		"video processing":                            {"POST https://graph.facebook.com/v26.0/me", 400, graphError(-1, 2207082, "Fatal"), ErrTransient, ActionRetry},
		"fatal and passing":                           {"POST https://graph.instagram.com/v26.0/me", 500, `{"error":{"message":"Fatal","type":"OAuthException","code":-1,"is_transient":true}}`, ErrTransient, ActionRetry},
		"fatal with an unknown subcode, and passing":  {"POST https://graph.instagram.com/v26.0/me", 500, `{"error":{"message":"Fatal","type":"OAuthException","code":-1,"error_subcode":2207099,"is_transient":true}}`, ErrTransient, ActionRetry},
		"another negative code, under 500":            {"POST https://graph.instagram.com/v26.0/me", 500, graphError(-3, 0, "x"), ErrTransient, ActionRetry},
		"object missing, code of ads":                 {"GET https://graph.facebook.com/v26.0/me", 400, graphError(33, 0, "This object does not exist or does not support this action"), ErrInvalidRequest, ActionFixRequest},
		"too many IDs":                                {"GET https://graph.facebook.com/v26.0/me", 400, graphError(105, 0, "(#105) The number of ids is too large"), ErrInvalidRequest, ActionFixRequest},
		"unknown error":                               {"GET https://graph.facebook.com/v26.0/me", 500, graphError(1, 0, "An unknown error has occurred."), ErrTransient, ActionRetry},
		"unknown error in other words":                {"GET https://graph.facebook.com/v26.0/me", 400, graphError(1, 0, "Invalid request."), ErrTransient, ActionRetry},
		"field not sent":                              {"POST https://api.instagram.com/oauth/access_token", 400, flatError("Missing required field client_id"), ErrInvalidRequest, ActionFixRequest},
		"redirect URI not sent, Instagram":            {"POST https://api.instagram.com/oauth/access_token", 400, flatError("Missing required field redirect_uri"), ErrInvalidRequest, ActionFixRequest},
		"secret not sent, Instagram":                  {"POST https://api.instagram.com/oauth/access_token", 400, flatError("Missing required parameter \"client_secret\""), ErrInvalidRequest, ActionFixRequest},
		"grant type":                                  {"POST https://api.instagram.com/oauth/access_token", 400, flatError("Invalid grant_type"), ErrInvalidRequest, ActionFixRequest},
		"app ID":                                      {"POST https://api.instagram.com/oauth/access_token", 400, flatError("Invalid Client ID"), ErrAppConfig, ActionFixApp},
		"no tester, v1 words":                         {"POST https://api.instagram.com/oauth/access_token", 403, `{"code": 403, "error_type": "OAuthForbiddenException", "error_message": "You are not a sandbox user of this client"}`, ErrAppConfig, ActionFixApp},
		"code used, status as text":                   {"POST https://api.instagram.com/oauth/access_token", 400, `{"code": "400", "error_type": "OAuthException", "error_message": "Matching code was not found or was already used."}`, ErrCodeInvalid, ActionLogin},
		"redirect URI differs":                        {"POST https://api.instagram.com/oauth/access_token", 400, flatError("Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request"), ErrRedirectURIMismatch, ActionFixApp},
		"code past its hour":                          {"POST https://api.instagram.com/oauth/access_token", 400, flatError("This authorization code has expired"), ErrCodeInvalid, ActionLogin},
		"code that is none":                           {"POST https://api.instagram.com/oauth/access_token", 400, flatError("Invalid authorization code"), ErrCodeInvalid, ActionLogin},
		"no code sent, Instagram":                     {"POST https://api.instagram.com/oauth/access_token", 400, flatError("No authorization code provided"), ErrInvalidRequest, ActionFixRequest},
		"Meta's app ID, under 200":                    {"POST https://api.instagram.com/oauth/access_token", 200, flatError("Invalid platform app"), ErrAppConfig, ActionFixApp},
		"personal account at the exchange":            {"POST https://api.instagram.com/oauth/access_token", 400, flatError("User account is not a business account"), ErrInvalidRequest, ActionFixRequest},
		"limit of the token endpoint":                 {"POST https://api.instagram.com/oauth/access_token", 429, `{"error_type":"OAuthRateLimitException","code":429,"error_message":"You have exceeded the maximum number of requests per hour."}`, ErrThrottled, ActionWait},
		"page instead of an answer":                   {"POST https://api.instagram.com/oauth/access_token", 400, "<!DOCTYPE html><html><head><title>Error</title></head><body>Bad Request</body></html>", ErrInvalidRequest, ActionFixRequest},
		"secret, Instagram's exchange":                {"GET https://graph.instagram.com/access_token", 400, `{"error":{"message":"Error validating client secret.","type":"IGApiException","code":100,"fbtrace_id":"A"}}`, ErrAppConfig, ActionFixApp},
		"refresh too late":                            {"GET https://graph.instagram.com/refresh_access_token", 400, `{"error":{"message":"Error validating access token: Session has expired on Sunday, 01-Nov-26 00:00:00 PST. The current time is ...","type":"OAuthException","code":190,"fbtrace_id":"A"}}`, ErrTokenInvalid, ActionLogin},
		"session key, Instagram's exchange":           {"GET https://graph.instagram.com/access_token", 400, `{"error":{"message":"Session key invalid","type":"IGApiException","code":452}}`, ErrTokenInvalid, ActionLogin},
		"secret not sent, Instagram's exchange":       {"GET https://graph.instagram.com/access_token", 400, `{"error":{"message":"(#100) The parameter client_secret is required","type":"OAuthException","code":100}}`, ErrInvalidRequest, ActionFixRequest},
		"grant type, Instagram's exchange":            {"GET https://graph.instagram.com/access_token", 400, `{"error":{"message":"Invalid parameter grant_type","type":"IGApiException","code":100}}`, ErrInvalidRequest, ActionFixRequest},
		"app-scoped ID in a path":                     {"POST https://graph.instagram.com/v26.0/17/media", 400, `{"error":{"message":"Unsupported request - method type: post","type":"IGApiException","code":100}}`, ErrInvalidRequest, ActionFixRequest},
		"content not available":                       {"GET https://graph.instagram.com/v26.0/17/media", 400, `{"error":{"message":"Sorry, this content isn't available right now","type":"OAuthException","code":190}}`, ErrTokenInvalid, ActionLogin},
		"permission, as graph.instagram.com says it":  {"GET https://graph.instagram.com/v26.0/me", 403, `{"error":{"message":"Application does not have permission for this action","type":"IGApiException","code":10}}`, ErrPermission, ActionGrantScopes},
		"media type, in German and other order":       {"POST https://graph.instagram.com/v26.0/17/media", 400, `{"error":{"fbtrace_id":"A","error_user_msg":"Nur Foto","error_user_title":"Titel","error_subcode":2207023,"code":100,"type":"IGApiException","message":"Ungültig"}}`, ErrInvalidRequest, ActionFixRequest},
		"upload not allowed":                          {"POST https://rupload.facebook.com/ig-api-upload/v26.0/1", 403, `{"debug_info":{"retriable":false,"type":"NotAuthorizedError","message":"User not authorized to perform this request"}}`, ErrPermission, ActionGrantScopes},
		"upload cut short":                            {"POST https://rupload.facebook.com/ig-api-upload/v26.0/1", 400, `{"debug_info":{"retriable":false,"type":"PartialRequestError","message":"Partial request (did not match length of file)"}}`, ErrInvalidRequest, ActionFixRequest},
		"upload at a wrong offset":                    {"POST https://rupload.facebook.com/ig-api-upload/v26.0/1", 412, `{"debug_info":{"retriable":true,"type":"OffsetError","message":"offset mismatch"}}`, ErrTransient, ActionRetry},
		"fields that are null":                        {"GET https://graph.facebook.com/v26.0/me", 400, `{"error":{"message":null,"type":null,"code":190,"error_subcode":null,"is_transient":null,"fbtrace_id":null}}`, ErrTokenInvalid, ActionLogin},
		"error twice, once null":                      {"GET https://graph.facebook.com/v26.0/me", 400, `{"error":null,"error":{"code":190,"message":"x"}}`, ErrTokenInvalid, ActionLogin},
		"an error inside of the error":                {"GET https://graph.facebook.com/v26.0/me", 400, `{"__www_request_id__":"x","error":{"code":190,"message":"x","nested":{"error":{"code":4}}}}`, ErrTokenInvalid, ActionLogin},
		"data null beside the error":                  {"GET https://graph.facebook.com/v26.0/me", 400, `{"data":null,"error":{"code":80002,"message":"x"}}`, ErrThrottled, ActionWait},
		"form of the old REST API, under 200":         {"GET https://graph.facebook.com/v26.0/me", 200, `{"error_code":190,"error_msg":"Invalid OAuth 2.0 Access Token","request_args":[{"key":"access_token","value":"EAAx"}]}`, ErrTokenInvalid, ActionLogin},
		"old REST API, code as text":                  {"GET https://graph.facebook.com/v26.0/me", 400, `{"error_code":"4","error_msg":"Application request limit reached"}`, ErrThrottled, ActionWait},
		"nothing with 503":                            {"GET https://graph.facebook.com/v26.0/me", 503, ``, ErrTransient, ActionRetry},
		"gateway in plain text":                       {"GET https://graph.facebook.com/v26.0/me", 504, `upstream request timeout`, ErrTransient, ActionRetry},
		"status of a CDN":                             {"GET https://graph.facebook.com/v26.0/me", 520, `<html>cf</html>`, ErrTransient, ActionRetry},
		"page with 429":                               {"GET https://graph.facebook.com/v26.0/me", 429, `<html>slow</html>`, ErrThrottled, ActionWait},
		"page with 403":                               {"GET https://graph.facebook.com/v26.0/me", 403, `<html>no</html>`, nil, ActionUnknown},
		"RFC 6749 under 200":                          {"GET https://graph.facebook.com/v26.0/me", 200, `{"error":"invalid_grant","error_description":"x"}`, ErrCodeInvalid, ActionLogin},
		"limit under 200":                             {"GET https://graph.facebook.com/v26.0/me", 200, `{"error":{"message":"(#17) User request limit reached","code":17}}`, ErrThrottled, ActionWait},
		"code 0":                                      {"GET https://graph.facebook.com/v26.0/me", 400, `{"error":{"message":"Sorry, something went wrong","type":"OAuthException","code":0}}`, ErrInvalidRequest, ActionFixRequest},
		"list of errors with a limit":                 {"GET https://graph.facebook.com/v26.0/me", 400, `{"errors":[{"message":"Rate limit exceeded","code":1675004}]}`, ErrThrottled, ActionWait},
		"terms not accepted":                          {"GET https://graph.facebook.com/v26.0/me", 403, graphError(200, 1870090, "(#200) The user hasn't accepted the terms"), ErrPermission, ActionGrantScopes},
		"proof wrong":                                 {"GET https://graph.facebook.com/v26.0/me", 400, `{"error":{"message":"Invalid appsecret_proof provided in the API argument","type":"GraphMethodException","code":100}}`, ErrAppConfig, ActionFixApp},
		"proof too old":                               {"GET https://graph.facebook.com/v26.0/me", 400, `{"error":{"message":"(#100) appsecret_time is too old","type":"GraphMethodException","code":100}}`, ErrAppConfig, ActionFixApp},
		"proof wrong, told with 190":                  {"GET https://graph.facebook.com/v26.0/me", 400, graphError(190, 0, "Invalid appsecret_proof provided in the API argument"), ErrAppConfig, ActionFixApp},
		"path that is none":                           {"GET https://graph.facebook.com/v26.0/me", 400, graphError(2500, 0, "Unknown path components: /foo"), ErrInvalidRequest, ActionFixRequest},
		"version that is none":                        {"GET https://graph.facebook.com/v26.0/me", 400, graphError(2500, 0, "Unknown path components: /v99.0/me"), ErrInvalidRequest, ActionFixRequest},
		"version past its end":                        {"GET https://graph.facebook.com/v26.0/me", 400, graphError(2635, 0, "(#2635) You are calling a deprecated version of the Ads API. Please update to the latest version"), ErrInvalidRequest, ActionFixRequest},
		"version past its end, told with 100":         {"GET https://graph.facebook.com/v26.0/me", 400, graphError(100, 0, "(#100) Version v10.0 is deprecated"), ErrInvalidRequest, ActionFixRequest},
		"spam in the words of a limit":                {"POST https://graph.instagram.com/v26.0/me", 403, graphError(4, 2207051, "(#4) Application request limit reached"), ErrBlocked, ActionUserMustAct},
		"publishing quota under 403":                  {"POST https://graph.instagram.com/v26.0/me", 403, graphError(9, 2207042, "(#9) x"), ErrThrottled, ActionWait},
		"UTF-16":                                      {"POST https://graph.instagram.com/v26.0/me", 400, "\xff\xfe{\x00\"\x00e\x00r\x00r\x00o\x00r\x00\"\x00:\x00{\x00\"\x00c\x00o\x00d\x00e\x00\"\x00:\x001\x009\x000\x00}\x00}\x00", ErrTokenInvalid, ActionLogin},
		"capability":                                  {"POST https://graph.instagram.com/v26.0/me", 400, graphError(3, 0, "(#3) Application does not have the capability to make this API call."), ErrPermission, ActionFixApp},
		"capability, told with 100":                   {"POST https://graph.instagram.com/v26.0/me", 400, graphError(100, 0, "(#100) Application does not have the capability to make this API call."), ErrPermission, ActionFixApp},
		"development mode, told with 190":             {"GET https://graph.facebook.com/v26.0/me", 400, graphError(190, 0, "App is in development mode"), ErrTokenInvalid, ActionLogin},
		"development mode, told with 200":             {"GET https://graph.facebook.com/v26.0/me", 400, graphError(200, 0, "(#200) The app is in development mode and the user has no role"), ErrPermission, ActionFixApp},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			method, target, _ := strings.Cut(tt.request, " ")
			resp := answer(tt.status, nil, tt.body)
			var err error
			resp.Request, err = http.NewRequestWithContext(t.Context(), method, target, nil)
			require.NoError(t, err)
			got := CheckResponse(resp)
			require.Error(t, got)
			if class := classOf(t, got); tt.want == nil {
				assert.Equal(t, "unknown", class)
			} else {
				require.ErrorIs(t, got, tt.want)
			}
			advice := ErrorAdvice(got)
			assert.Equal(t, tt.do, advice.Action, advice.Text)
			assert.Equal(t, errors.Is(tt.want, ErrTokenInvalid) || errors.Is(tt.want, ErrCodeInvalid), advice.NeedsLogin)
			assert.Equal(t, errors.Is(tt.want, ErrThrottled) || errors.Is(tt.want, ErrTransient), advice.Retryable)
		})
	}
}
