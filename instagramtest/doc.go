// Package instagramtest is a fake of Meta's platform, for tests and demos of
// programs that sign people in with Instagram or Facebook.
//
// It shows the dialogs, issues codes and tokens, ages them, answers the Graph
// calls around them, and refuses every wrong move with the body, the status and
// the headers that Meta sends. It holds all state in memory, needs no network,
// and speaks only HTTP: it works with any client, in any language.
//
// # Two doors
//
// In process, the fake serves Meta's true host names, so that production URLs
// stay under test and fake clocks work:
//
//	meta := instagramtest.New()
//	client := &http.Client{Transport: meta.Transport()}
//	client.Get("https://graph.instagram.com/v26.0/me?fields=user_id,username")
//
// Over a socket, for browsers, demos and other processes, each host is the first
// element of the path:
//
//	server, err := meta.Listen("127.0.0.1:0")
//	// server.URL + "/www.instagram.com/oauth/authorize?client_id=…"
//	// in instagram.Config: Endpoint: instagram.EndpointUnder(server.URL, instagram.InstagramLogin)
//
// A client whose Endpoint is set takes an http RedirectURL on a loopback address,
// such as that of [net/http/httptest.NewServer]. In process, InstagramLogin takes
// https alone: [net/http/httptest.NewTLSServer].
//
// # What can be arranged
//
// [Platform.Consent] clicks through a dialog without a browser. [Platform.IssueToken]
// makes a token of any kind and age. [Platform.Revoke], [Platform.Checkpoint] and
// their like do what people and Meta do to tokens. [Platform.On] scripts the next
// answers of a route: Graph errors, delays, lost answers, broken bodies.
// [Platform.Requests] tells what was asked. [WithAppLimit] and [WithAccountLimit]
// add rolling quotas with usage headers. [Business] puts Pages where me/accounts
// does not show them; [Platform.PlanContainers] and [Platform.PlanUploads] make
// media slow, broken or refused, and [Answer].Instead hides what has happened.
//
// # Time
//
// The platform reads the time through [time.Now] and waits with timers, so in a
// bubble of testing/synctest its clock is the bubble's: sixty days pass at once.
// Through [Platform.Transport] nothing outlives the call that caused it.
//
// # What it knows and what it guesses
//
// Texts and codes are those of Meta's documentation or of captured answers. Where
// Meta is silent or sources disagree, the choice is a field of [Shapes] (how an
// answer looks) or of [Quirks] (what happens), and its comment says so.
package instagramtest
