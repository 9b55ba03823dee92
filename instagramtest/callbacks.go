// What does Meta send to an app? Signed requests and webhook signatures.

package instagramtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// SignedRequest makes the value of the form field signed_request that Meta posts
// to an app's deauthorize and data-deletion callbacks, for an account or a person
// named as in [Platform.Revoke]. The app is named by the ID of the product that
// it is for, empty being the first app's Instagram app ID: the request holds the
// app-scoped ID and is signed with the secret that belongs to the app ID. Source:
// "Data Deletion Request Callback"; that Instagram Login signs with the Instagram
// app secret is inferred.
func (p *Platform) SignedRequest(appID, who string) (string, error) {
	id := p.ScopedID(appID, who)
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.appNamed(appID)
	if a == nil || id == "" {
		return "", fmt.Errorf("instagramtest: no app %q, or nobody is known as %q", appID, who)
	}
	payload := base64.RawURLEncoding.EncodeToString(graphStyle().text(object{
		{"algorithm", "HMAC-SHA256"}, {"issued_at", p.now().Unix()}, {"user_id", id},
	}))
	signature := base64.RawURLEncoding.EncodeToString(sign(a.secretOf(appID), payload))
	return signature + "." + payload, nil
}

// WebhookSignature is the value of the header X-Hub-Signature-256 over the bytes
// of a webhook's body, signed for an app named as in [Platform.SignedRequest].
// Source: "Webhooks". It is empty for an unknown app.
func (p *Platform) WebhookSignature(appID string, body []byte) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.appNamed(appID)
	if a == nil {
		return ""
	}
	return "sha256=" + hex.EncodeToString(sign(a.secretOf(appID), string(body)))
}

// secretOf is the secret that belongs to one of the app's IDs.
func (a *app) secretOf(id string) string {
	if id == a.MetaAppID {
		return a.MetaAppSecret
	}
	return a.InstagramAppSecret
}

// sign is HMAC-SHA256, which every signature of Meta's is.
func sign(secret, message string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(message))
	return mac.Sum(nil)
}
