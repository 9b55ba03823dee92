package wire

// This file answers: which error does an answer hold, whatever its shape?

import (
	"math"
	"strings"
)

// Form is the shape in which an error came.
type Form uint8

// The shapes seen on Meta's hosts.
const (
	NoForm     Form = iota // no error was found
	GraphForm              // {"error":{"message":…,"type":…,"code":…}}
	FlatForm               // {"error_type":…,"code":…,"error_message":…}, api.instagram.com
	OAuthForm              // {"error":"invalid_grant","error_description":…}, RFC 6749
	LegacyForm             // {"meta":{"error_type":…,"code":…,"error_message":…}}, the retired v1 API
	UploadForm             // {"debug_info":{"retriable":…,"type":…,"message":…}}, rupload.facebook.com
)

// Error is what an error body says.
type Error struct {
	Form Form
	// Code is 0 when there is none. CodeIsStatus: it is no Graph code, but the HTTP status once more.
	Code         int
	CodeIsStatus bool
	Subcode      int

	Type, Message, UserTitle, UserMessage, TraceID string
	// Transient and NotTransient are is_transient, true and false; neither when it is not there.
	Transient, NotTransient bool
	Data                    Value // error_data
}

// FindError returns the error that a JSON body holds at its top.
//
// In strict form, for answers whose status says success, a shape must be
// unmistakable, so that no object is taken for an error because of the name of
// a field.
func FindError(body Value, strict bool) Error {
	if body.IsString() { // JSON inside of JSON
		body = ParseString(body.Text())
	}
	if body.IsArray() && !strict {
		body, _, _ = body.elem(body.first('['))
	}
	var kind, code, text bool // which fields of the flat form there are
	for i := body.first('{'); ; {
		key, member, next, ok := body.member(i)
		if !ok {
			break
		}
		i = next
		switch key.name() {
		case "error":
			switch {
			case member.IsObject() && member.says():
				return readObject(member, GraphForm)
			case member.IsString() && len(member.raw) > 2:
				return readObject(body, OAuthForm)
			}
		case "meta":
			if member.Get("error_type").Exists() || member.Get("error_message").Exists() {
				return readObject(member, LegacyForm)
			}
		case "debug_info":
			if member.Get("type").Exists() && member.Get("message").Exists() {
				return readObject(member, UploadForm)
			}
		case "errors":
			if first, _, ok := member.elem(member.first('[')); ok && !strict && first.says() {
				return readObject(first, GraphForm)
			}
		case "data":
			if inner := member.Get("error"); !strict && inner.says() {
				return readObject(inner, GraphForm)
			}
		case "error_type", "error_code":
			kind = true
		case "error_message", "error_msg", "error_description":
			text = true
		case "code":
			code = true
		}
	}
	if text && (kind || code) || !strict && (text || kind) {
		return readObject(body, FlatForm)
	}
	return Error{}
}

// says reports whether an object has any of what makes it an error.
//
// Of a member that is cut off the name is enough.
func (v Value) says() bool {
	for i := v.first('{'); ; {
		key, _, next, ok := v.member(i)
		if key.IsString() {
			switch key.name() {
			case "message", "type", "code", "error_subcode", "error_user_msg", "fbtrace_id":
				return true
			}
		}
		if !ok {
			return false
		}
		i = next
	}
}

// ErrorObject reads an object that is an error itself, such as data.error of
// debug_token.
func ErrorObject(v Value) Error {
	if !v.says() {
		return Error{}
	}
	return readObject(v, GraphForm)
}

func readObject(v Value, form Form) Error {
	e := Error{Form: form}
	for i := v.first('{'); ; {
		key, member, next, ok := v.member(i)
		if !ok {
			break
		}
		i = next
		switch key.name() {
		case "code", "error_code":
			setInt(&e.Code, member)
		case "error_subcode", "subcode": // the second in debug_token
			setInt(&e.Subcode, member)
		case "message", "error_message", "error_msg", "error_description":
			setText(&e.Message, member)
		case "type", "error_type":
			setText(&e.Type, member)
		case "error":
			if form == OAuthForm {
				setText(&e.Type, member)
			}
		case "error_user_title":
			setText(&e.UserTitle, member)
		case "error_user_msg":
			setText(&e.UserMessage, member)
		case "fbtrace_id":
			setText(&e.TraceID, member)
		case "error_data":
			e.Data = member
		case "is_transient", "retriable":
			if is, ok := member.Bool(); ok {
				e.Transient, e.NotTransient = is, !is
			}
		}
	}
	if form != GraphForm {
		e.CodeIsStatus = e.Code >= 400 && e.Code < 600
	}
	return e
}

func setInt(to *int, v Value) {
	if n, ok := v.Int(); ok && n >= math.MinInt32 && n <= math.MaxInt32 {
		*to = int(n)
	}
}

func setText(to *string, v Value) {
	if v.IsString() || v.IsNumber() {
		*to = v.Text()
	}
}

// Challenge reads WWW-Authenticate, which Meta writes as three quoted strings,
//
//	OAuth "Facebook Platform" "invalid_token" "Invalid OAuth access token."
//
// and other servers as RFC 6750 has it. It returns the name of the error and
// the text, "" for what is not there.
func Challenge(header string) (name, text string) {
	if name = parameter(header, `error="`); name != "" {
		return name, parameter(header, `error_description="`)
	}
	var quoted [3]string
	rest := header
	for i := range quoted {
		_, after, ok := strings.Cut(rest, `"`)
		if !ok {
			break
		}
		end := strings.IndexByte(after, '"')
		if i == len(quoted)-1 { // the text may have quotes itself
			end = strings.LastIndexByte(after, '"')
		}
		if end < 0 {
			break
		}
		quoted[i], rest = after[:end], after[end+1:]
	}
	return quoted[1], quoted[2]
}

func parameter(header, name string) string {
	_, after, ok := strings.Cut(header, name)
	if !ok {
		return ""
	}
	value, _, _ := strings.Cut(after, `"`)
	return value
}
