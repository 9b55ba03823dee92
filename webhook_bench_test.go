package instagram_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"io"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

// quietWriter is a response writer that costs nothing.
type quietWriter struct {
	header http.Header
	status int
}

func (w *quietWriter) Header() http.Header         { return w.header }
func (w *quietWriter) WriteHeader(status int)      { w.status = status }
func (w *quietWriter) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkWebhook compares a verified delivery of 2 KiB with the bare HMAC of
// its body, which is measured before each: answer-ns is the median time until
// Meta has its answer, hmac-ns that of the HMAC. ns/op and the allocations are
// those of the whole way, the HMAC included: through the queue and the decoding
// to the caller's function and back. Each delivery is another one; duplicates
// would be cheaper.
func BenchmarkWebhook(b *testing.B) {
	deliver := newDeliveries(b)
	bare := make([]time.Duration, 0, 1<<16)
	answers := make([]time.Duration, 0, cap(bare))
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		mac := hmac.New(sha256.New, []byte(callbackSecret))
		mac.Write(deliver.bodies[deliver.next%len(deliver.bodies)])
		mac.Sum(nil)
		took := time.Since(start)
		answer := deliver.one(b)
		if len(bare) < cap(bare) {
			bare, answers = append(bare, took), append(answers, answer)
		}
	}
	slices.Sort(bare)
	slices.Sort(answers)
	hmacTime, answer := bare[len(bare)/2], answers[len(answers)/2]
	b.ReportMetric(float64(hmacTime.Nanoseconds()), "hmac-ns")
	b.ReportMetric(float64(answer.Nanoseconds()), "answer-ns")
	b.ReportMetric(float64(answer)/float64(hmacTime), "answer/hmac")
}

func TestWebhookDeliveryAllocatesLittle(t *testing.T) { //nolint:paralleltest // it counts what the whole program allocates
	deliver := newDeliveries(t)
	assert.LessOrEqual(t, testing.AllocsPerRun(1000, func() { deliver.one(t) }), 40.0)
}

// deliveries are some hundred different ones, more than the handler remembers.
type deliveries struct {
	handler http.Handler
	handled chan string
	body    []byte
	bodies  [][]byte
	headers []http.Header
	request *http.Request
	reader  *bytes.Reader
	writer  *quietWriter
	next    int
}

func newDeliveries(tb testing.TB) *deliveries {
	tb.Helper()
	const different = 512
	client, err := instagram.New(instagramConfig())
	require.NoError(tb, err)
	d := &deliveries{
		handled: make(chan string, 1), body: typicalDelivery(), reader: bytes.NewReader(nil), writer: &quietWriter{header: http.Header{}},
	}
	require.Len(tb, d.body, 2048)
	h := client.WebhookHandler(instagram.NewSecret("v"), func(_ context.Context, e instagram.Event) error {
		d.handled <- e.Data.(*instagram.MessageEvent).SenderID
		return nil
	}, instagram.WithWebhookLimits(instagram.WebhookLimits{Remembered: different / 2}))
	d.handler = h
	tb.Cleanup(func() { assert.NoError(tb, h.Close(context.Background())) })
	for i := range different {
		body := bytes.Replace(d.body, []byte("1668022333735"), []byte(strconv.Itoa(1_668_022_330_000+i)), 1)
		d.bodies = append(d.bodies, body)
		d.headers = append(d.headers, http.Header{"X-Hub-Signature-256": {instagramtest.SignWebhook(callbackSecret, body)}})
	}
	d.request, err = http.NewRequestWithContext(tb.Context(), http.MethodPost, hook, io.NopCloser(d.reader))
	require.NoError(tb, err)
	d.request.ContentLength = int64(len(d.body))
	return d
}

// one delivers the next one and returns how long the answer took.
func (d *deliveries) one(tb testing.TB) time.Duration {
	tb.Helper()
	i := d.next % len(d.bodies)
	d.next++
	d.request.Header = d.headers[i]
	d.reader.Reset(d.bodies[i])
	start := time.Now()
	d.handler.ServeHTTP(d.writer, d.request)
	took := time.Since(start)
	if <-d.handled == "" || d.writer.status != http.StatusOK {
		tb.Fatal("not handled")
	}
	return took
}
