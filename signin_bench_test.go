package instagram

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram/internal/wire"
)

func BenchmarkAuthCodeURL(b *testing.B) {
	client, err := New(stateConfig())
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		_ = client.AuthCodeURL("state")
	}
}

func BenchmarkBeginLogin(b *testing.B) {
	client, err := New(stateConfig())
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = client.BeginLogin()
	}
}

func BenchmarkStateSeal(b *testing.B) {
	now := time.Now()
	sealer := newStateSealer(stateConfig())
	st := newLoginState(&authCode{}, newBinding(now), now)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = sealer.seal(st)
	}
}

func BenchmarkStateOpen(b *testing.B) {
	now := time.Now()
	sealer := newStateSealer(stateConfig())
	state, binding := sealedState(b, stateConfig(), now)
	b.ReportAllocs()
	for b.Loop() {
		st, err := sealer.open(state, now)
		if err != nil || st.checkBinding(binding) != nil {
			b.Fatal("refused")
		}
	}
}

func BenchmarkTokenAnswer(b *testing.B) {
	for id, c := range wireCases(b, "token_response") {
		if id != "tr-ig-flat-string" && id != "tr-ig-data-array-perm-string" {
			continue
		}
		body := []byte(c.Response.Body)
		b.Run(id, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := wire.DecodeToken(body); !ok {
					b.Fatal("no token")
				}
			}
		})
	}
}
