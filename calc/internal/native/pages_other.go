//go:build !(linux && amd64)

package native

import (
	"errors"
	"unsafe"
)

// Available tells whether there is native code here.
func Available() bool { return false }

func enter(uintptr, unsafe.Pointer) { panic("native: no such code") }

func callLeaf(uintptr, *uint64) (result uint64, failed uint64) { panic("native: no such code") }

func executable([]byte) ([]byte, error) { return nil, errors.ErrUnsupported }

// Code is a program in executable memory.
type Code struct {
	img  *Image
	base uintptr
}

// Load reports that there is no native code here.
func Load(*Image) (*Code, error) { return nil, errors.ErrUnsupported }

func reserve(int) ([]byte, error) { return nil, errors.ErrUnsupported }

func release([]byte) {}
