// How does Meta sign?

package instagramtest

import (
	"crypto/hmac"
	"crypto/sha256"
)

// sign is HMAC-SHA256, which every signature of Meta's is.
func sign(secret, message string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(message))
	return mac.Sum(nil)
}
