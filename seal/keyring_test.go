package seal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/seal"
)

func TestKeyRingRotates(t *testing.T) {
	t.Parallel()
	old, both, turned, fresh := ring(t, 1), ring(t, 1, 2), ring(t, 2, 1), ring(t, 2)
	ad := []byte("whose")
	byOld, err := old.Encrypt([]byte("secret"), ad)
	require.NoError(t, err)
	byNew, err := turned.Encrypt([]byte("secret"), ad)
	require.NoError(t, err)
	for _, r := range []*seal.KeyRing{both, turned} {
		for _, ciphertext := range [][]byte{byOld, byNew} {
			plaintext, err := r.Decrypt(ciphertext, ad)
			require.NoError(t, err)
			assert.Equal(t, "secret", string(plaintext))
		}
	}
	var missing *seal.KeyError
	_, err = old.Decrypt(byNew, ad)
	require.ErrorAs(t, err, &missing)
	_, err = fresh.Decrypt(byOld, ad)
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, key(t, 1).ID(), missing.KeyID)
	assert.Equal(t, []seal.KeyID{key(t, 2).ID(), key(t, 1).ID()}, turned.IDs())
}

func TestPurposesDoNotMeet(t *testing.T) {
	t.Parallel()
	r := ring(t, 1)
	sealers := []seal.Sealer{r, r.For(""), r.For("tokens"), r.For("state"), r.For("general")}
	for i, by := range sealers {
		ciphertext, err := by.Encrypt([]byte("secret"), nil)
		require.NoError(t, err)
		for j, of := range sealers {
			_, err := of.Decrypt(ciphertext, nil)
			if i == j {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, seal.ErrDamaged, "%d opened what %d has sealed", j, i)
			}
		}
	}
	again, err := ring(t, 1).For("tokens").Encrypt(nil, nil)
	require.NoError(t, err)
	_, err = sealers[2].Decrypt(again, nil)
	require.NoError(t, err, "another process has the same key for the same purpose")
}

func TestAnyChangeIsFound(t *testing.T) {
	t.Parallel()
	r := ring(t, 1, 2)
	ciphertext, err := r.Encrypt([]byte("secret"), []byte("whose"))
	require.NoError(t, err)
	for i := range ciphertext {
		for bit := range 8 {
			changed := bytes.Clone(ciphertext)
			changed[i] ^= 1 << bit
			_, err := r.Decrypt(changed, []byte("whose"))
			require.Error(t, err)
		}
	}
	for n := range ciphertext {
		_, err := r.Decrypt(ciphertext[:n], []byte("whose"))
		require.Error(t, err)
	}
	for _, ad := range []string{"", "Whose", "whose "} {
		_, err := r.Decrypt(ciphertext, []byte(ad))
		require.ErrorIs(t, err, seal.ErrDamaged)
	}
	// The other key's name in the header is not the other key's doing.
	swapped := bytes.Clone(ciphertext)
	id := key(t, 2).ID()
	copy(swapped[1:5], id[:])
	_, err = r.Decrypt(swapped, []byte("whose"))
	require.ErrorIs(t, err, seal.ErrDamaged)
}

func TestNewKeyRingRefuses(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string][]seal.Key{
		"no keys": {}, "an empty key": {key(t, 1), {}}, "one key twice": {key(t, 1), key(t, 2), key(t, 1)},
	} {
		_, err := seal.NewKeyRing(keys...)
		require.Error(t, err, name)
	}
}

func TestKeySources(t *testing.T) {
	raw := bytes.Repeat([]byte{0xfb, 0xef}, 16) // base64 of it has both + and /, or - and _
	want, err := seal.KeyFromBytes(raw)
	require.NoError(t, err)
	texts := map[string]string{
		"base64": base64.StdEncoding.EncodeToString(raw), "base64 without padding": base64.RawStdEncoding.EncodeToString(raw),
		"base64url": base64.URLEncoding.EncodeToString(raw), "hex": hex.EncodeToString(raw), "HEX": strings.ToUpper(hex.EncodeToString(raw)),
		"a line": base64.StdEncoding.EncodeToString(raw) + "\r\n", "Reveal": want.Reveal(),
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			k, err := seal.KeyFromText(instagram.NewSecret(text))
			require.NoError(t, err)
			assert.Equal(t, want.ID(), k.ID())

			path := t.TempDir() + "/key"
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
			k, err = seal.KeyFromFile(path)
			require.NoError(t, err)
			assert.Equal(t, want.ID(), k.ID())

			t.Setenv("SEAL_TEST_KEY", text)
			k, err = seal.KeyFromEnv("SEAL_TEST_KEY")
			require.NoError(t, err)
			assert.Equal(t, want.ID(), k.ID())
		})
	}
	for name, text := range map[string]string{
		"empty": "", "a password": "correct horse battery staple 12", "too short": base64.StdEncoding.EncodeToString(raw[:16]),
		"too long": base64.StdEncoding.EncodeToString(append(raw, 1)), "hex of half": hex.EncodeToString(raw[:16]), "zeros": strings.Repeat("0", 64),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := seal.KeyFromText(instagram.NewSecret(text))
			require.Error(t, err)
			path := t.TempDir() + "/key"
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
			_, err = seal.KeyFromFile(path)
			var file *seal.FileError
			require.ErrorAs(t, err, &file)
			t.Setenv("SEAL_TEST_KEY", text)
			_, err = seal.KeyFromEnv("SEAL_TEST_KEY")
			require.Error(t, err)
			if text != "" {
				assert.NotContains(t, err.Error(), text)
			}
		})
	}
	_, err = seal.KeyFromEnv("SEAL_TEST_KEY_THAT_IS_NOT_SET")
	require.ErrorContains(t, err, "SEAL_TEST_KEY_THAT_IS_NOT_SET")
	_, err = seal.KeyFromBytes(raw[:31])
	require.Error(t, err)
}

