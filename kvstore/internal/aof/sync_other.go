//go:build !linux

package aof

import "os"

// syncData syncs what was written to a file.
func syncData(f *os.File) error { return f.Sync() }
