//go:build !race

package keyspace

// Optimistic says that keys are looked up without a lock. It takes a processor that
// keeps loads in order, and the race detector must not see it.
const Optimistic = true