func TestKeyFileOfOthersIsRefused(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("files have no such modes")
	}
	path := t.TempDir() + "/key"
	require.NoError(t, os.WriteFile(path, []byte(seal.NewKey().Reveal()), 0o600))
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o660} {
		require.NoError(t, os.Chmod(path, mode))
		_, err := seal.KeyFromFile(path)
		var file *seal.FileError
		require.ErrorAs(t, err, &file)
		assert.Contains(t, err.Error(), "chmod 600")
	}
	_, err := seal.KeyFromFile(t.TempDir())
	require.Error(t, err)
	_, err = seal.KeyFromFile(path + ".not")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestKeyFromPassword(t *testing.T) {
	t.Parallel()
	password, salt := instagram.NewSecret("correct horse battery staple"), []byte("0123456789abcdef")
	one, err := seal.KeyFromPassword(password, salt, 0)
	require.NoError(t, err)
	two, err := seal.KeyFromPassword(password, salt, seal.MinIterations)
	require.NoError(t, err)
	assert.Equal(t, one.ID(), two.ID())
	other, err := seal.KeyFromPassword(password, []byte("0123456789abcdeF"), 0)
	require.NoError(t, err)
	assert.NotEqual(t, one.ID(), other.ID())
	for _, c := range []struct {
		password   string
		salt       []byte
		iterations int
	}{{"short", salt, 0}, {"", salt, 0}, {password.Reveal(), nil, 0}, {password.Reveal(), salt[:15], 0}, {password.Reveal(), salt, 1000}, {password.Reveal(), salt, -1}} {
		_, err := seal.KeyFromPassword(instagram.NewSecret(c.password), c.salt, c.iterations)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "correct")
	}
}

func TestKeysAreNotPrinted(t *testing.T) {
	t.Parallel()
	raw := []byte("the-key-that-nobody-may-ever-see")
	k, err := seal.KeyFromBytes(raw)
	require.NoError(t, err)
	r, err := seal.NewKeyRing(k)
	require.NoError(t, err)
	type holder struct {
		Key  seal.Key
		Ring *seal.KeyRing
		k    seal.Key
		r    *seal.KeyRing
		s    seal.Sealer
		v    seal.KeyRing
	}
	h := holder{Key: k, Ring: r, k: k, r: r, s: r.For("x"), v: *r}
	var printed strings.Builder
	for _, v := range []any{k, &k, r, *r, h, &h, r.For("x")} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&printed, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&printed, nil)).Info("x", slog.Any("v", v))
		slog.New(slog.NewJSONHandler(&printed, nil)).Info("x", slog.Any("v", v))
		data, _ := json.Marshal(v)
		printed.Write(data)
	}
	out := printed.String()
	for _, form := range []string{
		string(raw), hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw)), base64.StdEncoding.EncodeToString(raw), base64.RawStdEncoding.EncodeToString(raw),
		"116 104 101 45", "0x74, 0x68, 0x65", "74 68 65",
	} {
		if strings.Contains(out, form) { // without the whole of it, which is long
			t.Errorf("a key was printed as %q", form)
		}
	}
	// A cipher's tables are as good as its key; what is printed of them begins with many numbers.
	if at := regexp.MustCompile(`(\d+ ){20}`).FindStringIndex(out); at != nil {
		t.Errorf("a key's tables were printed: %s", out[max(0, at[0]-200):at[1]])
	}
	assert.Contains(t, printed.String(), k.ID().String())
}

func FuzzDecrypt(f *testing.F) {
	r := ring(f, 1, 2)
	sealed, err := r.Encrypt([]byte("secret"), []byte("whose"))
	require.NoError(f, err)
	f.Add(sealed, []byte("whose"))
	f.Add(sealed[:5], []byte{})
	f.Fuzz(func(t *testing.T, ciphertext, ad []byte) {
		plaintext, err := r.Decrypt(ciphertext, ad)
		if err == nil && (string(plaintext) != "secret" || string(ad) != "whose") {
			t.Fatal("what was never sealed was opened")
		}
		again, err := r.Encrypt(ciphertext, ad)
		require.NoError(t, err)
		back, err := r.Decrypt(again, ad)
		require.NoError(t, err)
		require.True(t, bytes.Equal(ciphertext, back))
	})
}
