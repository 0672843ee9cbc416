//go:build !unix

package aof

import "os"

// Map returns the bytes of a file, for reading until done is called.
func Map(path string) (data []byte, done func(), err error) {
	data, err = os.ReadFile(path)
	return data, func() {}, err
}
