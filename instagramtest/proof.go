// Is the appsecret_proof right? Both documented forms.

package instagramtest

import (
	"encoding/hex"
	"strconv"
	"time"
)

// proofTolerance is how long a timestamped proof is good for. Source: "Login
// Security", five minutes.
const proofTolerance = 5 * time.Minute

// checkProof verifies appsecret_proof in both documented forms: over the token,
// or over token|time with appsecret_time beside it.
func (p *Platform) checkProof(c *call, login Login, value string) *GraphError {
	if login == InstagramLogin {
		if c.has("appsecret_proof") && !p.quirks.IgnoreProof {
			return graphError(100, "IGApiException", "Invalid appsecret_proof provided in the API argument")
		}
		return nil
	}
	if !c.has("appsecret_proof") {
		if c.app.RequireProof {
			return graphError(100, "GraphMethodException", "API calls from the server require an appsecret_proof argument")
		}
		return nil
	}
	wrong := graphError(100, "GraphMethodException", "Invalid appsecret_proof provided in the API argument")
	message := value
	if at := c.param("appsecret_time"); at != "" {
		seconds, err := strconv.ParseInt(at, 10, 64)
		if err != nil || c.now.Sub(time.Unix(seconds, 0)).Abs() > proofTolerance {
			return wrong
		}
		message += "|" + at
	}
	if c.param("appsecret_proof") != hex.EncodeToString(sign(c.app.MetaAppSecret, message)) {
		return wrong
	}
	return nil
}
