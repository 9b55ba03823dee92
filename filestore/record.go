package filestore

// This file answers: what is a record called, and what stands in its files?

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/seed-922467ee/instagram"
)

const (
	shardCount = 256

	tokensDir = "tokens"
	statesDir = "states"

	recordSuffix = ".token"
	leaseSuffix  = ".lease"

	// A record's file is its JSON below a line with a sum of it, and the fence
	// of the last lease before it was written.
	recordMagic = "instagram-token-1"
	leaseMagic  = "instagram-lease-1"

	maxRecordFile = instagram.MaxTokenSize + 1<<10
	maxLeaseFile  = 1 << 10
)

// place is where a record is.
type place struct {
	shard int
	name  string // without suffix
}

// placeOf returns the place of a key. The name has only digits and small
// letters of the IDs' base32hex, so that no file system folds two IDs into one
// or finds a path in one.
func placeOf(k instagram.TokenKey) place {
	sum := sha256.Sum256([]byte(strconv.Itoa(len(k.AppID)) + ":" + k.AppID + k.AccountID))
	name := encode([]byte(k.AppID)) + "-" + encode([]byte(k.AccountID))
	if len(name) > 200 { // many file systems end at 255 bytes
		name = encode(sum[:])
	}
	return place{shard: int(sum[0]), name: name}
}

func (p place) path(suffix string) string {
	return shardDir(tokensDir, p.shard) + "/" + p.name + suffix
}

func encode(id []byte) string {
	return strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(id))
}

func shardDir(kind string, n int) string { return fmt.Sprintf("%s/%02x", kind, n) }

// stored is what the files of a record say.
type stored struct {
	record *instagram.Record
	fence  int64
	until  int64 // when the lease ends, in nanoseconds since 1970; 0: nobody holds it
	leased bool  // there is a lease file, in force or not
}

// heldUnder reports whether nothing has happened to the record since the lease was taken.
func (f *stored) heldUnder(lease *instagram.Lease) bool {
	return f != nil && f.fence == lease.Fence && f.record.Revision == lease.Record.Revision
}

// read returns what the files of the record at p say. dir is its shard's
// directory. It gives [instagram.ErrTokenNotFound], [*CorruptError] or
// [*PermissionError].
func read(dir *os.Root, p place) (*stored, error) {
	f, err := readRecord(dir, p.name+recordSuffix, p)
	if err != nil {
		return nil, err
	}
	return f, f.readLease(dir, p)
}

// readLease adds what the lease file says, if there is one.
func (f *stored) readLease(dir *os.Root, p place) error {
	data, err := readSmall(dir, p.name+leaseSuffix, maxLeaseFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return at(p.path(leaseSuffix), err)
	}
	f.leased = true
	fence, until, revision, ok := parseLease(data)
	if ok && revision == f.record.Revision { // else it was torn by a loss of power, or is of a revision that was saved over
		f.fence, f.until = max(f.fence, fence), until
	}
	return nil
}

// readRecord reads the record at p without its lease, from path below root.
func readRecord(root *os.Root, path string, p place) (*stored, error) {
	data, err := readSmall(root, path, maxRecordFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, instagram.ErrTokenNotFound
	case err != nil:
		return nil, at(p.path(recordSuffix), err)
	}
	f, err := parseRecord(data)
	if err != nil {
		return nil, at(p.path(recordSuffix), err)
	}
	if placeOf(f.record.Key) != p {
		return nil, &CorruptError{p.path(recordSuffix), "it holds another account's record"}
	}
	return f, nil
}

// at gives a [*CorruptError] about a file its path below the store's directory.
func at(path string, err error) error {
	if corrupt, ok := errors.AsType[*CorruptError](err); ok {
		return &CorruptError{path, corrupt.Reason}
	}
	return err
}

func writeRecord(r *instagram.Record, fence int64) ([]byte, error) {
	body, err := instagram.MarshalRecord(r)
	if err != nil {
		return nil, err
	}
	return frame(recordMagic, strconv.FormatInt(fence, 10), body), nil
}

func parseRecord(data []byte) (*stored, error) {
	fields, body, ok := unframe(recordMagic, data)
	if !ok || len(fields) != 1 {
		return nil, &CorruptError{Reason: "it is torn, or was not written by this program"}
	}
	fence, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return nil, &CorruptError{Reason: "its fence is no number"}
	}
	r, err := instagram.UnmarshalRecord(body)
	if err != nil {
		return nil, &CorruptError{Reason: err.Error()}
	}
	return &stored{record: r, fence: fence}, nil
}

func writeLease(fence, until int64, revision instagram.Revision) []byte {
	return frame(leaseMagic, fmt.Sprintf("%d %d %d", fence, until, revision), nil)
}

func parseLease(data []byte) (fence, until int64, revision instagram.Revision, ok bool) {
	fields, _, ok := unframe(leaseMagic, data)
	if !ok || len(fields) != 3 {
		return 0, 0, 0, false
	}
	var numbers [3]int64
	for i, field := range fields {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, 0, 0, false
		}
		numbers[i] = n
	}
	return numbers[0], numbers[1], instagram.Revision(numbers[2]), true
}

// frame puts a line above the body, with a sum of all that follows the sum.
func frame(magic, fields string, body []byte) []byte {
	rest := append([]byte(" "+fields+"\n"), body...)
	sum := sha256.Sum256(rest)
	return append([]byte(magic+" "+hex.EncodeToString(sum[:8])), rest...)
}

func unframe(magic string, data []byte) (fields []string, body []byte, ok bool) {
	rest, ok := bytes.CutPrefix(data, []byte(magic+" "))
	if !ok || len(rest) < 17 {
		return nil, nil, false
	}
	sum := sha256.Sum256(rest[16:])
	if string(rest[:16]) != hex.EncodeToString(sum[:8]) {
		return nil, nil, false
	}
	line, body, ok := bytes.Cut(rest[16:], []byte("\n"))
	return strings.Fields(string(line)), body, ok
}

// nextFence returns a fence above the last one. It also grows with the clock,
// so that it does not start again where a loss of power has taken a lease file.
func nextFence(last int64) int64 { return max(last+1, time.Now().UnixMilli()) }
