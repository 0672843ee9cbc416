//go:build !linux

package kvstore

// standBack does nothing: only Linux has priorities of threads.
func standBack() {}
