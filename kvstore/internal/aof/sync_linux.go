package aof

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncData syncs what was written to a file, and its length, but not its times.
func syncData(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
