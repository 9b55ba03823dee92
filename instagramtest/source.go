// Where do strings nobody can guess come from? From a seed, so that runs repeat.

package instagramtest

import (
	"crypto/sha256"
	"math/rand/v2"
)

// source makes unique strings. The same seed makes the same ones in the same
// order, which is the point: nothing here guards anything.
type source struct{ chacha *rand.ChaCha8 }

func newSource(seed string) *source {
	return &source{rand.NewChaCha8(sha256.Sum256([]byte("instagramtest " + seed)))}
}

const (
	alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	base64url    = alphanumeric + "-_"
)

// letters returns n characters drawn from alphabet, of at most 64.
func (s *source) letters(alphabet string, n int) string {
	out := make([]byte, n)
	for i := 0; i < n; {
		for bits, left := s.chacha.Uint64(), 10; left > 0 && i < n; left-- {
			if at := int(bits & 63); at < len(alphabet) {
				out[i] = alphabet[at]
				i++
			}
			bits >>= 6
		}
	}
	return string(out)
}

// instagramToken is shaped like Meta's: prefix, a long middle, ZDZD.
func (s *source) instagramToken() string { return "IGAA" + s.letters(alphanumeric, 148) + "ZDZD" }

func (s *source) facebookToken() string { return "EAA" + s.letters(alphanumeric, 169) + "ZDZD" }

// code is shaped like Meta's: AQ, then base64url, which may hold _ anywhere.
func (s *source) code() string { return "AQ" + s.letters(base64url, 180) + "A" }

// trace is shaped like an fbtrace_id, which x-fb-request-id repeats.
func (s *source) trace() string { return "A" + s.letters(base64url, 22) }

// shortTrace is shaped like an x-fb-trace-id.
func (s *source) shortTrace() string { return s.letters(alphanumeric+"+/", 11) }
