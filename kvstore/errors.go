package kvstore

import (
	"errors"
	"fmt"
)

var (
	// ErrNotFound is returned when a key does not exist.
	ErrNotFound = errors.New("kvstore: key not found")

	// ErrNotSet is returned when the condition of a Set is not met.
	ErrNotSet = errors.New("kvstore: condition not met")

	// ErrWrongType is returned when a key holds another type of value.
	ErrWrongType = errors.New("kvstore: key holds another type of value")

	// ErrNotInteger is returned when a value is no 64-bit integer, or would leave
	// its range.
	ErrNotInteger = errors.New("kvstore: value is not an integer or out of range")

	// ErrClosed is returned by calls after Close.
	ErrClosed = errors.New("kvstore: closed")

	// ErrLocked is returned by Open when another process has the folder open.
	ErrLocked = errors.New("kvstore: folder is in use")

	// ErrConfig is wrapped by errors about options; the text names the field.
	ErrConfig = errors.New("kvstore: bad options")
)

// A CorruptError is damage in a file that is not at its end.
type CorruptError struct {
	File   string
	Offset int64 // in bytes
	Err    error
}

// Error names the file and the offset.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("kvstore: %s is corrupt at offset %d: %v", e.File, e.Offset, e.Err)
}

// Unwrap returns the cause.
func (e *CorruptError) Unwrap() error { return e.Err }
