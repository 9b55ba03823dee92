// What does a refusal look like? The error envelopes, and the texts that belong
// to each code.

package instagramtest

import (
	"cmp"
	"fmt"
	"net/http"
	"time"
)

// GraphError is the error that graph.facebook.com and graph.instagram.com answer
// with. [KnownError] fills one in by code.
type GraphError struct {
	Code    int
	Subcode int // 0: no error_subcode
	// Type is a hint at best: throttles are OAuthException too. Empty: OAuthException.
	Type        string
	Message     string
	UserTitle   string // with UserMessage, what Meta would show a person; empty: absent
	UserMessage string
	Transient   bool // is_transient; written out when true, or beside a UserTitle
	Status      int  // HTTP status; 0: 400
	// Challenge is the middle word of the malformed WWW-Authenticate header.
	// Empty: invalid_token for code 190, otherwise invalid_request.
	Challenge string
}

// Error makes a GraphError usable as an error in tests.
func (e *GraphError) Error() string {
	return fmt.Sprintf("%d/%d %s", e.Code, e.Subcode, e.Message)
}

// KnownError returns the error with the type, text and status that Meta was seen
// to send, or is documented to send, with this code and subcode (0: none). A
// pair that is unknown here keeps its numbers and gets an empty message.
//
// Sources: "Error Handling" and Instagram "Error Codes" reference pages, and
// captured answers. Texts with a time or an ID in them get the platform's own
// when the platform itself refuses.
func KnownError(code, subcode int) GraphError {
	e := GraphError{Code: code, Subcode: subcode, Type: "OAuthException"}
	switch code {
	case 190:
		e.Message = tokenMessage(subcode)
		return e
	case 4:
		e.Message, e.Status = "(#4) Application request limit reached", http.StatusForbidden
		e.Transient = subcode != 2207051
		if subcode == 2207051 { // judged spam: not a rate limit although code 4
			e.Message = "Application request limit reached"
			e.UserTitle = "action is blocked"
			e.UserMessage = "We restrict certain activity to protect our community. Tell us if you think we made a mistake."
		}
	case 1:
		e.Message, e.Status = "An unknown error occurred", http.StatusInternalServerError
	case 2:
		e.Message = "An unexpected error has occurred. Please retry your request later."
		e.Status, e.Transient, e.Challenge = http.StatusInternalServerError, true, "unknown_error"
	case 3:
		e.Message = "(#3) Application does not have the capability to make this API call."
	case 9:
		e.Message = "Application request limit reached"
		e.UserTitle = "Fail to publish"
		e.UserMessage = "You have reached the maximum number of posts that can be published in a 24-hour period."
	case 10:
		e.Message = "(#10) Application does not have permission for this action"
	case 17:
		e.Message = "(#17) User request limit reached"
	case 24:
		e.Message = "The requested resource does not exist"
		e.UserTitle = "Media Not Found"
	case 25:
		e.Message, e.UserTitle = "User access is restricted", "User is restricted"
		e.UserMessage = "The Instagram account is restricted."
	case 32:
		e.Message = "(#32) Page request limit reached"
	case 102:
		e.Message = "Session key invalid or no longer valid"
	case 104:
		e.Message = "An access token is required to request this resource."
	case 200:
		e.Message, e.Status = "(#200) The user hasn't authorized the application to perform this action", http.StatusForbidden
	case 341:
		e.Message = "(#341) Feed action request limit reached"
	case 368:
		e.Message = "The action attempted has been deemed abusive or is otherwise disallowed"
	case 613:
		e.Message = "(#613) Calls to this api have exceeded the rate limit."
	case 803:
		e.Message = "(#803) Some of the aliases you requested do not exist"
	case 2500:
		e.Message = "An active access token must be used to query information about the current user."
	case 9004:
		e.Message = "Only photo or video can be accepted as media type."
	case 9007:
		e.Message, e.UserTitle = "Media ID is not available", "Cannot publish"
		e.UserMessage = "The media is not ready to be published. Please wait a moment."
	case 80002:
		e.Message = "(#80002) There have been too many calls to this Instagram account."
	default:
	}
	return e
}

