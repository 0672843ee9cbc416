//go:build !unix

package kvstore

import (
	"fmt"
	"os"
)

// A folderLock is an open file only: here nothing keeps a second process out.
type folderLock struct{ *os.File }

func lockFolder(path string) (*folderLock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("kvstore: %w", err)
	}
	return &folderLock{f}, nil
}
