package instagram_test

// This file answers: how does a test get a server that breaks the rules of TLS,
// HTTP/1.1 or HTTP/2?

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// exchange is one request that has reached a faultServer whole, and the line
// that it came on.
type exchange struct {
	net.Conn
	stream uint32 // HTTP/2 only
}

// faultServer treats its first connection or request as a script says, and the
// later ones well.
type faultServer struct {
	URL       string
	transport *http.Transport
	listener  net.Listener
	requests  atomic.Int32
	conns     atomic.Int32
	open      sync.WaitGroup

	connected func(net.Conn) bool // treats the first connection below TLS; true: and ends it
	first     func(*exchange)     // answers the first request
	expects   func(*exchange)     // is asked about the body of an HTTP/1.1 request that waits for that
}

func newFaultServer(t *testing.T, http2 bool, connected func(net.Conn) bool, first func(*exchange)) *faultServer {
	t.Helper()
	lender := httptest.NewTLSServer(nil) // of a certificate
	defer lender.Close()
	roots := x509.NewCertPool()
	roots.AddCert(lender.Certificate())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &faultServer{URL: "https://" + listener.Addr().String(), listener: listener, connected: connected, first: first}
	s.transport = &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: http2, MaxResponseHeaderBytes: 64 << 10, ResponseHeaderTimeout: 10 * time.Second,
	}
	config := &tls.Config{Certificates: lender.TLS.Certificates}
	if http2 {
		config.NextProtos = []string{"h2"}
	}
	s.open.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			s.open.Go(func() { s.serve(c, config, http2) })
		}
	})
	return s
}

// close ends everything, and returns when all connections have ended.
func (s *faultServer) close() {
	s.transport.CloseIdleConnections()
	_ = s.listener.Close()
	s.open.Wait()
}

func (s *faultServer) serve(raw net.Conn, config *tls.Config, http2 bool) {
	defer raw.Close()
	if s.conns.Add(1) == 1 && s.connected != nil && s.connected(raw) {
		return
	}
	c := tls.Server(raw, config)
	if c.Handshake() != nil {
		return
	}
	if http2 {
		s.serve2(c)
		return
	}
	for r := bufio.NewReader(c); ; {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if s.expects != nil {
			s.expects(&exchange{Conn: c})
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return
		}
		s.answer(&exchange{Conn: c}, func(x *exchange) { x.say(goodAnswer) })
	}
}

func (s *faultServer) answer(x *exchange, well func(*exchange)) {
	if s.requests.Add(1) == 1 {
		s.first(x)
		return
	}
	well(x)
}

const goodAnswer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n" + `{"id":"1"}`

// say writes an answer as it stands.
func (x *exchange) say(text string) { _, _ = io.WriteString(x.Conn, text) }

// says returns a script that writes, and goes on listening.
func says(text ...string) func(*exchange) {
	return func(x *exchange) { x.say(strings.Join(text, "")) }
}

// breaksOff returns a script that writes and closes the connection.
func breaksOff(text ...string) func(*exchange) {
	return func(x *exchange) {
		says(text...)(x)
		_ = x.Close()
	}
}

// resets returns a script that writes and resets the connection, as a crash does.
func resets(text ...string) func(*exchange) {
	return func(x *exchange) {
		says(text...)(x)
		resetConn(x.Conn)
	}
}

func resetConn(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}

// Frame types and flags of HTTP/2. Source: RFC 9113, 6.
const (
	frameData, frameHeaders, frameReset, frameSettings, framePing, frameGoAway = 0, 1, 3, 4, 6, 7

	flagEnd, flagAck, flagEndHeaders = 1, 1, 4
)

// frame writes one frame of HTTP/2.
func (x *exchange) frame(kind, flags byte, stream uint32, payload string) {
	head := make([]byte, 9, 9+len(payload))
	binary.BigEndian.PutUint32(head, uint32(len(payload))<<8|uint32(kind))
	head[4] = flags
	binary.BigEndian.PutUint32(head[5:], stream)
	_, _ = x.Write(append(head, payload...))
}

// status begins an answer on a stream: 200 or 500, which stand in HPACK's own table.
func (x *exchange) status(code int) {
	x.frame(frameHeaders, flagEndHeaders, x.stream, map[int]string{200: "\x88", 500: "\x8e"}[code])
}

func (x *exchange) data(text string, flags byte) { x.frame(frameData, flags, x.stream, text) }

// number is a code in a frame.
func number(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }

func (s *faultServer) serve2(c net.Conn) {
	r := bufio.NewReader(c)
	if _, err := io.ReadFull(r, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
		return
	}
	line := &exchange{Conn: c}
	line.frame(frameSettings, 0, 0, "")
	for {
		kind, flags, stream, payload, err := readFrame(r)
		switch {
		case err != nil:
			return
		case kind == frameSettings && flags&flagAck == 0:
			line.frame(frameSettings, flagAck, 0, "")
		case kind == framePing && flags&flagAck == 0:
			line.frame(framePing, flagAck, 0, payload)
		case (kind == frameHeaders || kind == frameData) && flags&flagEnd != 0:
			s.answer(&exchange{Conn: c, stream: stream}, func(x *exchange) {
				x.status(200)
				x.data(`{"id":"1"}`, flagEnd)
			})
		}
	}
}

func readFrame(r io.Reader) (kind, flags byte, stream uint32, payload string, err error) {
	head := make([]byte, 9)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, 0, 0, "", err
	}
	length := binary.BigEndian.Uint32(head) >> 8
	if length > 1<<20 {
		return 0, 0, 0, "", errors.New("too long")
	}
	body := make([]byte, length)
	_, err = io.ReadFull(r, body)
	return head[3], head[4], binary.BigEndian.Uint32(head[5:]) &^ (1 << 31), string(body), err
}
