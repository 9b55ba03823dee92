// Package instagram signs people in with Instagram or Facebook, keeps their
// access tokens alive for years, and makes Instagram Graph API calls signed
// with them that survive throttling, faults and bad answers.
//
// # Two login products
//
// Meta has two ways to reach a professional Instagram account, and a token of
// one is worth nothing at the other:
//
//	                 InstagramLogin                     FacebookLogin
//	the person       logs in at Instagram               logs in at Facebook
//	the account      is the one that logs in            is linked to a Facebook Page of the person's
//	hosts            www., api., graph.instagram.com    www., graph.facebook.com
//	ID and secret    the Instagram app's                the Meta app's
//	60 days more     ig_refresh_token, once it is a     the exchange again, while the token lives
//	                 day old
//
// [Config.Login] chooses; host, secret, proof and refresh grant follow from it,
// and a token of the other product is refused before a byte is sent.
//
// # A sign-in
//
//	BeginLogin → browser → Meta → browser → FinishLogin
//	             state: ours, fresh, this browser   (else CallbackError)
//	             refusal or code                    (else Error)
//	             Exchange            → short-lived token, an hour
//	             ExchangeLongLived   → 60 days
//	             /me, or Pages       → whose accounts
//	             granted against asked, stored, returned
//
// A code is good once. What fails after it is spent returns what was won so far
// with an [*IncompleteLoginError], and [Client.ResumeLogin] goes on. There are
// three depths: by hand ([Client.AuthCodeURL], [ParseCallback],
// [Client.Exchange]), as one piece ([Client.BeginLogin], [Client.FinishLogin]),
// and as two handlers ([Client.LoginHandler], [Client.CallbackHandler]). None of
// the last two can skip the state check.
//
// # A token's life
//
//	short-lived ──exchange──▶ too young ──24 h──▶ fresh ──half of its life──▶ due ──▶ urgent ──60 d──▶ expired
//	                              ▲                                            │                          │
//	                              └────────────────── refresh ─────────────────┘                     new login
//
// [Token.Status] says where a token stands. IDs are strings from the wire to the
// store; an end that Meta did not send is unknown, and never zero.
//
// # A call
//
// [Client.With] and [Client.HTTPClient] pass each request through these layers,
// outermost first:
//
//	trace      begins and ends the call, and tells the Tracer
//	retry      sends again what can be, and says why not
//	limit      waits for a permit while a quota is used up
//	authorize  adds the current token and a fresh proof; refuses foreign hosts
//	classify   notes what the platform said
//	base       the http.RoundTripper that was given, or one of its own
//
// A POST is sent again only when it provably did not happen. When it may have,
// the error matches [ErrOutcomeUnknown].
//
// Nothing of this is printed. [WithTracer] takes a [Tracer], which is told of every
// attempt, of every wait with its reason, of usage and of trace IDs: a progress line
// and metrics are a dozen lines each, and stand in its examples. [WithLogger] takes
// what a developer should look into, and is silent otherwise.
//
// # Accounts
//
// [Client.DiscoverAccounts] finds the accounts behind a person's Pages and says of
// each Page that has none why, and what would mend it; [Client.Permissions] tells
// what was granted and how to ask for the rest; [Client.Review] looks at a token in
// all respects at once. [Account.Publish] puts a photo, carousel, reel or story out
// exactly once: it writes down each step ([SaveTicket]), looks whether a post is out
// when an answer was lost, and goes on in another process
// ([Account.ResumePublish]). [All] reads lists of any length, [Account.Batch] sends
// fifty calls in one request.
//
// # Meta calls the program
//
// [Client.DeauthorizeHandler] marks the tokens of a person who removed the app,
// [Client.DataDeletionHandler] deletes them and hands on the rest, with a status
// page ([Client.DeletionStatusHandler]), and [Client.WebhookHandler] turns
// deliveries into typed events. All check the signature against every configured
// secret before they read anything, bound what they take on, and do the same
// thing once. [ParseSignedRequest], [VerifyWebhook] and [ParseWebhook] are for
// routers of one's own.
//
// # Errors
//
// [*Error] holds what the platform said, and matches one of a dozen sentinels
// with [errors.Is]; [ErrorAdvice] says what to do. No error, log line or trace
// holds a token, a code or a secret.
//
// # Tests of your own
//
// Package instagramtest is a fake of Meta's platform. Give its Transport to
// [WithTransport] and everything runs in process, under Meta's own host names,
// also on the fake clock of testing/synctest.
package instagram
