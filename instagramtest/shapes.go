// How do answers look, and what happens, where sources disagree?

package instagramtest

// Shapes says how answers look. The zero value is what live servers are known to
// send; each field switches to another form that Meta documents, once sent, or
// was seen to send. A client should read all of them.
type Shapes struct {
	// Wrapped puts the answer of api.instagram.com/oauth/access_token into
	// {"data":[…]}, as the "Business Login" guide prints it. Live answers are flat.
	Wrapped bool
	// UserIDString sends that answer's user_id as a string, as documented. Live
	// answers were seen with a bare number beyond 2^53.
	UserIDString bool
	// UserIDProfessional makes that user_id the professional account ID. Sources
	// disagree; the guide says it is the app-scoped one.
	UserIDProfessional bool
	// Permissions is the form of that answer's granted scopes.
	Permissions PermissionsForm
	// ExpiresIn is the form of expires_in in every token answer of both products.
	ExpiresIn ExpiresForm
	// RefreshPermissions echoes the scopes in the refresh answer as a comma
	// string, as seen in the Graph Explorer.
	RefreshPermissions bool
	// FormEncoded answers graph.facebook.com/oauth/access_token with
	// access_token=…&expires=…, as before Graph API v2.3.
	FormEncoded bool
	// MeWrapped puts graph.instagram.com/me into {"data":[…]}, as the "Get
	// Started" guide prints it. Live answers are flat.
	MeWrapped bool
	// MeUserIDNumber sends user_id of /me as a bare number (observed once).
	MeUserIDNumber bool
	// AccountTypeTitle spells account_type "Business" and "Media_Creator", as the
	// guide does. Live answers were seen in capitals.
	AccountTypeTitle bool
	// RevokeTrue answers DELETE …/permissions with the bare word true, as the
	// "Requesting and Revoking Permissions" guide prints it, instead of
	// {"success":true}.
	RevokeTrue bool
	// DebugNumbers sends app_id and user_id of debug_token as numbers (old form).
	DebugNumbers bool
	// UsageCallVolume makes graph.instagram.com spell X-App-Usage with call_volume
	// and cpu_time (observed), instead of the names in "Rate Limits".
	UsageCallVolume bool
	// JavaScript labels Graph answers text/javascript; charset=UTF-8, as batch
	// and error answers sometimes are.
	JavaScript bool
	// Pretty prints Graph answers over several lines, indented by three blanks.
	Pretty bool
}

// PermissionsForm is a form of the granted scopes in a token answer.
type PermissionsForm int

// The forms seen or documented.
const (
	PermissionsArray  PermissionsForm = iota // ["a","b"], read by live products
	PermissionsString                        // "a,b", documented
	PermissionsAbsent                        // no such key
)

// ExpiresForm is a form of expires_in in a token answer.
type ExpiresForm int

// The forms seen or documented.
const (
	ExpiresNumber ExpiresForm = iota // 5184000
	ExpiresString                    // "5184000"
	ExpiresFloat                     // 5184000.0
	ExpiresAbsent                    // no such key; the token expires all the same
	ExpiresLegacy                    // "expires":"5184000", as old Facebook answers
)

// Quirks says what happens where Meta's documentation is silent or was
// contradicted by a report. The zero value is the likelier or the stricter side.
type Quirks struct {
	// RefreshKeepsString makes a refresh answer with the same token string, its
	// life begun anew. By default each refresh makes another string.
	RefreshKeepsString bool
	// RefreshKillsOld makes the old string die at the refresh (190). By default it
	// lives to its own end.
	RefreshKillsOld bool
	// EarlyRefresh makes a refresh inside the first 24 hours succeed. By default
	// it fails as an unsupported request; the true error is undocumented.
	EarlyRefresh bool
	// IgnoreProof makes graph.instagram.com ignore appsecret_proof. By default it
	// refuses the call: one client's tests say it is rejected there, another's
	// that it is not honoured.
	IgnoreProof bool
	// RefuseVersions makes graph.instagram.com refuse every path with a version
	// prefix, as two clients report. By default only its token endpoints do.
	RefuseVersions bool
	// RefuseInspection makes graph.instagram.com answer debug_token with 403 for
	// every caller. By default an app token may call it.
	RefuseInspection bool
	// RefuseRevocation makes graph.instagram.com refuse …/me/permissions as an
	// unsupported request. By default it works as on graph.facebook.com.
	RefuseRevocation bool
	// HideForeignTokens makes debug_token refuse tokens of another app with code
	// 100. By default it tells whose they are.
	HideForeignTokens bool
	// PublishedTwice makes media_publish of a published container put out the
	// media once more. By default it answers 9007/2207027; either is undocumented.
	PublishedTwice bool
	// AcceptResumable makes graph.instagram.com take upload_type=resumable. Meta
	// documents it for Facebook Login alone, and by default it is refused here as
	// one report has it.
	AcceptResumable bool
}
