package instagramtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/seed-922467ee/instagram/instagramtest"
)

// A whole sign-in with nothing but net/http: production addresses, no network.
func Example() {
	meta := instagramtest.New()
	client := &http.Client{Transport: meta.Transport()}

	callback, err := meta.Consent("https://www.instagram.com/oauth/authorize?" + url.Values{
		"client_id":     {instagramtest.DefaultInstagramAppID},
		"redirect_uri":  {"https://app.example/callback"},
		"response_type": {"code"},
		"scope":         {"instagram_business_basic"},
		"state":         {"xyz"},
	}.Encode())
	if err != nil {
		fmt.Println(err)
		return
	}
	back, _ := url.Parse(callback)
	fmt.Println("state:", back.Query().Get("state"))

	res, err := client.PostForm("https://api.instagram.com/oauth/access_token", url.Values{
		"client_id":     {instagramtest.DefaultInstagramAppID},
		"client_secret": {instagramtest.DefaultInstagramAppSecret},
		"grant_type":    {"authorization_code"},
		"redirect_uri":  {"https://app.example/callback"},
		"code":          {back.Query().Get("code")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	var answer struct {
		Permissions []string `json:"permissions"`
	}
	err = json.NewDecoder(res.Body).Decode(&answer)
	fmt.Println(res.StatusCode, answer.Permissions, err)
	// Output:
	// state: xyz
	// 200 [instagram_business_basic] <nil>
}

// The next answers of a route: two throttled, then the platform's own.
func ExamplePlatform_On() {
	meta := instagramtest.New(instagramtest.LongLivedToken("IGAAtest", 48*time.Hour))
	client := &http.Client{Transport: meta.Transport()}
	meta.On("GET", "/me").Times(2, instagramtest.Failing(4, 0))

	for range 3 {
		res, err := client.Get("https://graph.instagram.com/v26.0/me?access_token=IGAAtest")
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(res.Status)
		res.Body.Close()
	}
	for _, r := range meta.Requests("GET", "/me") {
		fmt.Println(r.Version, r.Path, r.Status)
	}
	// Output:
	// 403 Forbidden
	// 403 Forbidden
	// 200 OK
	// v26.0 /me 403
	// v26.0 /me 403
	// v26.0 /me 200
}

// A person who removes the app: the token is dead, and so is the consent.
func ExamplePlatform_Revoke() {
	meta := instagramtest.New(instagramtest.LongLivedToken("IGAAtest", 48*time.Hour))
	if err := meta.Revoke(instagramtest.DefaultUsername); err != nil {
		fmt.Println(err)
		return
	}
	tok, known := meta.Token("IGAAtest")
	fmt.Println(known, tok.Dead, len(tok.Scopes))
	// Output: true 458 0
}

// The consent page in a browser: every host is the first element of the path.
func ExamplePlatform_Listen() {
	meta := instagramtest.New()
	server, err := meta.Listen("127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	res, err := http.Get(server.URL + "/www.instagram.com/oauth/authorize?client_id=" + instagramtest.DefaultInstagramAppID +
		"&redirect_uri=http%3A%2F%2Flocalhost%3A8080%2Fcallback&response_type=code&scope=instagram_business_basic")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	fmt.Println(res.Status, res.Header.Get("Content-Type"))
	// Output: 200 OK text/html; charset=utf-8
}

// How a program behaves when its quota runs out: here one that asks on without
// looking at what it is told, as a first version does.
func ExampleWithAppLimit() {
	meta := instagramtest.New(
		instagramtest.LongLivedToken("IGAAtest", 48*time.Hour),
		instagramtest.WithAppLimit(200, time.Hour),
	)
	meta.ConsumeForeign(197) // another program of the same app was there before
	client := &http.Client{Transport: meta.Transport()}

	for range 5 {
		res, err := client.Get("https://graph.instagram.com/v26.0/me?access_token=IGAAtest")
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(res.StatusCode, res.Header.Get("X-App-Usage"))
		res.Body.Close()
	}
	fmt.Println(meta.Served(), "served,", meta.Refused(), "refused,", meta.Usage(""), "percent used")
	// Output:
	// 200 {"call_count":99,"total_cputime":49,"total_time":49}
	// 200 {"call_count":99,"total_cputime":49,"total_time":49}
	// 200 {"call_count":100,"total_cputime":50,"total_time":50}
	// 403 {"call_count":100,"total_cputime":50,"total_time":50}
	// 403 {"call_count":101,"total_cputime":50,"total_time":50}
	// 3 served, 2 refused, 101 percent used
}
