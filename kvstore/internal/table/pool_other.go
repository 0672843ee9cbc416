//go:build !linux

package table

// useHugePages does nothing: the system decides.
func useHugePages([]byte) {}
