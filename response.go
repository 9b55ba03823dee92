package instagram

// This file answers: does this answer hold an error, and what do its headers tell?

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/seed-922467ee/instagram/internal/wire"
)

const peekSize = 512 // how much of a success is looked at

// CheckResponse returns nil when the answer is a success, and else an
// [*Error] that holds what the platform said. Throttled answers are an *Error
// too, which matches [ErrThrottled] and knows how long to wait.
//
// Of a success at most 512 bytes are looked at: Meta sends errors with status
// 200 too. Of an error at most 64 KiB are read. In both cases the bytes are put
// back into resp.Body, which still has to be closed by the caller. A redirect
// is an error: an answer of the platform's has none.
//
// Tokens and secrets that stand in resp.Request are blotted out of the error's
// texts, and so is everything that looks like one.
func CheckResponse(resp *http.Response) error {
	if e := checkResponse("", resp); e != nil {
		return e
	}
	return nil
}

// checkResponse is [CheckResponse] with the name of the operation, "" for
// method and path, and with further secrets that the platform may echo.
func checkResponse(op string, resp *http.Response, secrets ...string) *Error {
	if b, ok := resp.Body.(*putBack); ok && b.err != nil && b.off == 0 && len(secrets) == 0 && op == "" {
		return b.err // asked before, and nothing was read since
	}
	b := errorIn(resp)
	if b == nil {
		return nil
	}
	b.err = newError(op, resp, b.data, secrets...)
	return b.err
}

// errorIn returns the beginning of a body that is an error, nil for a success.
func errorIn(resp *http.Response) *putBack {
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		if resp.Body == nil || resp.Body == http.NoBody || resp.StatusCode == http.StatusNoContent {
			return nil
		}
		if b := readAhead(resp, peekSize); !holdsError(b.data, resp.Header) {
			return nil
		}
	}
	if resp.StatusCode == http.StatusSwitchingProtocols { // the body is the line itself, which nobody asked for
		b := newPutBack(resp.Body)
		b.end = io.EOF
		resp.Body = b
		return b
	}
	return readAhead(resp, wire.MaxErrorBody)
}

// holdsError reports whether the beginning of a body is an error, in a shape
// that cannot be mistaken.
func holdsError(start []byte, h http.Header) bool {
	if len(start) == 0 || !canBeError(start) || isPlain(start) && !namesError(start) {
		return false
	}
	body := wire.ParseString(wire.Decode(start, wire.Canonical(h).Get("Content-Encoding")))
	return wire.FindError(body, true).Form != wire.NoForm
}

// readAhead reads up to n bytes of the body and puts them back. Of what cannot
// be an error it reads no more than comes with the first packet.
func readAhead(resp *http.Response, n int) *putBack {
	b, ok := resp.Body.(*putBack)
	if !ok || b.off != 0 {
		b = newPutBack(resp.Body)
		resp.Body = b
	}
	b.fill(n, n <= peekSize)
	return b
}

// fill reads until there are n bytes, the body ends, or, for a peek, it is seen
// that it cannot be an error.
func (b *putBack) fill(n int, peek bool) {
	if len(b.data) >= n || b.end != nil {
		return
	}
	t := b.idle.begin(b.rest)
	for idle := 0; len(b.data) < n && b.end == nil && idle < 100 && (!peek || canBeError(b.data)); {
		b.grow(n)
		var m int
		m, b.end = b.rest.Read(b.data[len(b.data):min(cap(b.data), n)])
		b.data = b.data[:len(b.data)+m]
		if idle++; m > 0 {
			idle = 0
		}
	}
	b.end = b.idle.end(t, b.end)
}

// canBeError reports whether a body that begins so can be an error in spite of
// a status of success: an object, as it is or compressed or in UTF-16.
func canBeError(start []byte) bool {
	if len(start) == 0 {
		return true
	}
	switch start[0] {
	case '{', ' ', '\t', '\r', '\n', '"', 0xef, 0xfe, 0xff, 0, 0x1f, 0x78, 'f':
		return true
	}
	return false
}

// isPlain reports whether the beginning of a body is JSON as it is, neither
// compressed nor in UTF-16.
func isPlain(start []byte) bool {
	return start[0] == '{' && bytes.IndexByte(start, 0) < 0
}

// namesError reports whether any of the names stands there that every error
// has one of. It spares most successes from being read.
func namesError(start []byte) bool {
	return bytes.Contains(start, []byte("error")) || bytes.Contains(start, []byte("debug_info")) || bytes.Contains(start, []byte(`\u00`))
}

