// Package bufpool keeps memory that is needed again and again for a short time:
// byte slices by size, buffers, and values of any type.
//
//	var pool bufpool.Bytes
//	b := pool.Get(4000)
//	defer pool.Put(b)
//
// [Bytes] is for who knows the size, [Buffers] for who does not: it learns from
// what comes back how large new buffers should be and which are too large to
// keep. [Pool] is a sync.Pool with a type.
//
// # Guarantees and limits
//
// All of it rests on sync.Pool: a bound on what is kept is that the garbage
// collector drops what was not used between two collections. Before it, Bytes
// keeps one slice of up to 32 KiB for each of up to 64 threads, which stays. Nothing is ever lost
// or lent twice unless somebody gives a value back twice or uses it after that:
// that is not found out. Use package pool for resources that must be ended, or
// whose number is bounded.
package bufpool
