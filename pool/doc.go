// Package pool keeps resources that are dear to make (connections, sessions,
// buffers) and lends them out, at most a fixed number at a time.
//
//	p := pool.New(20, dial, hangUp)
//	defer p.Drain()
//	conn, err := p.Acquire(ctx)
//	if err != nil {
//		return err
//	}
//	defer p.Release(conn)
//
// # Two styles
//
// [Pool.Acquire] and [Pool.Release] lend the bare value: the shortest way, and
// the one to use when a resource never has to be thrown away. [Pool.Get] lends
// a [Resource], a handle that can also be destroyed or hijacked and that finds
// out its own misuse; it needs no look-up on release and is the faster one.
// Both styles may be mixed on one pool. [Pool.Do] is the second one around a
// function.
//
// # Packages beside this one
//
// pool/keyed pools resources by key (connections by host) under bounds for each
// key and in all; pool/bufpool keeps memory for reuse; pool/workers runs tasks on
// a bounded number of goroutines; pool/sema is a weighted semaphore.
//
// # Guarantees
//
//   - Callers who wait are served strictly in the order in which they came. A
//     resource that comes back goes to the head of the queue; no newcomer, no
//     TryGet and no creation overtakes it.
//   - The factory, the destroy function and the hooks of a pool run outside of
//     its lock. Their panics become a [*PanicError]; a slot is never lost by an
//     error, a panic or a cancelled wait.
//   - A creation runs on a goroutine of its own: a caller whose context ends
//     returns at once, and the resource joins the pool when it is ready. A
//     caller whose creation is slow is served by a resource that comes back
//     sooner.
//   - [Pool.Close] fails all waiters at once with [ErrClosed], destroys what is
//     idle and waits for the holders until its context ends.
//
// # Limits
//
// Lifetimes and idle times are kept by a coarse clock and may be late by some
// milliseconds. Where user code ignores its context (a factory, a check), Close
// cancels that context and does not wait for it longer than its own.
package pool
