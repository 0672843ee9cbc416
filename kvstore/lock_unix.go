//go:build unix

package kvstore

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// A folderLock is the lock of a folder, which the death of the process gives back too.
type folderLock struct{ f *os.File }

func lockFolder(path string) (*folderLock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("kvstore: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close() // the first error counts
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: %s", ErrLocked, path)
		}
		return nil, fmt.Errorf("kvstore: lock %s: %w", path, err)
	}
	return &folderLock{f}, nil
}

// Close gives the lock back. To close the file would not do: a process that is just being
// started has a copy of the descriptor, until it begins its program.
func (l *folderLock) Close() error {
	return errors.Join(unix.Flock(int(l.f.Fd()), unix.LOCK_UN), l.f.Close())
}
