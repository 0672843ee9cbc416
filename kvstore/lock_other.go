//go:build !unix

package kvstore

import (
	"fmt"
	"os"
)

// lockFile opens the file only: here nothing keeps a second process out.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("kvstore: %w", err)
	}
	return f, nil
}
