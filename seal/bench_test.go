package seal_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/seal"
)

// BenchmarkSealAndOpen measures what sealing adds to a save and a load.
func BenchmarkSealAndOpen(b *testing.B) {
	keys := ring(b, 1, 2, 3, 4, 5)
	sealer := keys.For("benchmark")
	plaintext := []byte("IGAA" + strings.Repeat("x", 180))
	associated := []byte("some forty bytes that say whose it is …")
	b.Run("Sealer", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ciphertext, err := sealer.Encrypt(plaintext, associated)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := sealer.Decrypt(ciphertext, associated); err != nil {
				b.Fatal(err)
			}
		}
	})
	one := record(1)
	one.Token.AccessToken, one.Token.PageToken = instagram.NewSecret(string(plaintext)), instagram.Secret{}
	for name, wrap := range map[string]func(instagram.TokenStore) instagram.TokenStore{
		"save and load in memory":        func(s instagram.TokenStore) instagram.TokenStore { return s },
		"save and load sealed in memory": func(s instagram.TokenStore) instagram.TokenStore { return seal.Tokens(s, keys) },
	} {
		b.Run(name, func(b *testing.B) {
			store := wrap(instagram.NewMemoryStore())
			b.ReportAllocs()
			from, err := store.SaveToken(b.Context(), one, 0)
			require.NoError(b, err)
			for b.Loop() {
				if from, err = store.SaveToken(b.Context(), one, from); err != nil {
					b.Fatal(err)
				}
				if _, err = store.LoadToken(b.Context(), one.Key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
