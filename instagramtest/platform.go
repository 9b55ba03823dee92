// What is the platform made of? Its state, its options, and how New joins them.

package instagramtest

import (
	"net/http"
	"sync"
	"time"
)

// maxShown bounds how many people a dialog offers to choose from.
const maxShown = 12

// Platform is a fake of Meta's platform. Make one with [New]; it is safe for
// concurrent use.
type Platform struct {
	now       func() time.Time
	shapes    Shapes
	quirks    Quirks
	lifetimes Lifetimes
	silent    bool // WithoutRecording
	pages     func() *pageSet

	mu            sync.Mutex // guards all below; never held while waiting or calling out
	apps          []*app
	instagramApps map[string]*app
	metaApps      map[string]*app
	people        []*person
	persons       map[string]*person
	accounts      map[string]*account // by professional account ID
	scoped        map[string]*account // by app-scoped ID of the first app
	names         map[string]*account // by user name
	shown         []*account          // the first few, for dialogs
	serial        int64               // made-up IDs
	tokens        map[string]*token
	codes         map[string]*code
	codeQueue     []*code // oldest first, for forgetting
	nodes         map[string]node
	random        *source
	routes        []*Route
	requests      []*Request
	usage         func(Request) http.Header
	limits        limits
	planned       []Processing
	uploads       []UploadPlan
	quota         int // posts in 24 hours; 0: Meta's
}

// Option changes how [New] makes a platform.
type Option func(*setup)

// setup collects options, so that their order does not matter.
type setup struct {
	apps      []App
	people    []Person
	tokens    []TokenSpec
	shapes    Shapes
	quirks    Quirks
	lifetimes Lifetimes
	seed      string
	silent    bool
	limit     limitRules
}

// New makes a platform. Without options it has [DefaultApp] and [DefaultPerson],
// issues no token by itself, limits nothing, and answers as Meta's servers are
// known to answer at the end of 2026.
func New(opts ...Option) *Platform {
	var s setup
	for _, opt := range opts {
		if opt != nil {
			opt(&s)
		}
	}
	p := &Platform{
		now:           time.Now,
		shapes:        s.shapes,
		quirks:        s.quirks,
		lifetimes:     s.lifetimes.orDefaults(),
		silent:        s.silent,
		pages:         sync.OnceValue(parsePages),
		instagramApps: map[string]*app{},
		metaApps:      map[string]*app{},
		persons:       map[string]*person{},
		accounts:      map[string]*account{},
		scoped:        map[string]*account{},
		names:         map[string]*account{},
		tokens:        map[string]*token{},
		codes:         map[string]*code{},
		nodes:         map[string]node{},
		random:        newSource(s.seed),
		limits:        newLimits(s.limit),
	}
	if len(s.apps) == 0 {
		s.apps = []App{DefaultApp()}
	}
	if len(s.people) == 0 {
		s.people = []Person{DefaultPerson()}
	}
	for _, a := range s.apps {
		p.addApp(a)
	}
	for _, h := range s.people {
		p.addPerson(h)
	}
	for _, t := range s.tokens {
		if _, err := p.IssueToken(t); err != nil {
			panic(err) // as LongLivedToken says
		}
	}
	return p
}

// WithApp registers an app instead of [DefaultApp]. The first one is the app
// that tokens belong to unless said otherwise; further ones stand beside it.
func WithApp(a App) Option { return func(s *setup) { s.apps = append(s.apps, a) } }

// WithPerson registers a person instead of [DefaultPerson]. The first one's
// first account is the default account of [LongLivedToken].
func WithPerson(h Person) Option { return func(s *setup) { s.people = append(s.people, h) } }

// LongLivedToken registers a long-lived Instagram token of the first account,
// with every scope of Instagram Login, issued age ago: at 24 hours it may be
// refreshed, at 60 days it has expired. [New] panics when no [WithPerson] has an
// account, or when the same string is given twice.
func LongLivedToken(token string, age time.Duration) Option {
	return func(s *setup) {
		s.tokens = append(s.tokens, TokenSpec{Value: token, Login: InstagramLogin, Kind: LongLived, Age: age})
	}
}

// WithShapes chooses how answers look. The zero value is what live servers are
// known to send.
func WithShapes(sh Shapes) Option { return func(s *setup) { s.shapes = sh } }

// WithQuirks chooses what happens where Meta's documentation is silent.
func WithQuirks(q Quirks) Option { return func(s *setup) { s.quirks = q } }

// WithLifetimes chooses how long codes and tokens live, for demos that cannot
// wait sixty days. A zero field keeps Meta's own.
func WithLifetimes(l Lifetimes) Option { return func(s *setup) { s.lifetimes = l } }

// WithSeed makes codes, tokens and trace IDs other than those of a platform with
// another seed. Without it all platforms issue the same strings in the same order.
func WithSeed(seed string) Option { return func(s *setup) { s.seed = seed } }

// WithoutRecording keeps no requests, for simulations of millions of them:
// [Platform.Requests] then returns nothing.
func WithoutRecording() Option { return func(s *setup) { s.silent = true } }

// Lifetimes says how long things live. A zero field keeps Meta's own.
type Lifetimes struct {
	Code       time.Duration // 0: 1 h ("Business Login for Instagram" guide; Facebook's is undocumented)
	ShortLived time.Duration // 0: 1 h for Instagram tokens ("Overview"), 90 min for Facebook ("about 1-2 hours", "Access Tokens")
	LongLived  time.Duration // 0: 60 days, for both products
	DataAccess time.Duration // 0: 90 days after consent ("Auth vs. Data"), Facebook only
}

func (l Lifetimes) orDefaults() Lifetimes {
	l.Code = orDuration(l.Code, time.Hour)
	l.LongLived = orDuration(l.LongLived, 60*24*time.Hour)
	l.DataAccess = orDuration(l.DataAccess, 90*24*time.Hour)
	return l
}

func (l Lifetimes) short(login Login) time.Duration {
	if login == FacebookLogin {
		return orDuration(l.ShortLived, 90*time.Minute)
	}
	return orDuration(l.ShortLived, time.Hour)
}

func orDuration(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}