// putBack is a body of which the beginning was read, and is read once more.
type putBack struct {
	data []byte
	off  int   // how much of data the caller has read
	end  error // what the reading of rest ended with, nil when there is more
	rest io.ReadCloser
	idle *idleBodies
	err  *Error    // what the body says, when it was asked
	room *peekRoom // holds data while it is short; nil when it has been given back
}

// peekRoom is room for the beginning of a body. Most answers fit in one and are read
// to their end, so that a few are used again and again.
type peekRoom [peekSize]byte

//nolint:gochecknoglobals // a pool knows nothing of whose bodies it served
var peeks = sync.Pool{New: func() any { return new(peekRoom) }}

func newPutBack(body io.ReadCloser) *putBack {
	b := new(putBack)
	b.begin(body, nil)
	return b
}

func (b *putBack) begin(body io.ReadCloser, idle *idleBodies) {
	if b.rest = body; body == nil {
		b.rest = http.NoBody
	}
	b.idle, b.room = idle, peeks.Get().(*peekRoom)
	b.data = b.room[:0]
}

// grow makes room for further data, of which there will be n bytes at most.
func (b *putBack) grow(n int) {
	if len(b.data) < cap(b.data) {
		return
	}
	grown := make([]byte, len(b.data), min(4*cap(b.data), max(n, cap(b.data)+1)))
	copy(grown, b.data)
	b.data = grown
}

func (b *putBack) Read(p []byte) (int, error) {
	if b.off < len(b.data) {
		n := copy(p, b.data[b.off:])
		if b.off += n; b.off == len(b.data) && b.room != nil {
			peeks.Put(b.room) // it was read out, and is not looked at again
			b.room, b.data = nil, nil
		}
		return n, nil
	}
	if b.end != nil {
		return 0, b.end
	}
	t := b.idle.begin(b.rest)
	n, err := b.rest.Read(p)
	return n, b.idle.end(t, err)
}

// broken reports whether the body has ended before its end.
func (b *putBack) broken() bool { return b.end != nil && !errors.Is(b.end, io.EOF) }

func (b *putBack) Close() error { return b.rest.Close() }

// versionHeader holds the Graph API version that served a call. It may differ
// from the one that was asked for: a version past its end is served by the next
// living one (source: Graph API versioning guide, read 2026).
const versionHeader = "Facebook-Api-Version"

// ResponseInfo is what the headers of an answer tell beside its content. IDs
// are what Meta's support asks for.
type ResponseInfo struct {
	TraceID   string // x-fb-trace-id; of an error, the body's fbtrace_id
	RequestID string // x-fb-request-id
	Version   string // Graph API version that served the call, "" when not told
	Status    int    // HTTP status
	Usage     Usage
}

// headerInfo is what every call needs of a [ResponseInfo]; the rest is looked up
// for those who ask.
type headerInfo struct {
	header  http.Header // its names are canonical, as far as they matter
	status  int
	version string
	traceID string // of an error's body; "": that of the header
	usage   *Usage // never changed; nil: zero
}

// tell writes down all that the headers tell.
func (i *headerInfo) tell(info *ResponseInfo) {
	info.TraceID = cmp.Or(i.traceID, i.header.Get("X-Fb-Trace-Id"))
	info.RequestID = i.header.Get("X-Fb-Request-Id")
	info.Version, info.Status = i.version, i.status
	info.Usage = Usage{}
	if i.usage != nil {
		info.Usage = *i.usage
	}
}

// responseInfo reads the headers of an answer, whatever its status.
func responseInfo(resp *http.Response, memo *usageMemo) headerInfo {
	info := headerInfo{header: resp.Header, status: resp.StatusCode}
	info.read(memo)
	if info.usage == nil && (info.version == "" || hasLowerCase(info.header)) { // a map that net/http has not filled
		info.header = wire.Canonical(info.header)
		info.read(memo)
	}
	return info
}

func (i *headerInfo) read(memo *usageMemo) {
	if version := i.header[versionHeader]; len(version) > 0 {
		i.version = version[0]
	}
	i.usage = memo.read(i.header)
}

// hasLowerCase reports whether usage headers stand there as HTTP/2 writes them.
func hasLowerCase(h http.Header) bool {
	return len(h["x-app-usage"]) > 0 || len(h["x-business-use-case-usage"]) > 0 //nolint:staticcheck // the very names that net/http would not leave so
}
