//go:build !amd64 || race

package keyspace

// Optimistic says that keys are looked up without a lock.
const Optimistic = false
