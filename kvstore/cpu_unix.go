//go:build unix

package kvstore

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuTimes returns the time of processors that the process has used.
func cpuTimes() (user, sys time.Duration) {
	var ru unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &ru) != nil {
		return 0, 0
	}
	return time.Duration(ru.Utime.Nano()), time.Duration(ru.Stime.Nano())
}
