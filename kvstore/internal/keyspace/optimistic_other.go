//go:build !amd64 || race

package keyspace

const optimistic = false
