package instagram

// This file answers: who works on events when, so that each account's stay in
// order, nobody waits for a slow neighbour, and nothing grows without bound?

import (
	"context"
	"sync"
)

// eventQueue hands events to at most a number of workers. Those of one account
// are worked on one after the other. Workers are started when there is work and
// end when there is none, so an idle queue holds no goroutine.
type eventQueue struct {
	work       func(*eventJob)
	maxWorkers int
	maxEvents  int
	maxBytes   int

	mu      sync.Mutex
	lanes   map[string]*eventLane // of accounts with work, by ID
	ready   fifo[*eventLane]      // those that nobody works on, in the order of their turn
	workers int
	events  int // waiting and being worked on
	bytes   int
	closed  bool
	idle    chan struct{} // closed when the queue is closed and nothing is left
}

// eventLane is one account's work.
type eventLane struct {
	account string
	jobs    fifo[*eventJob]
	behind  *eventLane
}

// eventJob is what one delivery has for one account.
type eventJob struct {
	account string
	events  []queuedEvent
	single  [1]queuedEvent // where events begins: most deliveries have one
	bytes   int            // of memory that the events hold
	next    int            // the event whose turn it is
	failed  int            // how many events were not handled well
	dropped bool           // not to be worked on: the queue gave up
	done    func()         // called when nothing more happens to the job; may be nil
	behind  *eventJob
}

// queuedEvent is an event with what it is remembered by.
type queuedEvent struct {
	Event

	key uint64
}

func newEventJob(account string) *eventJob {
	j := &eventJob{account: account}
	j.events = j.single[:0]
	return j
}

func (l *eventLane) link() **eventLane { return &l.behind } //nolint:unused // by fifo
func (j *eventJob) link() **eventJob   { return &j.behind } //nolint:unused // by fifo

// fifo is a queue of things that point to those behind them.
type fifo[T interface {
	comparable
	link() *T
}] struct{ first, last T }

func (f *fifo[T]) push(x T) {
	var none T
	if f.first == none {
		f.first = x
	} else {
		*f.last.link() = x
	}
	f.last = x
}

// pop takes the first one; there must be one.
func (f *fifo[T]) pop() T {
	var none T
	x := f.first
	f.first, *x.link() = *x.link(), none
	return x
}

func (q *eventQueue) init() {
	q.lanes = map[string]*eventLane{}
	q.idle = make(chan struct{})
}

// submit takes the job, or reports false when the queue is full or closed.
func (q *eventQueue) submit(job *eventJob) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	// one delivery that is larger than the bounds passes through an empty queue
	if q.closed || q.events > 0 && (q.events+len(job.events) > q.maxEvents || q.bytes+job.bytes > q.maxBytes) {
		return false
	}
	q.events += len(job.events)
	q.bytes += job.bytes
	if lane := q.lanes[job.account]; lane != nil {
		lane.jobs.push(job)
		return true
	}
	lane := &eventLane{account: job.account}
	lane.jobs.push(job)
	q.lanes[job.account] = lane
	q.ready.push(lane)
	if q.workers < q.maxWorkers {
		q.workers++
		go q.run(nil, nil)
	}
	return true
}

// run works as long as there is work, and first on the job given, if any.
func (q *eventQueue) run(lane *eventLane, job *eventJob) {
	defer func() {
		if job != nil { // the caller's function has ended the goroutine, as t.FailNow does
			go q.run(lane, job)
		}
	}()
	for {
		if job == nil {
			if lane, job = q.take(); job == nil {
				return
			}
		}
		q.work(job)
		q.finish(lane, job)
		job = nil
	}
}

// take returns the first job of the account whose turn it is; nil ends the worker.
func (q *eventQueue) take() (*eventLane, *eventJob) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ready.first == nil {
		q.workers--
		q.checkIdleLocked()
		return nil, nil
	}
	lane := q.ready.pop()
	return lane, lane.jobs.first
}

// finish takes the job off its lane, and gives the lane a turn if it has more.
func (q *eventQueue) finish(lane *eventLane, job *eventJob) {
	q.mu.Lock()
	q.events -= len(job.events)
	q.bytes -= job.bytes
	lane.jobs.pop()
	if lane.jobs.first != nil {
		q.ready.push(lane)
	} else {
		delete(q.lanes, lane.account)
	}
	q.mu.Unlock()
	if job.done != nil {
		job.done()
	}
}

func (q *eventQueue) isClosed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}

func (q *eventQueue) checkIdleLocked() {
	if q.closed && q.workers == 0 {
		select {
		case <-q.idle:
		default:
			close(q.idle)
		}
	}
}

// close refuses new jobs and waits for those taken. When ctx ends first, it
// drops the jobs that nobody works on yet, and reports how many events they
// have and that there was no time for everything.
func (q *eventQueue) close(ctx context.Context) (dropped int, inTime bool) {
	q.mu.Lock()
	q.closed = true
	q.checkIdleLocked()
	q.mu.Unlock()
	select {
	case <-q.idle:
		return 0, true
	default:
	}
	select {
	case <-q.idle:
		return 0, true
	case <-ctx.Done():
		return q.drop(), false
	}
}

// drop marks all jobs that wait, so that workers pass over them.
func (q *eventQueue) drop() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := map[*eventLane]bool{}
	for lane := q.ready.first; lane != nil; lane = lane.behind {
		waiting[lane] = true
	}
	n := 0
	for _, lane := range q.lanes {
		job := lane.jobs.first
		if !waiting[lane] {
			job = job.behind // the first is being worked on
		}
		for ; job != nil; job = job.behind {
			if !job.dropped {
				job.dropped = true
				n += len(job.events)
			}
		}
	}
	return n
}
