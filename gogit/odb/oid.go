// Package odb stores Git's objects: loose ones and packs, in the formats of git
// (gitformat-pack, gitformat-loose). It knows no refs and no history.
//
//	store, err := odb.Open("repo/.git/objects")
//	id, err := store.Write(odb.Blob, []byte("hello\n"))
//	kind, data, err := store.Read(id)
//
// A Store may be used by many goroutines at once. Objects are checked against
// their name when they arrive in a pack and when they are read loose. Damage gives
// a [*CorruptError], never a panic; memory is bounded by [MaxObject] and [MaxPack].
package odb

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
)

// An OID is the name of an object: its hash. It is comparable; the zero OID names
// nothing.
type OID struct {
	b [32]byte // SHA-1 uses 20 of them
	n uint8    // length, 0 for the zero OID
}

// HexSize is the length of a name in hexadecimal digits.
const HexSize = 2 * sha1.Size

// ParseOID reads a name in hexadecimal.
func ParseOID(s string) (OID, error) {
	var id OID
	if len(s) != HexSize {
		return OID{}, fmt.Errorf("odb: %q is not an object name", s)
	}
	if _, err := hex.Decode(id.b[:], []byte(s)); err != nil {
		return OID{}, fmt.Errorf("odb: %q is not an object name", s)
	}
	id.n = sha1.Size
	if id.b == ([32]byte{}) {
		return OID{}, nil
	}
	return id, nil
}

// FromBytes makes a name of its binary form, which has 20 bytes.
func FromBytes(b []byte) OID {
	var id OID
	copy(id.b[:], b)
	if id.b != ([32]byte{}) {
		id.n = sha1.Size
	}
	return id
}

// Bytes returns the binary form.
func (id OID) Bytes() []byte { return bytes.Clone(id.b[:sha1.Size]) }

// IsZero tells whether id names nothing.
func (id OID) IsZero() bool { return id == OID{} }

// String returns the hexadecimal form.
func (id OID) String() string { return hex.EncodeToString(id.b[:sha1.Size]) }

// Compare orders names by their bytes.
func (id OID) Compare(other OID) int { return bytes.Compare(id.b[:], other.b[:]) }

// Type is the type of an object.
type Type uint8

// The types, with the numbers that packs use.
const (
	Commit Type = 1
	Tree   Type = 2
	Blob   Type = 3
	Tag    Type = 4
)

// String returns git's name of the type.
func (t Type) String() string {
	switch t {
	case Commit:
		return "commit"
	case Tree:
		return "tree"
	case Blob:
		return "blob"
	case Tag:
		return "tag"
	}
	return "type " + strconv.Itoa(int(t))
}

// ParseType reads git's name of a type.
func ParseType(s string) (Type, error) {
	for t := Commit; t <= Tag; t++ {
		if t.String() == s {
			return t, nil
		}
	}
	return 0, fmt.Errorf("odb: unknown object type %q", s)
}

// Hash returns the name of an object.
func Hash(t Type, data []byte) OID {
	h := sha1.New()
	fmt.Fprintf(h, "%v %d\x00", t, len(data))
	h.Write(data)
	return FromBytes(h.Sum(nil))
}

const (
	// MaxObject bounds the size of one object in bytes.
	MaxObject = 512 << 20
	// MaxPack bounds the size of a pack that is received, in bytes.
	MaxPack = 1 << 30
)

// ErrNotFound is wrapped by the error for an object that does not exist.
var ErrNotFound = errors.New("odb: object not found")

// A CorruptError is damage in a file or a stream.
type CorruptError struct {
	File   string // or what the stream is
	Offset int64
	Msg    string
}

// Error names file, offset and fault.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("odb: %s is corrupt at offset %d: %s", e.File, e.Offset, e.Msg)
}
