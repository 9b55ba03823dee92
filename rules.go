package instagram

// This file answers: what does each code, subcode and text of Meta's mean?

import (
	"math"
	"time"
)

// Where the rows were read.
const (
	docErrors     = "Graph API error handling guide, read 2026"
	docInstagram  = "Instagram Platform error codes, read 2026-09"
	docLimits     = "Graph API rate limits, read 2026"
	docLogin      = "Business login for Instagram, read 2026-03"
	docFBLogin    = "Facebook Login guides, read 2026-03"
	docMessaging  = "Messenger Platform error codes, read 2026"
	docWhatsApp   = "WhatsApp Cloud API error codes, read 2026"
	docHashtag    = "hashtag search guide, read 2026"
	docOAuth      = "RFC 6749 and RFC 6750"
	observed      = "observed"
	docAndSeen    = "Instagram Platform error codes, read 2026-09; observed"
	errorsAndSeen = "Graph API error handling guide, read 2026; observed"
)

// Advice that several rows share.
const (
	tellCheckpoint = "The account is at a checkpoint. The person has to open Instagram or Facebook in a browser, follow what it asks for, and log in again afterwards; until then a new login fails too."
	tellWrongCode  = "The authorization code was used before, is too old, or is not what Meta sent. Start the login anew. Usual causes: the callback was handled twice (reload, back button, a link preview), the exchange was retried, or #_ was left at the end of the code."
	tellRedirect   = "The redirect URI differs from the one in the dashboard or in the login URL. It must be the same bytes in all three places: look at the trailing slash (the dashboard may have added one), www, http or https, and the query."
	tellSecret     = "The app secret is wrong for this app ID. Instagram Login takes the Instagram app ID and secret (Instagram > API setup with Instagram login), Facebook Login the Meta app's (App settings > Basic); a secret that was reset is dead at once."
	tellProof      = "appsecret_proof is wrong or missing. It is the HMAC of the very token of this call under the secret of the app that issued it: make a new one after swapping the token, never send one to graph.instagram.com, and a proof with a time lives five minutes."
	tellContainer  = "The media container is not ready yet. Ask for its status_code until it is FINISHED, once a minute for five minutes at most, and then publish the same container."
	tellNewMedia   = "The media container is gone or failed. Make a new one and publish that."
	tellSpam       = "Meta holds the action to be spam, although the code says rate limit. Do not repeat it: stop publishing for this account, and look whether the post went out all the same; one did."
	tellWrongHost  = "The token is not one of this host's. Tokens of Instagram Login (IG…) work on graph.instagram.com only, those of Facebook Login (EAA…) on graph.facebook.com only; a token that was cut or has a blank at its end reads the same."
	tellRole       = "The app is in development mode or has Standard Access only, and the account has no role on it. Add the account as Instagram Tester (App roles), let it accept the invite at Instagram under Settings > Apps and websites > Tester invites, or put the app live with Advanced Access."
	tellNotIGApp   = "This is not the Instagram app ID. Instagram Login takes the Instagram app ID and secret from Instagram > API setup with Instagram login, not the Meta app ID of App settings > Basic."
	tellNoApp      = "Meta does not know the app of this call: app ID or secret is wrong, or the app was deleted or disabled. The person's token may be good; do not log anyone out."
	tellPageRole   = "The person has lost the role on the Facebook Page, or the Page now asks for two-factor authentication. Let a Page admin restore it; a new login before that gives a token that fails the same way."
	tellNode       = "The object does not exist, or this token may not see it, or it does not support the operation. Use the user_id of /me in paths, not the app-scoped id, and check that the token is of the account that owns the object."
	tellMethod     = "This is not about GET or POST: graph.instagram.com answers so when the token may not see the node. Usual causes: the app-scoped id in the path instead of the user_id of /me, a tester invite not accepted, the secret or token of another app or product."
	tellQuota      = "The account has published all that it may in 24 hours. Come back up to 24 hours later; content_publishing_limit tells how many are left. Other calls of the account still work."
	tellHashtags   = "The account has searched 30 different hashtags within 7 days. Hashtags of those 30 still work; new ones do when the oldest is 7 days old."
	tellRestricted = "The account is restricted, inactive or at a checkpoint. The person has to open Instagram, follow what it asks for, and lift the restriction; the token stays good."
	tellPolicy     = "Meta blocks the action for policy reasons. Stop and do not repeat it, which makes the block longer; the person sees the reason under Account Status, or in the Page's Support Inbox."
	tellWindow     = "The messaging window is closed: a business may answer within 24 hours of the person's last message, 7 days with the human agent tag. More consent does not help."
	tellNoToken    = "No usable user token came with the call: none at all, or one of the app. Sign it with the account's token." //nolint:gosec // words about a token
	tellVersion    = "The path or the version in it does not exist."
	tellDialog     = "The login window refuses the app: it is in development mode, not set up for this login product, or not available. Look at the app's mode, use cases and required fields in the dashboard."
	tellMode       = "The app is not live, or its access is switched off. Put it live in the App Dashboard and finish what is asked for there (Data Use Checkup, business verification)."
	tellIP         = "The app's Server IP allow list does not hold the address of this server. Add it under App settings > Advanced > Security."
	tellServer     = "Meta could not do it this time. Send the same call again after a short pause."
	tellFetch      = "Meta could not fetch the media. The URL must be public, without redirect, login or robots.txt in the way, and serve the file itself; Meta's fetcher also fails now and then on a good one, so one more attempt is worth it."
	tellDashboard  = "The session key is not one of this call's. A token that the dashboard generated is long-lived already: do not exchange it, store and refresh it."
	tellBasic      = "This is how refresh_access_token answers for a token of the Basic Display API, which was shut down on 2024-12-04, and for one of another app. Let the person log in through the current product."
	tellExchange   = "graph.instagram.com answers so to an exchange with the wrong app's secret, with a token of another product or one that is long-lived already, and for accounts whose tester invite is pending. GET or POST makes no difference."
	tellCapability = "The app lacks the capability for this call, or the endpoint is not for this login product. Add the use case or feature in the App Dashboard and pass its review; a new login does not help."
	tellPageToken  = "The call needs the Page's own token, not the person's: see Token.PageToken."
	tellReview     = "The app has no approval for this feature. Ask for it under App Review in the App Dashboard; until then it works for people with a role on the app only, and more consent does not help."
	tellPersonal   = "The account is a personal one, and the API is for professional accounts. Let the person turn it into a Business or Creator account in Instagram's settings, and log in again."
	tellAway       = "The person cannot be written to: blocked, gone, or never wrote first."
	tellPageGone   = "The Page of this token was unpublished, restricted or deleted, or the person lost it. Let a Page admin look at it at Facebook, and log in again when it is back."
	tellMedia      = "Meta does not take the media: size, format, aspect ratio or caption. The message and the user message say which."
	tellManyCalls  = "The server refuses for too many calls, and no code says whose. Slow down."
	tellAbsent     = "A parameter that Meta requires was not sent: the message names it."
	tellMissing    = "A permission is missing. Ask for it in the login window; a person of Facebook Login who declined it is only asked again with auth_type=rerequest. One that was unused for 90 days has to be granted again."
)

