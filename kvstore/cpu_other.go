//go:build !unix

package kvstore

import "time"

// cpuTimes is not known on this system.
func cpuTimes() (user, sys time.Duration) { return 0, 0 }
