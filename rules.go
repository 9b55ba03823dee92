package instagram

// This file answers: what does each code, subcode and text of Meta's mean?

import "time"

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
	tellNoToken    = "No usable user token came with the call: none at all, or one of the app. Sign it with the account's token."
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
	tellMissing    = "A permission is missing. Ask for it in the login window; a person of Facebook Login who declined it is only asked again with auth_type=rerequest. One that was unused for 90 days has to be granted again."
)

// rules is the one place where what Meta answers is given a meaning. The first
// row that matches decides, so the order is that of the evidence: what the
// subcode says, what a text says where the code is known to lie, the code,
// is_transient, the text, names, the HTTP status.
//
//nolint:gochecknoglobals // a table, never written; to build it for each error would copy 40 KB
var rules = []rule{
	// Subcodes that overrule their code.
	{code: 4, subcode: 2207051, is: classBlocked, tell: tellSpam, source: docAndSeen},
	{subcode: 2207051, is: classBlocked, tell: tellSpam, source: docInstagram},
	{subcode: 2207050, is: classBlocked, tell: tellRestricted, source: docAndSeen},
	{code: 9, subcode: 2207042, is: classThrottled, tell: tellQuota, after: time.Hour, quota: quotaPublishing, source: docInstagram},
	{subcode: 2207042, is: classThrottled, tell: tellQuota, after: time.Hour, quota: quotaPublishing, source: docInstagram},
	{code: 9007, subcode: 2207027, is: classTransient, tell: tellContainer, after: 30 * time.Second, source: docAndSeen},
	{subcode: 2207027, is: classTransient, tell: tellContainer, after: 30 * time.Second, source: docInstagram},
}

// Quotas beside those of the usage headers.
const (
	quotaPublishing = "publishing"
	quotaHashtags   = "hashtags"
)
