package rdb

import (
	"errors"
	"fmt"
	"io"

	"github.com/groundwork-go/groundwork/kvstore/internal/crc64"
)

// A Handler gets what is in a file, in the order of the file. Bytes handed over
// are valid until the call returns, those of [Key.Name] until the last call for
// that key. An error ends the reading and is wrapped by the one of Read.
//
// A collection is one call (IntSet, SetPack, HashPack, ZSetPack) or begins with
// List, Set, Hash or ZSet, whose n is what the file says: it may be far more than
// comes before the reading ends with an error, so memory must not be set aside for
// all of it. Then the elements follow, and End. Packed forms are valid, not empty,
// and have an even number of entries where they consist of pairs; whether fields and
// members are unique and scores are numbers is for the handler to find out.
type Handler interface {
	Aux(name, value []byte) error  // a field of information on the file
	Function(code []byte) error    // the source of a library of functions
	Database(n int) error          // what follows belongs to this database
	Sizes(keys, expires int) error // how many keys it will be, about
	String(k *Key, v []byte) error
	IntSet(k *Key, b []byte) error
	SetPack(k *Key, lp []byte) error
	HashPack(k *Key, lp []byte) error // field, value, ...
	ZSetPack(k *Key, lp []byte) error // member, score, ...

	List(k *Key, n int) error // n nodes or items
	ListPack(lp []byte) error // a node
	ListItem(v []byte) error  // an item
	Set(k *Key, n int) error
	Member(v []byte) error
	Hash(k *Key, n int) error
	Pair(field, v []byte) error
	ZSet(k *Key, n int) error
	Score(member []byte, score float64) error
	End() error // of List, Set, Hash or ZSet
}

// A Reader reads a file.
type Reader struct {
	s       source
	version int
	skipped int

	key   Key
	name  []byte // of key
	text  []byte // scratch for strings
	field []byte // the string before the one in text
	lp    []byte // scratch for conversions
}

// NewReader returns a Reader of r, which it reads in large pieces.
func NewReader(r io.Reader) *Reader {
	return &Reader{s: source{r: r, buf: make([]byte, readBuffer), digest: crc64.New()}}
}

// Version returns the version of the file, once the reading has begun.
func (r *Reader) Version() int { return r.version }

// Offset returns the number of bytes read: after Read, where the file ends. It may
// be called from a method of the handler.
func (r *Reader) Offset() int64 { return r.s.offset() }

// Rest returns the bytes that were read beyond the end of the file.
func (r *Reader) Rest() []byte { return r.s.buf[r.s.pos:r.s.end] }

// Skipped returns the number of keys that had no elements, which Redis once wrote
// by mistake; they are left out.
func (r *Reader) Skipped() int { return r.skipped }

// errEmpty is found before the handler is called for a key.
var errEmpty = errors.New("empty collection")

// Read reads the file up to its checksum. What comes after it is not looked at:
// there may be an append-only log behind. The error is a [*Error].
func (r *Reader) Read(h Handler) error {
	if err := r.read(h); err != nil {
		return r.wrap(err)
	}
	return nil
}

func (r *Reader) wrap(err error) error {
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	return &Error{Offset: r.s.offset(), Key: string(r.key.Name), Err: err}
}

func (r *Reader) read(h Handler) error {
	if err := r.header(); err != nil {
		return err
	}
	for {
		op, err := r.s.byte()
		if err != nil {
			return err
		}
		switch {
		case op == opEOF:
			return r.checksum()
		case op < types:
			err = r.entry(op, h)
		default:
			err = r.operation(op, h)
		}
		if err != nil {
			return err
		}
	}
}

func (r *Reader) header() error {
	b, err := r.s.take(len(magic) + 4)
	if err != nil {
		return err
	}
	if string(b[:len(magic)]) != magic {
		return errors.New("not an RDB file")
	}
	for _, c := range b[len(magic):] {
		if c < '0' || c > '9' {
			return errors.New("not an RDB file")
		}
		r.version = r.version*10 + int(c-'0')
	}
	if r.version < 1 || r.version > MaxVersion {
		return fmt.Errorf("version %d %w", r.version, ErrUnsupported)
	}
	return nil
}

