// Package tinkseal shows, and tests, that a primitive of Tink seals tokens as it
// is: its AEAD has the methods of seal.Sealer, so there is nothing to adapt, and
// this package has no code. With Tink come keysets, and keys that stay in a key
// management service:
//
//	handle, err := keyset.Read(reader, masterKeyInTheService)
//	primitive, err := aead.New(handle)
//	store := seal.Tokens(inner, primitive)
//
// What package seal does with keys of its own, Tink does here: the primary key
// of the keyset seals, all others open. As Tink does not tell which key has
// sealed something, seal.Reseal seals everything anew each time.
package tinkseal
