//go:build unix

package filestore_test

import (
	"context"
	"fmt"
	"os"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/filestore"
)

// What one process has saved is there for the next one.
func ExampleOpen() {
	parent, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(parent)
	ctx := context.Background()
	account := instagram.TokenKey{AppID: "1234567890123456", AccountID: "17841405793187218"}

	store, err := filestore.Open(parent + "/tokens") // for instagram.WithTokenStore; let package seal wrap it
	if err != nil {
		panic(err)
	}
	_, err = store.SaveToken(ctx, &instagram.Record{Key: account, Token: &instagram.Token{AccessToken: instagram.NewSecret("IGAAtest")}}, 0)
	if err != nil {
		panic(err)
	}
	store.Close()

	again, err := filestore.Open(parent + "/tokens")
	if err != nil {
		panic(err)
	}
	defer again.Close()
	r, err := again.LoadToken(ctx, account)
	if err != nil {
		panic(err)
	}
	fmt.Println(r.Key, r.Token.AccessToken, r.State)
	// Output: 1234567890123456/17841405793187218 [redacted] alive
}
