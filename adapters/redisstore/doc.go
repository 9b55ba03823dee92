// Package redisstore keeps tokens and login states in Redis, and paces calls
// through it, with go-redis: a single server, a cluster, or servers behind
// sentinels. Any number of processes may share it.
//
//	rdb := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{"127.0.0.1:6379"}})
//	store := redisstore.New(rdb)
//	client, err := instagram.New(config,
//		instagram.WithTokenStore(seal.Tokens(store, keys)),
//		instagram.WithStateStore(store),
//	)
//
// A [Store] can everything a store can do: it is an [instagram.TokenStore] with
// all optional abilities, and an [instagram.StateStore]. It knows nothing of
// encryption; package seal seals any store.
//
// # What survives
//
// Redis decides that, not this package. Tokens are worth more than a cache:
//
//   - appendonly yes and appendfsync always: what a save has confirmed survives
//     a power cut. With appendfsync everysec the last one or two seconds do not,
//     and with snapshots alone, minutes.
//   - maxmemory-policy noeviction: any other policy may throw tokens away.
//   - Replication is asynchronous. A failover can lose what was confirmed just
//     before. A lost refresh is made up for by the next; a lost login is not.
//     Where that matters, keep tokens in a database, see package sqlstore, and
//     only the login states here.
//
// Do not let the client read from replicas (ReadOnly, RouteByLatency,
// RouteRandomly): they lag behind, and a stale record is refreshed twice.
//
// # Limits
//
// [NewLimiter] paces the calls of all processes of a fleet together. Processes
// that have the core's limiter, which is the default, share a quota well while
// it is large: each sees in the headers what the others use. They cannot see
// each other's calls in flight, and where a quota is a few hundred calls an
// hour, or dozens of processes use it, some calls are refused that need not be.
// The price is a round trip to Redis before each call; a second one, after it,
// nobody waits for. While Redis is away each process decides alone, by the rules
// of the core's limiter and by what it has seen until then.
//
// What the limiter keeps is worth no more than a window's calls, and Redis
// forgets it by itself: some 500 bytes for an account, up to 8 KB while much of
// its quota is used, for two days after its last call, and up to 40 KB for an
// app. A lost write does little harm, and appendfsync always slows a busy
// limiter down most.
//
// # Keys
//
// Redis from 6.2. All keys of one app share a hash tag, and so a slot of a
// cluster; what must be one step is a script. lua/common.lua and lua/limit.lua
// say which keys there are. Redis's clock decides what is due, until when a
// lease lasts, and when a call has left a quota's window. A record takes about
// 1.8 KB.
package redisstore