// tokenMessage is the text of code 190 with a subcode.
func tokenMessage(subcode int) string {
	const prefix = "Error validating access token: "
	switch subcode {
	case 452:
		return prefix + "Session does not match current stored session. This may be because the user changed the password since the time the session was created or Facebook has changed the session for security reasons."
	case 458:
		return prefix + "The user has not authorized application."
	case 459:
		return prefix + "You cannot access the app till you log in to www.facebook.com and follow the instructions given."
	case 460:
		return prefix + "The session has been invalidated because the user changed their password or Facebook has changed the session for security reasons."
	case 463:
		return prefix + "Session has expired."
	case 464:
		return prefix + "Sessions for the user are not allowed because the user is not a confirmed user."
	case 467:
		return prefix + "The session is invalid because the user logged out."
	case 492:
		return "The user must be an administrator, editor, or moderator of the page in order to impersonate it. If the page business requires Two Factor Authentication, the user also needs to enable Two Factor Authentication."
	case 493:
		return prefix + "The user has not engaged the app in longer than 90 days."
	default:
		return "Invalid OAuth access token."
	}
}

// expiredError is 190/463 with both times, as Meta writes them.
func expiredError(expired, now time.Time) *GraphError {
	zone := time.FixedZone("PST", -8*60*60)
	e := KnownError(190, 463)
	e.Message = "Error validating access token: Session has expired on " + expired.In(zone).Format(time.RFC850) +
		". The current time is " + now.In(zone).Format(time.RFC850) + "."
	return &e
}

// graphError makes an error of another text than the known one.
func graphError(code int, kind, message string) *GraphError {
	return &GraphError{Code: code, Type: kind, Message: message}
}

func known(code, subcode int) *GraphError { return new(KnownError(code, subcode)) }

// unsupported is the misleading answer of Instagram's Graph host to a wrong ID,
// a versioned token endpoint, a pending tester and more.
func unsupported(c *call) *GraphError {
	return graphError(100, "IGApiException", "Unsupported request - method type: "+lower(c.method))
}

// missingObject is the answer to an ID that the token cannot see.
func missingObject(c *call, id string) *GraphError {
	e := graphError(100, "GraphMethodException", "Unsupported "+lower(c.method)+" request. Object with ID '"+id+
		"' does not exist, cannot be loaded due to missing permissions, or does not support this operation")
	e.Subcode = 33
	if c.host == hostInstagramGraph {
		e.Type = "IGApiException"
	} else {
		e.Message += ". Please read the Graph API documentation at https://developers.facebook.com/docs/graph-api"
	}
	return e
}

// unknownPath is the answer to a path that leads nowhere.
func unknownPath(c *call, rest string) *GraphError {
	kind := "OAuthException"
	if c.host == hostInstagramGraph {
		kind = "IGApiException"
	}
	return graphError(2500, kind, "Unknown path components: "+rest)
}

// reply writes the envelope of the Graph hosts.
func (e *GraphError) reply(trace string) *reply {
	fields := object{{"message", e.Message}, {"type", cmp.Or(e.Type, "OAuthException")}}
	if e.Transient {
		fields = fields.with("is_transient", true)
	}
	fields = fields.with("code", e.Code)
	if e.Subcode != 0 {
		fields = fields.with("error_subcode", e.Subcode)
	}
	if e.UserTitle != "" && !e.Transient {
		fields = fields.with("is_transient", false)
	}
	if e.UserTitle != "" {
		fields = fields.with("error_user_title", e.UserTitle)
	}
	if e.UserMessage != "" {
		fields = fields.with("error_user_msg", e.UserMessage)
	}
	r := answer(object{{"error", fields.with("fbtrace_id", trace)}})
	r.status = cmp.Or(e.Status, http.StatusBadRequest)
	challenge := e.Challenge
	if challenge == "" && e.Code == 190 {
		challenge = "invalid_token"
	}
	// Three quoted strings are not RFC 7235; strict parsers choke on Meta's own.
	r.header = http.Header{"Www-Authenticate": {
		fmt.Sprintf(`OAuth "Facebook Platform" "%s" "%s"`, cmp.Or(challenge, "invalid_request"), flat(e.Message)),
	}}
	return r
}

// oauthError is the flat form of api.instagram.com, whose code is the HTTP status.
func oauthError(message string) *reply {
	return &reply{
		status:      http.StatusBadRequest,
		contentType: "application/json; charset=utf-8",
		body: oauthStyle().text(object{
			{"error_type", "OAuthException"}, {"code", http.StatusBadRequest}, {"error_message", message},
		}),
	}
}
