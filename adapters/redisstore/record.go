package redisstore

// This file answers: how does a record become the fields of a hash, and the
// fields a record?

import (
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/seed-922467ee/instagram"
)

// stored is a record with what only the hash knows of it.
type stored struct {
	record *instagram.Record // its Token is nil when corrupt is not
	fence  int64
	until  time.Time
	// corrupt is a [*CorruptError] when the record cannot be read.
	corrupt error
}

// fields are what [parse] reads, and the order in which it does; fence and until may be absent.
func fields() []string {
	return []string{"revision", "state", "reason", "fails", "due", "token", "fence", "until"}
}

// parse returns the record in the values of the [fields]; nil: there is none.
func parse(k instagram.TokenKey, values []any) *stored {
	if len(values) < 8 || values[0] == nil {
		return nil
	}
	text := func(i int) string {
		s, _ := values[i].(string)
		return s
	}
	var errs []error
	number := func(i int) int64 {
		if text(i) == "" {
			return 0
		}
		n, err := strconv.ParseInt(text(i), 10, 64)
		errs = append(errs, err)
		return n
	}
	instant := func(i int) time.Time {
		if text(i) == "" {
			return time.Time{}
		}
		return time.UnixMicro(number(i)).UTC()
	}
	s := &stored{record: &instagram.Record{
		Key:      k,
		Revision: instagram.Revision(number(0)),
		State:    instagram.RecordState(number(1) & math.MaxUint8),
		Reason:   text(2),
		Fails:    int(number(3)),
		DueAt:    instant(4),
	}, fence: number(6), until: instant(7)}
	var err error
	s.record.Token, err = instagram.UnmarshalToken([]byte(text(5)))
	if err = errors.Join(append(errs, err)...); err != nil {
		s.record.Token = nil
		s.corrupt = &CorruptError{Key: k, Err: err}
	}
	return s
}

func (s *stored) lease() *instagram.Lease {
	return &instagram.Lease{Record: s.record, Fence: s.fence, Until: s.until}
}

// change returns the part of put.lua's arguments that concerns one record. An
// empty fence is any.
func change(r *instagram.Record, from, to instagram.Revision, fence string) ([]any, error) {
	token, err := instagram.MarshalToken(r.Token)
	if err != nil {
		return nil, err
	}
	return []any{
		r.Key.AccountID, int64(from), int64(to), fence,
		int64(r.State), r.Reason, r.Fails, moment(r.DueAt), r.Token.AppScopedID, token,
	}, nil
}

// moment returns t in microseconds since 1970; "" for zero, which is never.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMicro(), 10)
}

// micros returns d in microseconds, rounded up: no lease is shorter than asked for.
func micros(d time.Duration) int64 {
	return int64((d + time.Microsecond - 1) / time.Microsecond)
}
