package browsertest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram/instagramtest"
)

const (
	allow     = `//button[text()="Allow"]`
	cancel    = `//button[text()="Cancel"]`
	connect   = `//button[starts-with(text(), "Connect")]`
	publish   = `//button[text()="Publish"]`
	reconnect = `//button[text()="Reconnect"]`
)

var screens = map[string][2]int{"desktop": {1280, 900}, "phone": {390, 844}}

func TestAWholeVisit(t *testing.T) {
	for size, pixels := range screens {
		t.Run(size, func(t *testing.T) {
			chromium(t)
			site := startSite(t)
			v := newVisitor(t, size, pixels[0], pixels[1])

			v.open(site)
			v.shows("1-before", "Connect your Instagram account")

			v.click(connect)
			v.shows("2-window", "asks for access")
			v.click(cancel)
			v.shows("3-denied", "Access was not given", "Connect your Instagram account")

			v.click(connect)
			v.toggle(`//input[@value="instagram_business_content_publish"]`)
			v.click(allow)
			v.shows("4-unticked", "some boxes were unticked", "with less than asked for", "@"+instagramtest.DefaultUsername, "Not given")

			v.click(reconnect)
			v.click(allow)
			v.shows("5-reconnected", "Connected.", instagramtest.DefaultAccountID, "Good until")

			v.toggle(`//summary[text()="Publish a photo"]`)
			v.fill(`input[name=image_url]`, "http://10.0.0.1/photo.jpg")
			v.fill(`textarea[name=caption]`, "Hello from a test")
			v.click(publish)
			v.shows("6-refused", "cannot be published", "must be https")
			v.fill(`input[name=image_url]`, "https://example.com/photo.jpg")
			v.click(publish)
			v.shows("6-published", "Published.", "See it")

			call(t, site+"/meta/deauthorize")
			v.open(site)
			v.shows("7-removed", "Removed at Instagram", "Reconnect")
			v.click(reconnect)
			v.click(allow)
			v.shows("8-back", "Connected.")

			v.toggle(`//summary[text()="Disconnect"]`)
			v.click(`//button[starts-with(text(), "Disconnect")]`)
			v.shows("9-disconnected", "Its token is deleted", "Connect your Instagram account")

			v.open(site + "/nowhere")
			v.shows("10-nowhere", "There is nothing here", "To your accounts")
			v.click(`//a[text()="To your accounts"]`)
			assert.Contains(t, v.text(), "Connect your Instagram account")

			var answer struct{ URL string }
			require.NoError(t, json.Unmarshal(call(t, site+"/meta/deletion"), &answer))
			v.open(answer.URL)
			v.shows("11-deletion", "Your data has been deleted", "Confirmation code")
		})
	}
}

func TestAVisitThroughFacebook(t *testing.T) {
	for size, pixels := range screens {
		t.Run(size, func(t *testing.T) {
			chromium(t)
			site := startSite(t, "INSTAGRAM_LOGIN=facebook")
			v := newVisitor(t, "facebook-"+size, pixels[0], pixels[1])
			v.open(site)
			v.shows("1-before", "choose the Pages")
			v.click(connect)
			v.shows("2-window", "asks for access", "Pages that")
			v.click(allow)
			v.shows("3-connected", instagramtest.DefaultAccountID, instagramtest.SecondAccountID)
		})
	}
}

// call is Meta, telling the site what the person has done at Instagram: they
// have removed the app, or want their data deleted.
func call(t *testing.T, to string) []byte {
	t.Helper()
	payload := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil,
		`{"algorithm":"HMAC-SHA256","issued_at":%d,"user_id":"%s"}`, time.Now().Unix(), instagramtest.DefaultAppScopedID))
	mac := hmac.New(sha256.New, []byte(instagramtest.DefaultInstagramAppSecret))
	mac.Write([]byte(payload))
	signed := base64.RawURLEncoding.EncodeToString(mac.Sum(nil)) + "." + payload
	resp, err := http.PostForm(to, url.Values{"signed_request": {signed}})
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return body
}
