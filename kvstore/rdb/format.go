package rdb

import (
	"errors"
	"fmt"
)

// Version is the version of what is written; MaxVersion the highest that is read.
const (
	Version    = 10
	MaxVersion = 12
)

const magic = "REDIS"

// Opcodes where the type of a value may stand.
const (
	opSlotInfo  = 0xf4 // slot, keys, keys with an expiry; version 12
	opFunction2 = 0xf5
	opFunction  = 0xf6 // of a release candidate of 7.0
	opModuleAux = 0xf7
	opIdle      = 0xf8 // seconds
	opFreq      = 0xf9
	opAux       = 0xfa
	opResize    = 0xfb
	opExpireMS  = 0xfc
	opExpire    = 0xfd // seconds
	opSelect    = 0xfe
	opEOF       = 0xff
)

// Types of values.
const (
	typeString        = 0
	typeList          = 1
	typeSet           = 2
	typeZSet          = 3 // scores as text
	typeHash          = 4
	typeZSet2         = 5 // scores as binary64
	typeModule        = 6
	typeModule2       = 7
	typeHashZipmap    = 9
	typeListZiplist   = 10
	typeSetIntset     = 11
	typeZSetZiplist   = 12
	typeHashZiplist   = 13
	typeListQuicklist = 14 // of ziplists
	typeStream        = 15
	typeHashListpack  = 16
	typeZSetListpack  = 17
	typeListQuick2    = 18 // of listpacks and large items
	typeStream2       = 19
	typeSetListpack   = 20
	typeStream3       = 21
	typeHashExpiring0 = 22 // of a release candidate of 7.4
	typeHashExpiringL = 23 // likewise, as a listpack
	typeHashExpiring  = 24
	typeHashExpListp  = 25
	types             = 26
)

// Nodes of typeListQuick2.
const (
	nodePlain  = 1
	nodePacked = 2
)

// Special forms of strings, in the low six bits of a length that begins with 11.
const (
	encInt8 = iota
	encInt16
	encInt32
	encLZF
)

// ErrUnsupported is wrapped by the errors for values that have no counterpart
// here.
var ErrUnsupported = errors.New("not supported")

// An Error is damage in a file or payload, or something that is not supported. An
// unexpected end wraps io.ErrUnexpectedEOF, an error of the io.Reader or of the
// Handler that error.
type Error struct {
	Offset int64  // in bytes from the beginning, of what could not be read
	Key    string // whose value that is; empty outside of values
	Err    error
}

// Error tells the offset, the key if there is one, and what is wrong.
func (e *Error) Error() string {
	if e.Key != "" {
		return fmt.Sprintf("rdb: offset %d, key %q: %v", e.Offset, e.Key, e.Err)
	}
	return fmt.Sprintf("rdb: offset %d: %v", e.Offset, e.Err)
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// A Key is what a file says of a key beside its value.
type Key struct {
	// Name is valid as long as the doc of the call says that hands it over.
	Name []byte
	// ExpireAt is the Unix time in milliseconds at which the key expires. Zero
	// means never.
	ExpireAt int64
	// Idle is the number of seconds for which the key was not used, 1 more than
	// that so that zero means unknown.
	Idle int64
	// Freq is the logarithmic counter of LFU. Zero means unknown.
	Freq uint8
}
