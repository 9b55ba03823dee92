package instagram

// This file answers: what becomes of a delivery's events once it is verified?

import (
	"bytes"
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"slices"
	"time"
)

// take hands the events on, and reports whether the delivery needs not come again.
func (h *WebhookHandler) take(ctx context.Context, events []Event, size int) bool {
	jobs, all := h.jobs(events, size)
	var waiting chan bool
	if h.wait {
		waiting = make(chan bool, len(jobs))
	}
	submitted := 0
	for _, job := range jobs {
		if h.wait {
			job.done = func() { waiting <- job.failed == 0 }
		}
		if !h.queue.submit(job) {
			for i := range job.events {
				h.recent.forget(job.events[i].key)
			}
			all = false
			continue
		}
		submitted++
	}
	if !all {
		h.logger.WarnContext(ctx, "instagram: webhook answered with 503: too many events are waiting, or they are being handled")
	}
	if !h.wait || submitted == 0 {
		return all
	}
	timer := time.NewTimer(h.limits.AnswerTime)
	defer timer.Stop()
	for range submitted {
		select {
		case good := <-waiting:
			all = all && good
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return all
}

// jobs sorts the events that have not come before by account. all is false when one
// of the others is still being handled, so that nobody knows yet how it ends.
func (h *WebhookHandler) jobs(events []Event, size int) (jobs []*eventJob, all bool) {
	all = true
	fresh := 0
	for i := range events {
		key := h.hash(&events[i])
		switch h.recent.begin(key) {
		case settled:
			continue
		case open:
			all = all && !h.wait // else that one's answer is 200 already
			continue
		case unseen:
		}
		fresh++
		job := findJob(jobs, events[i].AccountID)
		if job == nil {
			job = newEventJob(events[i].AccountID)
			jobs = append(jobs, job)
		}
		job.events = append(job.events, queuedEvent{events[i], key})
	}
	for _, job := range jobs {
		job.bytes = size * len(job.events) / fresh
		if len(jobs) > 1 { // or one slow account would hold the memory of the whole delivery
			job.detach()
		}
	}
	return jobs, all
}

// detach makes the events independent of the delivery that they came in.
func (j *eventJob) detach() {
	for i := range j.events {
		j.events[i].Value = bytes.Clone(j.events[i].Value)
	}
}

func findJob(jobs []*eventJob, account string) *eventJob {
	for _, job := range slices.Backward(jobs) {
		if job.account == account {
			return job
		}
	}
	return nil
}

// hash names the event within this process, much faster than [Event.Key].
func (h *WebhookHandler) hash(e *Event) uint64 {
	var m maphash.Hash
	m.SetSeed(h.seed)
	for _, part := range [...]string{e.Object, e.AccountID, e.Field, e.discriminator()} {
		_, _ = m.WriteString(part) // a hash never fails
		_ = m.WriteByte(0)
	}
	_, _ = m.Write(e.Value)
	return m.Sum64()
}

// workOn handles the events of a job one after the other. It is called again
// when the caller's function has ended the goroutine.
func (h *WebhookHandler) workOn(job *eventJob) {
	for job.next < len(job.events) {
		i := job.next
		job.next++
		e := job.events[i]
		job.events[i].Event = Event{} // it may be large
		h.handleOne(job, e.Event, e.key)
	}
}

var (
	errEventEnded   = errors.New("the function that handles events ended its goroutine")
	errEventDropped = errors.New("the handler was closed before the event's turn came")
)

func (h *WebhookHandler) handleOne(job *eventJob, e Event, key uint64) {
	ctx, cancel := h.newContext()
	defer cancel()
	err := errEventEnded // unless call returns
	defer func() {
		if err == nil || !h.wait { // what was answered with 200 does not come again
			h.recent.settle(key)
		} else {
			h.recent.forget(key)
		}
		if err != nil {
			job.failed++
			h.report(ctx, e, err)
		}
	}()
	if job.dropped || ctx.Err() != nil {
		err = errEventDropped
		return
	}
	e.Data = e.decode()
	err = h.call(ctx, e)
}

// call runs the caller's function.
func (h *WebhookHandler) call(ctx context.Context, e Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(ctx, h.logger, p)
		}
	}()
	return h.handle(ctx, e)
}

// report tells of an event that was not handled.
func (h *WebhookHandler) report(ctx context.Context, e Event, err error) {
	h.logger.ErrorContext(ctx, "instagram: event not handled", slog.Any("event", e), errAttr(err))
	if h.tell == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			_ = panicked(ctx, h.logger, p)
		}
	}()
	h.tell(context.WithoutCancel(ctx), e, err)
}
