//go:build !linux

package kvstore

import "runtime"

// resident returns the bytes that Go has from the system.
func resident() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys - m.HeapReleased)
}

// systemMemory is not known on this system.
func systemMemory() int64 { return 0 }
