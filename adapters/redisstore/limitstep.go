package redisstore

// This file answers: how is Redis asked for a call's leave, and told what
// became of it?

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"time"

	"github.com/seed-922467ee/instagram/internal/pacing"
)

// patience is how long Redis may take to answer before this process decides alone.
const patience = 500 * time.Millisecond

// ticket is the leave to send a call that Redis gave: the marks by which the
// app's and the account's quota know it again.
type ticket struct{ app, appEpoch, account, accountEpoch int64 }

// params are what the scripts are told of the quotas.
func params(cfg pacing.Config) []any {
	all := []any{cfg.App.Background}
	for _, p := range []pacing.Params{cfg.App, cfg.Account} {
		all = append(all, p.Window.Microseconds(), p.MaxSlots, p.FewSlots)
	}
	return all
}

// args are those with which every script begins, as lua/limit.lua has them.
func (l *limiter) args(more int) []any {
	args := make([]any, 0, 1+len(l.params)+more)
	if l.clock == nil {
		args = append(args, "")
	} else {
		args = append(args, l.clock().UnixMicro())
	}
	return append(args, l.params...)
}

// keys returns those of the app's quota, as lua/limit.lua has them.
func (l *limiter) keys(k pacing.AppKey) []string {
	name := l.store.names(k.ID) + "limit:" + strconv.Itoa(int(k.Login))
	return []string{name, name + ":calls"}
}

func accountKeys(app []string, account string) []string {
	name := app[0] + ":account:" + url.QueryEscape(account)
	return append(app, name, name+":calls")
}

// take asks for the leave to send a call that goes behind others, some of its
// account and some of the app; without any it returns a ticket or what stops
// it. The error is that of the context, or errAway.
func (a *app) take(ctx context.Context, c pacing.Call, ours, all int) (*ticket, pacing.Stop, error) {
	type answer struct {
		numbers []int64
		err     error
	}
	came, gone := make(chan answer), make(chan struct{})
	go func() {
		args := append(a.l.args(4), uint8(c.Priority), c.Cost, ours, all)
		numbers, err := a.l.takeStep.Run(context.WithoutCancel(ctx), a.l.store.rdb, accountKeys(a.l.keys(a.key), c.Account), args...).Int64Slice()
		select {
		case came <- answer{numbers, err}:
		case <-gone:
			if err == nil && len(numbers) == 5 {
				a.giveBack(ctx, c, asTicket(numbers))
			}
		}
	}()
	late := time.NewTimer(a.l.patience)
	defer late.Stop()
	select {
	case got := <-came:
		switch {
		case got.err != nil:
			a.lost(got.err)
			return nil, pacing.Stop{}, errAway
		case len(got.numbers) == 5:
			return asTicket(got.numbers), pacing.Stop{}, nil
		case len(got.numbers) == 3:
			return nil, a.l.asStop(got.numbers), nil
		}
		a.lost(errors.New("the answer is none of ours"))
	case <-late.C:
		close(gone)
		a.lost(errors.New("no answer in time"))
	case <-ctx.Done():
		close(gone)
		return nil, pacing.Stop{}, context.Cause(ctx)
	}
	return nil, pacing.Stop{}, errAway
}

func asTicket(numbers []int64) *ticket {
	return &ticket{numbers[1], numbers[2], numbers[3], numbers[4]}
}

func (l *limiter) asStop(numbers []int64) pacing.Stop {
	s := pacing.Stop{Reason: pacing.Reason(numbers[0]), App: numbers[2] == 1} // #nosec G115 -- one of a few
	if wait := time.Duration(numbers[1]) * time.Microsecond; wait >= 0 {
		s.Until = l.now() + max(wait, time.Millisecond) // never at once again
	}
	return s
}

// news is what became of a call.
type news struct {
	call    pacing.Call
	ticket  *ticket // nil: it went without asking Redis
	outcome pacing.Outcome
	met     time.Duration   // when; the waits that it states are from then on
	told    chan<- struct{} // closed when Redis knows
}

// urgent reports whether others must know before they send anything.
func (n *news) urgent() bool {
	o := &n.outcome
	return o.RefusedApp || o.RefusedAccount || o.RefusedRate || o.AppHint > 0 || o.AccountHint > 0
}

// batch is what Redis is told in one step. When it comes again because its
// answer was lost, its number says that Redis may know it already.
type batch struct {
	number int64 // of this process and app, rising; 0: never known
	news   []news
}

// report tells Redis what became of calls, in one step.
func (a *app) report(ctx context.Context, b batch) error {
	keys := a.l.keys(a.key)
	number := map[string]int{}
	args := append(a.l.args(2+16*len(b.news)), a.l.id, b.number)
	for i := range b.news {
		n := &b.news[i]
		at := number[n.call.Account]
		if at == 0 {
			at = len(keys) + 1
			number[n.call.Account] = at
			keys = append(keys, accountKeys(keys[:2:2], n.call.Account)[2:]...)
		}
		args = append(args, at)
		if t := n.ticket; t != nil {
			args = append(args, t.app, t.appEpoch, t.account, t.accountEpoch)
		} else {
			args = append(args, "", "", "", "")
		}
		o, age := &n.outcome, max(0, a.l.now()-n.met)
		left := func(wait time.Duration) int64 { return max(0, wait-age).Microseconds() }
		args = append(args, n.call.Cost, o.Sent, o.Counted, o.RefusedApp, o.RefusedAccount, o.RefusedRate, o.AppUsage, o.AccountUsage,
			left(o.AppHint), left(o.AccountHint), left(o.RateHint))
	}
	return a.l.reportStep.Run(ctx, a.l.store.rdb, keys, args...).Err()
}
