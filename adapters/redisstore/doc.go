// Package redisstore keeps tokens and login states in Redis, through go-redis:
// a single server, a cluster, or servers behind sentinels. Any number of
// processes may share it.
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
// # Keys
//
// Redis from 6.2. All keys of one app share a hash tag, and so a slot of a
// cluster; what must be one step is a script. lua/common.lua says which keys
// there are. Redis's clock decides what is due and until when a lease lasts.
// A record takes about 1.8 KB.
package redisstore
