// Package keyed has a pool of pools: resources that belong to a key (connections
// by host, sessions by tenant), bounded for each key and in all.
//
//	p, err := keyed.Open(&keyed.Options[string, net.Conn]{
//		MaxPerKey: 4,
//		MaxTotal:  100,
//		New:       dial, // func(ctx context.Context, host string) (net.Conn, error)
//		Destroy:   func(_ string, c net.Conn) { c.Close() },
//	})
//	...
//	c, err := p.Get(ctx, "db1:5432")
//	if err != nil {
//		return err
//	}
//	defer c.Release()
//
// Use package pool where there is only one kind of resource: it is faster and
// has more options.
//
// # Guarantees
//
//   - Callers are served in the order in which they came, among those of one key
//     and among those of all keys who wait for room in the total. Of all whom a
//     resource that comes back could serve, those of its key with it and those of
//     other keys with its room, the first one gets it, unless
//     [Options.MaxOvertakes] says otherwise.
//   - While the total is used up, the resource that was idle for longest, of
//     whatever key, makes room for a caller who needs a new one.
//   - A key without resources and callers takes no memory.
//   - New, Destroy and Check never run under a lock. A creation goes on when its
//     caller's context ends, and a caller whose creation is slow is served by what
//     comes back sooner. Panics become a [*pool.PanicError]; room is never lost.
package keyed
