package instagram_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/seed-922467ee/instagram"
)

// An answer of the Graph API that a program has fetched itself.
func ExampleCheckResponse() {
	resp := &http.Response{
		StatusCode: http.StatusBadRequest,
		Header:     http.Header{},
		Body: io.NopCloser(strings.NewReader(`{"error":{"message":"Error validating access token: Session has expired",` +
			`"type":"OAuthException","code":190,"error_subcode":463,"fbtrace_id":"AaX18KXfIMJ8i9bHfPJVjZq"}}`)),
	}
	err := instagram.CheckResponse(resp)
	if errors.Is(err, instagram.ErrTokenInvalid) {
		fmt.Println("to the login window")
	}
	if e, ok := errors.AsType[*instagram.Error](err); ok {
		fmt.Println(e.Code, e.Subcode, e.TraceID)
	}
	// Output:
	// to the login window
	// 190 463 AaX18KXfIMJ8i9bHfPJVjZq
}

// What to tell a colleague, or the log, about any error of this package.
func ExampleErrorAdvice_forAColleague() {
	err := fmt.Errorf("publishing: %w", &instagram.Error{HTTPStatus: 400, Code: 9007, Subcode: 2207027, Message: "Media ID is not available"})
	advice := instagram.ErrorAdvice(err)
	fmt.Println(advice.Action, "in", advice.RetryAfter)
	fmt.Println(advice.Text)
	// Output:
	// retry in 30s
	// The media container is not ready yet. Ask for its status_code until it is FINISHED, once a minute for five minutes at most, and then publish the same container.
}

// How much of which quota is used, from the headers of any answer.
func ExampleParseUsage() {
	usage := instagram.ParseUsage(http.Header{
		"X-App-Usage":               {`{"call_count":28,"total_time":25,"total_cputime":25}`},
		"X-Business-Use-Case-Usage": {`{"17841918482778477":[{"type":"instagram","call_count":100,"total_cputime":25,"total_time":25,"estimated_time_to_regain_access":19}]}`},
	})
	peak := usage.Peak()
	fmt.Printf("%v%% of %v, by %s\n", peak.Percent, peak.Bucket, peak.Measure)
	fmt.Println("open again in", usage.RegainAccess().Round(time.Minute))
	// Output:
	// 100% of instagram/17841918482778477, by call_count
	// open again in 19m0s
}
