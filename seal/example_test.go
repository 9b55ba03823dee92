package seal_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/seal"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A program keeps its key in a file that only it can read, made by "openssl
// rand -base64 32", and wraps whatever store it has.
func ExampleTokens() {
	ctx := context.Background()
	keys := must(seal.NewKeyRing(seal.NewKey())) // seal.KeyFromFile("/etc/myapp/seal.key")
	inner := instagram.NewMemoryStore()          // or files, or a database
	store := seal.Tokens(inner, keys)            // for instagram.WithTokenStore

	account := instagram.TokenKey{AppID: "1234567890123456", AccountID: "17841405793187218"}
	must(store.SaveToken(ctx, &instagram.Record{
		Key: account, Token: &instagram.Token{AccessToken: instagram.NewSecret("IGAAtest"), Kind: instagram.LongLived},
	}, 0))

	fmt.Println("loaded:", must(store.LoadToken(ctx, account)).Token.AccessToken.Reveal())
	fmt.Println("stored:", strings.SplitAfter(must(inner.LoadToken(ctx, account)).Token.AccessToken.Reveal(), ".")[0])
	// Output:
	// loaded: IGAAtest
	// stored: igsealed1.
}

// A key is turned without stopping anything: the new one first, the old one
// behind it, and then all that the old one has sealed is sealed anew.
func ExampleReseal() {
	ctx := context.Background()
	oldKey, newKey := seal.NewKey(), seal.NewKey()
	inner := instagram.NewMemoryStore()
	for _, account := range []string{"17841405793187218", "17841405793187219"} {
		must(seal.Tokens(inner, must(seal.NewKeyRing(oldKey))).SaveToken(ctx, &instagram.Record{
			Key: instagram.TokenKey{AppID: "1234567890123456", AccountID: account}, Token: &instagram.Token{AccessToken: instagram.NewSecret("IGAAtest")},
		}, 0))
	}

	store := seal.Tokens(inner, must(seal.NewKeyRing(newKey, oldKey)))
	done := must(seal.Reseal(ctx, store, func(p seal.Progress) { fmt.Println(p.Seen, "seen so far") }))
	fmt.Println(done.Resealed, "sealed anew")
	fmt.Println("the old key is needed by", must(seal.KeysInUse(ctx, store))[oldKey.ID()])
	// Output:
	// 2 seen so far
	// 2 sealed anew
	// the old key is needed by 0
}

// One program may use one ring for several things, each with a key of its own.
func ExampleKeyRing_For() {
	keys := must(seal.NewKeyRing(seal.NewKey()))
	cookies := keys.For("cookies")
	sealed := must(cookies.Encrypt([]byte("who logged in"), []byte("session 17")))
	fmt.Println(string(must(cookies.Decrypt(sealed, []byte("session 17")))))
	_, err := keys.For("mails").Decrypt(sealed, []byte("session 17"))
	fmt.Println(err)
	// Output:
	// who logged in
	// what is sealed was changed, or belongs to another account
}