func (r *Reader) checksum() error {
	r.s.sum()
	want := r.s.crc
	if r.version < 5 {
		return nil
	}
	got, err := r.s.uint64()
	if err != nil {
		return err
	}
	if got != 0 && got != want { // zero: written without
		return fmt.Errorf("the checksum is %016x, the data have %016x", got, want)
	}
	return nil
}

// entry reads a key and its value, and hands them over.
func (r *Reader) entry(typ byte, h Handler) error {
	name, err := r.s.string(&r.text)
	if err != nil {
		return err
	}
	r.name = append(r.name[:0], name...)
	r.key.Name = r.name
	err = r.value(typ, h)
	if err == errEmpty {
		r.skipped++
		err = nil
	}
	if err == nil {
		r.key = Key{}
	}
	return err
}

// operation reads what is not a value.
func (r *Reader) operation(op byte, h Handler) error {
	switch op {
	case opAux:
		name, err := r.s.string(&r.text)
		if err != nil {
			return err
		}
		r.field = append(r.field[:0], name...)
		v, err := r.s.string(&r.text)
		if err != nil {
			return err
		}
		return h.Aux(r.field, v)
	case opSelect:
		n, err := r.count31()
		if err != nil {
			return err
		}
		return h.Database(n)
	case opResize:
		keys, err := r.s.count()
		if err != nil {
			return err
		}
		expires, err := r.s.count()
		if err != nil {
			return err
		}
		return h.Sizes(keys, expires)
	case opExpireMS:
		ms, err := r.s.uint64()
		r.key.ExpireAt = int64(ms)
		return err
	case opExpire:
		secs, err := r.s.uint32()
		r.key.ExpireAt = int64(int32(secs)) * 1000
		return err
	case opIdle:
		n, err := r.count31()
		r.key.Idle = int64(n) + 1
		return err
	case opFreq:
		f, err := r.s.byte()
		r.key.Freq = f
		return err
	case opFunction2:
		code, err := r.s.string(&r.text)
		if err != nil {
			return err
		}
		return h.Function(code)
	case opModuleAux:
		return r.skipModule()
	case opSlotInfo:
		for range 3 {
			if _, err := r.s.plainLength(); err != nil {
				return err
			}
		}
		return nil
	case opFunction:
		return fmt.Errorf("functions of a release candidate of Redis 7.0 are %w", ErrUnsupported)
	}
	return fmt.Errorf("unknown opcode %d", op)
}

// count31 reads a number that fits into 31 bits.
func (r *Reader) count31() (int, error) {
	n, err := r.s.plainLength()
	if err == nil && n > 1<<31-1 {
		err = errImpossible
	}
	return int(n), err
}

// skipModule passes over what a module has written beside the keys.
func (r *Reader) skipModule() error {
	if _, err := r.s.plainLength(); err != nil { // the module
		return err
	}
	for {
		op, err := r.s.plainLength()
		if err != nil {
			return err
		}
		switch op {
		case 0:
			return nil
		case 1, 2: // a number
			_, err = r.s.plainLength()
		case 3:
			_, err = r.s.take(4)
		case 4:
			_, err = r.s.take(8)
		case 5:
			_, err = r.s.string(&r.text)
		default:
			err = fmt.Errorf("unknown opcode %d of a module", op)
		}
		if err != nil {
			return err
		}
	}
}

// ErrPayload is the error of Restore for a payload of a newer version or with a
// wrong checksum.
var ErrPayload = errors.New("rdb: payload version or checksum are wrong")

// Restore hands over the value of a payload of DUMP as that of key k. The error is
// [ErrPayload] or a [*Error]; a collection without elements is one too.
func Restore(payload []byte, k Key, h Handler) error {
	body := len(payload) - 10
	if body < 1 {
		return ErrPayload
	}
	version := int(payload[body]) | int(payload[body+1])<<8
	sum := source{buf: payload, pos: body + 2, digest: crc64.New()}
	sum.sum()
	got, _ := (&source{buf: payload, pos: body + 2, end: len(payload)}).uint64() // there are eight bytes
	if version > MaxVersion || got != sum.crc {
		return ErrPayload
	}
	r := Reader{s: source{buf: payload[:body], end: body}, version: version, key: k}
	typ, _ := r.s.byte() // there is one
	err := r.value(typ, h)
	if err == nil && r.s.pos != body {
		err = errors.New("bytes after the value")
	}
	if err != nil {
		return r.wrap(err)
	}
	return nil
}
