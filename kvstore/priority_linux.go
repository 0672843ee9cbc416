package kvstore

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// standBack makes the rest of a goroutine's life give way to all other threads where
// there are not enough processors: what is done for long in the background would
// otherwise take its time slices, of some milliseconds, before a client is served.
// The goroutine's thread ends with it.
func standBack() {
	runtime.LockOSThread()
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, 10) // of this thread; without it all goes on as well
}
