// Package safefile puts files into place whole. It knows nothing of their content.
package safefile

import (
	"io/fs"
	"os"
)

// Write writes data to a temporary file in tmpDir, syncs it, and renames it to path,
// which must be on the same file system: readers see the old file or the whole new
// one. After an error the temporary file is gone.
func Write(tmpDir, path string, data []byte, mode fs.FileMode) error {
	tmp, err := os.CreateTemp(tmpDir, "tmp_")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Chmod(mode)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name()) // the first error counts
	}
	return err
}