// Texts that mean the same beside several codes.
const (
	absentTexts = "missing required|missing authorization code|missing client_id|missing redirect_uri|parameter is missing|the parameter&is required|no authorization code|must provide a code|must include a valid client_id"
	proofTexts  = "appsecret_proof|app secret proof|appsecret_time"
	roleTexts   = "developer role|sandbox user|not a tester|accepted the invite|development mode|sandbox mode|not admins, developers or testers"
)

// rules is the one place where what Meta answers is given a meaning. The first
// row that matches decides, so the order is that of the evidence: what the
// subcode says, what a text says where its code is known to lie, the code,
// is_transient, the text, names, the HTTP status.
//
//nolint:gochecknoglobals // a table, never written; to build it for each error would copy 50 KB
var rules = []rule{
	// Subcodes, which are sharper than their code and in part say the opposite of it.
	{code: 4, subcode: 2207051, is: classBlocked, tell: tellSpam, source: docAndSeen},
	{subcode: 2207051, is: classBlocked, tell: tellSpam, source: docInstagram},
	{code: 25, subcode: 2207050, is: classBlocked, tell: tellRestricted, source: docAndSeen},
	{subcode: 2207050, is: classBlocked, tell: tellRestricted, source: docInstagram},
	{code: 9, subcode: 2207042, is: classThrottled, tell: tellQuota, after: time.Hour, quota: quotaPublishing, source: docInstagram},
	{subcode: 2207042, is: classThrottled, tell: tellQuota, after: time.Hour, quota: quotaPublishing, source: docInstagram},
	{code: 9007, subcode: 2207027, is: classTransient, tell: tellContainer, after: 30 * time.Second, source: docAndSeen},
	{subcode: 2207027, is: classTransient, tell: tellContainer, after: 30 * time.Second, source: docInstagram},
	{code: -1, subcode: 2207001, is: classTransient, tell: tellServer, source: docInstagram},
	{code: -1, subcode: 2207032, is: classTransient, tell: tellNewMedia, source: docInstagram},
	{code: -1, subcode: 2207053, is: classTransient, tell: tellNewMedia, source: docInstagram},
	{code: -1, subcode: 2207082, is: classTransient, tell: tellNewMedia, source: observed},
	{code: -1, subcode: 2534023, is: classInvalidRequest, tell: "The comment has a private reply already; there can be one only.", source: observed},
	{code: -2, subcode: 2207003, is: classTransient, tell: tellFetch, source: docInstagram},
	{code: -2, subcode: 2207020, is: classInvalidRequest, tell: tellNewMedia, source: docInstagram},
	{code: 1, subcode: 2207057, is: classInvalidRequest, tell: "The thumbnail offset lies outside of the video.", source: docInstagram},
	{code: 1, subcode: 99, is: classInvalidRequest, tell: "A parameter is wrong, although the code says unknown error.", source: observed},
	{code: 24, subcode: 2207008, is: classTransient, tell: "Meta does not find the container. Try once or twice more within two minutes; after that make a new container.", after: 30 * time.Second, source: docInstagram},
	{code: 24, subcode: 2207006, is: classInvalidRequest, tell: "Meta does not find the media: a permission is missing, or it is gone. Make a new container and publish that.", source: docInstagram},
	{code: 24, subcode: 2207045, is: classInvalidRequest, tell: "There is no such media.", source: observed},
	{code: 24, subcode: 4279009, is: classTransient, tell: tellContainer, after: 30 * time.Second, source: observed},
	{code: 100, subcode: 2207023, is: classInvalidRequest, tell: "The media_type is not one of Meta's.", source: docInstagram},
	{code: 100, subcode: 2207028, is: classInvalidRequest, tell: "A carousel has 2 to 10 items.", source: docInstagram},
	{code: 100, subcode: 2207035, is: classInvalidRequest, tell: "Product tags on a video have no x and y.", source: docInstagram},
	{code: 100, subcode: 2207036, is: classInvalidRequest, tell: "Product tags on a photo need x and y.", source: docInstagram},
	{code: 100, subcode: 2207037, is: classInvalidRequest, tell: "A product tag is wrong, or its product is not approved or not the account's.", source: docInstagram},
	{code: 100, subcode: 2207040, is: classInvalidRequest, tell: "At most 20 people can be tagged.", source: docInstagram},
	{code: 100, subcode: 2534014, is: classInvalidRequest, tell: "The recipient is no Instagram-scoped ID that this account may write to.", source: docMessaging},
	{subcode: 1545041, is: classInvalidRequest, tell: tellAway, source: docMessaging}, // with codes 551 and 200
	{subcode: 2018278, is: classPermission, do: ActionFixRequest, tell: tellWindow, source: docMessaging},
	{subcode: 2018065, is: classPermission, do: ActionFixRequest, tell: tellWindow, source: docMessaging},
	{code: 190, subcode: 2069032, is: classTokenInvalid, do: ActionFixRequest, tell: tellPageToken, source: observed},
	{code: 110, subcode: 2207013, is: classInvalidRequest, tell: "There is no professional account of this name, or it may not be discovered.", source: observed},
	{code: 352, subcode: 2207026, is: classInvalidRequest, tell: "The video format is not supported: MOV or MP4, H264 or HEVC, AAC sound.", source: docInstagram},
	{code: 9004, subcode: 2207052, is: classInvalidRequest, tell: tellFetch, source: docAndSeen},
	{subcode: 2207052, is: classInvalidRequest, tell: tellFetch, source: observed}, // with code 1 on Threads
	{code: 36000, subcode: 2207004, is: classInvalidRequest, tell: "The image is larger than 8 MiB.", source: docInstagram},
	{code: 36001, subcode: 2207005, is: classInvalidRequest, tell: "The image format is not supported: JPEG only.", source: docInstagram},
	{code: 36001, subcode: 2207083, is: classInvalidRequest, tell: "The image format is not supported: JPEG only.", source: observed},
	{code: 36003, subcode: 2207009, is: classInvalidRequest, tell: "The aspect ratio lies outside of 4:5 to 1.91:1.", source: docInstagram},
	{code: 36004, subcode: 2207010, is: classInvalidRequest, tell: "The caption is longer than 2200 characters, or has more than 30 hashtags or 20 mentions.", source: docInstagram},
	{subcode: 2207018, is: classInvalidRequest, tell: "A collaborator or tagged person cannot be tagged.", source: observed},
	{subcode: 2207077, is: classInvalidRequest, tell: tellFetch, source: observed},
	{subcode: 2207081, is: classInvalidRequest, tell: "The account may not make trial reels.", source: observed},
	{subcode: 2207082, is: classTransient, tell: tellNewMedia, source: observed},
	{code: -1, subcode: 2207085, is: classUnknown, tell: tellNewMedia, source: observed},

	{code: 100, subcode: 36009, is: classCodeInvalid, tell: tellWrongCode, source: observed},
	{code: 100, subcode: 36007, is: classCodeInvalid, tell: tellWrongCode, source: observed},
	{code: 100, subcode: 36008, is: classRedirectURIMismatch, tell: tellRedirect, source: observed},

	// Subcodes of dead tokens, with codes 190 and 102, or with none.
	{subcode: 458, is: classTokenInvalid, tell: "The person has removed the app, or was never logged in to it. Only a new login helps.", source: docErrors},
	{subcode: 459, is: classTokenInvalid, do: ActionUserMustAct, tell: tellCheckpoint, source: errorsAndSeen},
	{subcode: 490, is: classTokenInvalid, do: ActionUserMustAct, tell: tellCheckpoint, source: observed},
	{subcode: 464, is: classTokenInvalid, do: ActionUserMustAct, tell: "The account is not confirmed. The person has to confirm mail address or phone at Instagram or Facebook, and log in again afterwards.", source: errorsAndSeen},
	{subcode: 460, is: classTokenInvalid, tell: "The person has changed the password, or Meta has logged out all devices for security. Only a new login helps.", source: errorsAndSeen},
	{subcode: 452, is: classTokenInvalid, tell: "The session is not the current one any more, usually after a change of password. Only a new login helps.", source: observed},
	{subcode: 463, is: classTokenInvalid, tell: "The token is past its end and cannot be refreshed any more. Ask for a new login, and refresh long-lived tokens well before their 60 days are over.", source: errorsAndSeen},
	{subcode: 466, is: classTokenInvalid, tell: "The session was ended by a call. Only a new login helps.", source: observed},
	{subcode: 467, is: classTokenInvalid, tell: "The token is not valid any more, because the person logged out or Meta withdrew it. Only a new login helps.", source: errorsAndSeen},
	{subcode: 492, is: classTokenInvalid, do: ActionUserMustAct, tell: tellPageRole, source: errorsAndSeen},
	{subcode: 493, is: classTokenInvalid, tell: "The person has not used the app for 90 days, which ends Facebook's access to data. The login window brings it back.", source: observed},

	// Texts of code 190 that are about the app, and not about the token: logging people out would be wrong.
	{code: 190, text: "validating application|api access disrupted|application has been deleted|application has been disabled|application does not exist|does not belong to application", is: classAppConfig, tell: tellNoApp, source: observed},
	{code: 102, text: "validating application", is: classAppConfig, tell: tellNoApp, source: observed},
	{code: 190, text: proofTexts, is: classAppConfig, tell: tellProof, source: observed},

	// Other texts where the code is known to lie.
	{code: 1, text: absentTexts, is: classInvalidRequest, tell: tellAbsent, source: observed},
	{code: 1, text: "client secret|client_secret", is: classAppConfig, tell: tellSecret, source: observed}, // graph.facebook.com
	{code: 1, text: "invalid scope", is: classInvalidRequest, source: observed},
	{code: 1, text: "bad signature|invalid oauth access token|error validating access token", is: classTokenInvalid, source: observed},
	{code: 1, text: "validating application|does not belong to application", is: classAppConfig, tell: tellNoApp, source: observed},
	{code: 1, text: "redirect_uri|redirect uri", is: classRedirectURIMismatch, tell: tellRedirect, source: observed},
	{code: 1, text: "verification code|authorization code", is: classCodeInvalid, tell: tellWrongCode, source: observed},
	{code: 1, text: roleTexts, is: classAppConfig, tell: tellRole, source: observed},
	{code: 100, text: absentTexts, is: classInvalidRequest, tell: tellAbsent, source: observed},
	{code: 100, text: "client secret|client_secret", is: classAppConfig, tell: tellSecret, source: observed}, // graph.instagram.com
	{code: 100, text: proofTexts, is: classAppConfig, tell: tellProof, source: observed},                     // wrong, missing, or of another token
	{code: 100, text: "app_id in the input_token|does not belong to application|validating application|invalid app id|invalid application id|invalid client_id|invalid client id", is: classAppConfig, tell: tellNoApp, source: observed},
	{text: "invalid platform app", is: classAppConfig, tell: tellNotIGApp, source: observed}, // in three forms, with codes 400 and 191
	{code: 100, text: "redirect_uri|redirect uri", is: classRedirectURIMismatch, tell: tellRedirect, source: observed},
	{code: 100, text: "verification code|authorization code|code was invalid or expired", is: classCodeInvalid, tell: tellWrongCode, source: observed},
	{code: 100, subcode: 33, is: classInvalidRequest, tell: tellNode, source: errorsAndSeen},
	{code: 100, text: "cannot be loaded due to missing permissions", is: classInvalidRequest, tell: tellNode, source: observed},
	{code: 100, text: "unsupported request - method type", op: "refresh", is: classTokenInvalid, tell: tellBasic, source: observed},
	{code: 100, text: "unsupported request - method type", op: "access_token", is: classAppConfig, tell: tellExchange, source: observed},
	{code: 100, text: "unsupported request - method type", op: "exchange", is: classAppConfig, tell: tellExchange, source: observed},
	{code: 100, text: "unsupported request - method type", is: classInvalidRequest, tell: tellMethod, source: observed},
	{code: 100, text: "session key", is: classTokenInvalid, tell: tellDashboard, source: observed},
	{code: 100, text: "session has expired|session is invalid|session has been invalidated|error validating access token|invalid oauth|cannot parse access token|malformed access token", is: classTokenInvalid, source: observed},
	{code: 100, text: "missing permission|insufficient permission|sufficient permission|no permission|does not have permission|requires&permission|permission is required|permission(s) must be granted|not authorized|hasn't authorized", is: classPermission, tell: tellMissing, source: observed},
	{code: 100, text: "does not have the capability", is: classPermission, do: ActionFixApp, tell: tellCapability, source: observed},
	{code: 100, text: "not an instagram business", is: classInvalidRequest, do: ActionUserMustAct, tell: tellPersonal, source: observed},
	{code: 100, text: "must provide an app access token", is: classAppConfig, tell: "debug_token has to be called with an app token, or with the token of a developer of the app.", source: observed},
	{code: 190, text: "page that is not accessible", is: classTokenInvalid, do: ActionUserMustAct, tell: tellPageGone, source: observed},
	{code: 190, text: "page access token", is: classTokenInvalid, do: ActionFixRequest, tell: tellPageToken, source: observed},
	{code: 190, text: "permission(s) must be granted|must be granted before impersonating", is: classTokenInvalid, do: ActionGrantScopes, tell: tellMissing, source: observed},
	{code: 190, text: "cannot parse access token|invalid oauth 2.0 access token|could not be decrypted|malformed access token|bad signature|access token signature", is: classTokenInvalid, tell: tellWrongHost, source: observed},
	{code: 190, text: "session key", is: classTokenInvalid, tell: tellDashboard, source: observed},
	{code: 190, text: "till you log in to|confirm your identity|checkpoint", is: classTokenInvalid, do: ActionUserMustAct, tell: tellCheckpoint, source: observed},
	{code: 190, text: "confirmed user", is: classTokenInvalid, do: ActionUserMustAct, tell: "The account is not confirmed. The person has to confirm mail address or phone at Instagram or Facebook, and log in again afterwards.", source: observed},
	{code: 190, text: "in order to impersonate it", is: classTokenInvalid, do: ActionUserMustAct, tell: tellPageRole, source: observed},
	{code: 190, text: "does not match current stored session|changed the password|changed their password", is: classTokenInvalid, tell: "The person has changed the password, or Meta has logged out all devices for security. Only a new login helps.", source: observed},
	{code: 190, text: "session has expired", is: classTokenInvalid, tell: "The token is past its end and cannot be refreshed any more. Ask for a new login, and refresh long-lived tokens well before their 60 days are over.", source: observed},
	{code: 10, subcode: 2534022, is: classPermission, do: ActionFixRequest, tell: tellWindow, source: docMessaging},
	{code: 10, text: "not an instagram business", is: classPermission, do: ActionUserMustAct, tell: tellPersonal, source: observed},
	{code: 10, text: "reviewed and approved", is: classPermission, do: ActionFixApp, tell: tellReview, source: observed},
	{code: 10, text: "not enough viewers", is: classPermission, do: ActionFixRequest, tell: "Too few people have seen the media for insights. More consent does not help; ask again when more have.", source: observed},
	{code: 10, text: "outside of allowed window|outside the allowed window|outside of the allowed window", is: classPermission, do: ActionFixRequest, tell: tellWindow, source: observed},
	{code: 200, text: "api access blocked", is: classBlocked, tell: "Meta has shut out the whole app. The App Dashboard says why, and takes an appeal; no consent and no token helps.", source: observed},
	{code: 200, text: "api access deactivated|api access disrupted|data use checkup", is: classAppConfig, tell: tellMode, source: observed},
	{code: 200, text: roleTexts, is: classPermission, do: ActionFixApp, tell: tellRole, source: observed},
	{code: 210, is: classPermission, do: ActionFixRequest, tell: tellPageToken, source: observed},
	{code: 200, text: "provide valid app id", is: classAppConfig, tell: tellNoApp, source: observed},
	{code: 2500, text: "access token", is: classTokenInvalid, tell: tellNoToken, source: observed},

	// Refusals on the redirect. access_denied comes with error_code 200, which is no permission error here.
	{code: 1349168, is: classRedirectURIMismatch, tell: "The redirect URI is not in the list of valid ones. Add it, byte for byte, under Facebook Login > Settings > Valid OAuth Redirect URIs.", source: observed},
	{code: 1349048, is: classRedirectURIMismatch, tell: "The domain of the redirect URI is not one of the app's. Add it under App settings > Basic > App domains.", source: observed},
	{code: 1349245, is: classAppConfig, tell: tellRole, source: observed},
	{code: 1349126, is: classAppConfig, tell: tellRole, source: observed},
	{code: 1349220, is: classAppConfig, tell: "Facebook Login is not available for this app at the moment. Meta says so while it updates the details of an app, and when what the dashboard asks for is not finished (privacy policy, data deletion URL, Data Use Checkup).", source: observed},
	{code: 1349186, is: classAppConfig, tell: "The feature is not available for this app: the permissions asked for are not added to it, or not approved.", source: observed},
	{code: 1349000, codeTo: 1349999, is: classAppConfig, tell: tellDialog, source: observed},
	{name: "access_denied|user_denied", is: classUserDenied, source: docLogin},

	// Codes that are sure of themselves.
	{code: 190, is: classTokenInvalid, source: errorsAndSeen},
	{code: 102, is: classTokenInvalid, source: docErrors},
	{code: 104, is: classTokenInvalid, tell: tellNoToken, source: observed},
	{code: 450, codeTo: 467, is: classTokenInvalid, source: observed}, // where a subcode has moved up
	{code: 101, is: classAppConfig, tell: tellNoApp, source: observed},
	{code: 5, is: classAppConfig, tell: tellIP, source: docFBLogin},
	{code: 191, is: classRedirectURIMismatch, tell: "The redirect URI is no absolute URL of the app's domains.", source: observed},
	{code: 4, is: classThrottled, quota: familyApp, tell: "The whole app has used up its calls of the hour. Stop all calls that are not needed; is_transient: true does not make a quick retry useful.", source: docLimits},
	{code: 17, is: classThrottled, quota: quotaUser, tell: "The person behind the token has used up the calls of the hour. Other people's tokens still work.", source: docLimits},
	{code: 32, is: classThrottled, quota: quotaPages, tell: "The Page has used up its calls.", source: docLimits},
	{code: 341, is: classThrottled, quota: familyApp, tell: "The app has used up its actions of this kind.", source: docErrors},
	{code: 613, subcode: 1996, is: classThrottled, quota: quotaCustom, tell: "Meta has seen an unusual change in the volume of calls. Even them out.", source: docLimits},
	{code: 613, is: classThrottled, quota: quotaCustom, tell: "This call has a limit of its own, which is used up: messages, conversations, ads.", source: docLimits},
	{code: 80002, is: classThrottled, quota: "instagram", tell: "The Instagram account has used up its calls of 24 hours (4800 for each impression of its content). Other accounts still work.", source: docLimits},
	{code: 80000, is: classThrottled, quota: "ads_insights", source: docLimits},
	{code: 80001, is: classThrottled, quota: quotaPages, source: docLimits},
	{code: 80003, is: classThrottled, quota: "custom_audience", source: docLimits},
	{code: 80004, is: classThrottled, quota: "ads_management", source: docLimits},
	{code: 80005, is: classThrottled, quota: "leadgen", source: docLimits},
	{code: 80006, is: classThrottled, quota: "messenger", source: docLimits},
	{code: 80000, codeTo: 80099, is: classThrottled, quota: familyBusinessUseCase, source: docLimits},
	{code: 429, is: classThrottled, tell: tellManyCalls, source: observed}, // the HTTP status, under another one
	{code: 130429, is: classThrottled, quota: quotaCustom, source: docWhatsApp},
	{code: 131048, is: classThrottled, quota: quotaCustom, source: docWhatsApp},
	{code: 133016, is: classThrottled, quota: quotaCustom, source: docWhatsApp},
	{code: 131056, is: classThrottled, quota: quotaCustom, source: docWhatsApp},
	{code: 9, is: classThrottled, quota: quotaUser, tell: "The account does this too often. Come back later.", source: observed},
	{code: 18, is: classThrottled, quota: quotaHashtags, once: true, after: 24 * time.Hour, tell: tellHashtags, source: docHashtag},
	{subcode: 2446079, is: classThrottled, quota: "ads_management", source: docLimits},
	{code: 368, is: classBlocked, tell: tellPolicy, source: errorsAndSeen},
	{code: 25, is: classBlocked, tell: tellRestricted, source: docInstagram},
	{code: 131031, is: classBlocked, source: docWhatsApp},
	{code: 3, is: classPermission, do: ActionFixApp, tell: tellCapability, source: errorsAndSeen},
	{code: 10, is: classPermission, tell: tellMissing, source: errorsAndSeen},
	{code: 200, codeTo: 299, is: classPermission, tell: tellMissing, source: errorsAndSeen},
	{code: 9007, is: classTransient, tell: tellContainer, after: 30 * time.Second, source: docInstagram},
	{code: 6001, is: classTransient, tell: "The upload broke off. Go on from the offsets in error_data.", source: observed},
	{code: 6000, subcode: 1363030, is: classTransient, tell: "The upload timed out. Upload again.", source: observed},
	{code: 131000, is: classTransient, source: docWhatsApp},
	{code: 131057, is: classTransient, source: docWhatsApp},
	{code: 131016, is: classTransient, source: docWhatsApp},
	{code: 133004, is: classTransient, source: docWhatsApp},
	{code: 131005, is: classPermission, source: docWhatsApp},

	// A throttle without a code of its own.
	{status: 429, is: classThrottled, tell: tellManyCalls, source: observed},

	// Codes that Meta uses for whatever it does not know better.
	{code: 1, transient: -1, is: classInvalidRequest, tell: "Meta says that the error, which it does not know, is lasting. The user title says more, where there is one.", source: observed},
	{code: 1, text: "reduce the amount of data", is: classTransient, tell: "The answer would be too large. Ask for fewer fields or a smaller page; the same call sometimes works when sent again.", source: observed},
	{code: 1, is: classTransient, tell: "Meta does not know what went wrong. Send the same call again a few times; if it stays, look for a mistake in it.", source: docErrors},
	{code: 2, is: classTransient, tell: tellServer, source: errorsAndSeen},
	{code: -2, is: classTransient, tell: tellServer, source: docInstagram},
	{transient: 1, is: classTransient, tell: tellServer, source: docErrors},
	{code: -1, subcode: 1, subcodeTo: math.MaxInt32, is: classUnknown, tell: "Instagram could not do it, and the subcode is not documented. Look whether it took effect; of media make a new container.", source: observed},
	{code: -1, is: classTransient, tell: tellServer, source: docInstagram},
	{code: 100, is: classInvalidRequest, tell: "A parameter or field is wrong: the message, the user message and blame_field_specs in error_data say which.", source: errorsAndSeen},
	{code: 2500, is: classInvalidRequest, tell: tellVersion, source: observed},
	{code: 803, is: classInvalidRequest, tell: "There is no object of this ID or alias, or it is one of another login product.", source: observed},
	{code: 12, is: classInvalidRequest, tell: "The call is deprecated in this version.", source: observed},
	{code: 2635, is: classInvalidRequest, tell: "The version is past its end for this call.", source: observed},
	{code: 506, is: classInvalidRequest, tell: "The same post was made just before. Change it, or look whether the first went out.", source: docErrors},
	{code: 551, is: classInvalidRequest, tell: tellAway, source: docMessaging},
	{code: 1705, is: classInvalidRequest, tell: tellPageToken, source: docErrors},
	{code: 36002, is: classInvalidRequest, tell: "The image is too small or too large.", source: docInstagram},
	{code: 36000, codeTo: 36099, is: classInvalidRequest, tell: tellMedia, source: docInstagram},
	{code: 352, is: classInvalidRequest, tell: tellMedia, source: docInstagram},
	{code: 9004, is: classInvalidRequest, tell: tellFetch, source: docInstagram},
	{code: 24, is: classInvalidRequest, tell: "There is no such media or container: it is gone, or is not this account's.", source: docInstagram},
	{code: 1609005, is: classInvalidRequest, tell: "Meta could not read the link.", source: docErrors},

	// Texts, where there is no code, or one that says nothing.
	{text: absentTexts, is: classInvalidRequest, tell: tellAbsent, source: observed},
	{text: "invalid scope", is: classInvalidRequest, tell: "One of the permissions asked for is dead, misspelt, or not one of this login product: the message names it.", source: observed},
	{text: "redirect_uri|redirect uri|url blocked|url is not allowed by the application|can't load url", is: classRedirectURIMismatch, tell: tellRedirect, source: observed},
	{text: "matching code|authorization code|code has been used|code has expired|code was invalid or expired|code expired|verification code|invalid code", is: classCodeInvalid, tell: tellWrongCode, source: observed},
	{text: "client secret|client_secret", is: classAppConfig, tell: tellSecret, source: observed},
	{text: roleTexts + "|app not set up|app not setup", is: classAppConfig, tell: tellRole, source: observed},
	{text: "invalid client_id|invalid client id|client id is invalid|invalid app id|invalid app_id|invalid application id|validating application|invalid platform", is: classAppConfig, tell: tellNoApp, source: observed},
	{text: "app not active|not accessible right now|api access deactivated|api access disrupted", is: classAppConfig, tell: tellMode, source: observed},
	{text: proofTexts, is: classAppConfig, tell: tellProof, source: observed},
	{text: "api access blocked", is: classBlocked, source: observed},
	{text: "till you log in to", is: classTokenInvalid, do: ActionUserMustAct, tell: tellCheckpoint, source: observed},
	{text: "request limit reached|rate limit|too many calls|too many requests|exceeded the rate|maximum number of requests", is: classThrottled, source: observed},
	{text: "cannot parse access token|malformed access token|invalid oauth 2.0 access token", is: classTokenInvalid, tell: tellWrongHost, source: observed},
	{text: "session key", is: classTokenInvalid, tell: tellDashboard, source: observed},
	{text: "access token must be used|access token is required|requires an access token|no access token", is: classTokenInvalid, tell: tellNoToken, source: observed},
	{text: "error validating access token|access_token provided is invalid|invalid oauth access token|invalid access token|access token has expired|token has expired|session has expired|session has been invalidated|session is invalid|revoked_access_token|not a valid access token|invalid user access token", is: classTokenInvalid, source: observed},
	{text: "missing permission|insufficient permission|does not have permission|permission(s) must be granted|permissions error|not authorized|has not authorized|hasn't authorized", is: classPermission, tell: tellMissing, source: observed},
	{transient: -1, is: classInvalidRequest, source: observed}, // no code, no text, and Meta says it stays
	{text: "try again|retry your request|temporarily unavailable|unexpected error has occurred", is: classTransient, tell: tellServer, source: observed},

	// Names of errors: RFC 6749 and 6750, the retired v1 API, and the challenge.
	{name: "OAuthRateLimitException|rate_limit_exceeded|slow_down", is: classThrottled, source: observed},
	{name: "invalid_grant", op: "refresh", is: classTokenInvalid, source: docOAuth},
	{name: "invalid_grant|invalid_code", is: classCodeInvalid, tell: tellWrongCode, source: docOAuth},
	{name: "OAuthAccessTokenException|OAuthAccessTokenError|invalid_token", is: classTokenInvalid, source: docOAuth},
	{name: "invalid_client|unauthorized_client|OAuthClientException", is: classAppConfig, tell: tellSecret, source: docOAuth},
	{name: "OAuthForbiddenException", is: classAppConfig, tell: tellRole, source: observed},
	{name: "insufficient_scope|OAuthPermissionsException|APINotAllowedError", is: classPermission, tell: tellMissing, source: docOAuth},
	{name: "temporarily_unavailable|server_error|unknown_error", is: classTransient, tell: tellServer, source: docOAuth},
	{name: "invalid_scope|unsupported_grant_type|unsupported_response_type|invalid_request", is: classInvalidRequest, source: docOAuth},

	// The HTTP status, where nothing else is known. What a proxy or a firewall
	// answers proves nothing about a token.
	{status: 500, statusTo: 599, is: classTransient, tell: tellServer, source: observed},
	{status: 408, is: classTransient, tell: tellServer, source: observed},
	{status: 425, is: classTransient, tell: tellServer, source: observed},
	{status: 401, said: true, is: classTokenInvalid, source: observed},
	{status: 403, said: true, is: classPermission, tell: tellMissing, source: observed},
	{status: 401, is: classUnknown, source: observed},
	{status: 402, is: classUnknown, source: observed},
	{status: 403, is: classUnknown, tell: "Something between here and Meta refuses the call, or Meta refuses this server's address. The answer is none of the Graph API's.", source: observed},
	{status: 407, is: classUnknown, tell: "A proxy on the way wants a login of its own.", source: observed},
	{status: 400, statusTo: 499, said: true, is: classInvalidRequest, source: observed},
	{status: 400, is: classInvalidRequest, source: observed},
	{status: 404, statusTo: 406, is: classInvalidRequest, source: observed},
	{status: 410, statusTo: 417, is: classInvalidRequest, source: observed},
	{status: 422, is: classInvalidRequest, source: observed},
	{status: 431, is: classInvalidRequest, source: observed},
	{code: 1, codeTo: math.MaxInt32, status: 200, statusTo: 299, is: classInvalidRequest, source: observed}, // an error inside of a success
	{status: 300, statusTo: 399, is: classUnknown, tell: "The platform does not redirect. Look at the endpoint: a proxy, a login page of a network, or http instead of https.", source: observed},
}

// Quotas beside those of the usage headers.
const (
	quotaPages      = "pages" // of a business use case, or X-Page-Usage
	quotaUser       = "user"
	quotaCustom     = "custom"
	quotaPublishing = "publishing"
	quotaHashtags   = "hashtags"
)
