package rdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/groundwork-go/groundwork/kvstore/internal/crc64"
)

// WriterOptions tune a Writer. A nil *WriterOptions means the defaults.
type WriterOptions struct {
	// NoCompression leaves long strings as they are instead of trying LZF.
	NoCompression bool
	// NoChecksum writes zero for the checksum, which means that there is none.
	NoChecksum bool
}

// A Writer writes a file. The order of calls is that of the file: Aux and
// Function, then for each database Database and for each of its keys Key, one
// value, and for a value that is not of one call exactly as many elements as was
// announced. A call out of order panics. Bytes passed in are not kept. Errors of the
// io.Writer come from Close, and after one nothing more is written.
type Writer struct {
	w   io.Writer // nil: everything stays in buf
	buf []byte
	err error
	n   int64 // bytes that have gone to w
	o   WriterOptions

	digest crc64.Digest
	crc    uint64
	lzf    *lzfTable
	packed []byte // scratch

	key    Key
	name   []byte // of key
	hasKey bool
	left   int // elements that must still come
	unit   int // values of an element: 2 for a pair
	closed bool
}

const writeBuffer = 64 << 10

// NewWriter returns a Writer to w, with the header written to its buffer.
func NewWriter(w io.Writer, o *WriterOptions) *Writer {
	wr := &Writer{w: w, buf: make([]byte, 0, writeBuffer+1024), digest: crc64.New()}
	if o != nil {
		wr.o = *o
	}
	wr.buf = fmt.Appendf(wr.buf, "%s%04d", magic, Version)
	return wr
}

// Close ends the file and returns the first error. It does not close the
// io.Writer.
func (w *Writer) Close() error {
	if w.closed {
		return w.err
	}
	w.order(w.left == 0 && !w.hasKey, "Close")
	w.closed = true
	w.buf = append(w.buf, opEOF)
	w.flush()
	crc := w.crc
	if w.o.NoChecksum {
		crc = 0
	}
	w.buf = binary.LittleEndian.AppendUint64(w.buf, crc)
	w.flush()
	return w.err
}

// Size returns the number of bytes written so far, with those in the buffer.
func (w *Writer) Size() int64 { return w.n + int64(len(w.buf)) }

// Err returns the first error of the io.Writer.
func (w *Writer) Err() error { return w.err }

func (w *Writer) order(ok bool, call string) {
	if !ok {
		panic("rdb: Writer." + call + " is out of order")
	}
}

func (w *Writer) flush() {
	if !w.o.NoChecksum {
		w.crc = w.digest.Update(w.crc, w.buf)
	}
	if w.err == nil {
		var n int
		n, w.err = w.w.Write(w.buf)
		if w.err == nil && n < len(w.buf) {
			w.err = io.ErrShortWrite
		}
	}
	w.n += int64(len(w.buf))
	w.buf = w.buf[:0]
}

// more is called after every piece.
func (w *Writer) more() {
	if len(w.buf) >= writeBuffer && w.w != nil {
		w.flush()
	}
}

// Aux writes a field of information on the file.
func (w *Writer) Aux(name, value string) {
	w.order(w.left == 0 && !w.hasKey, "Aux")
	w.buf = append(w.buf, opAux)
	w.string([]byte(name))
	w.string([]byte(value))
}

// Function writes the source text of a library of functions.
func (w *Writer) Function(code []byte) {
	w.order(w.left == 0 && !w.hasKey, "Function")
	w.buf = append(w.buf, opFunction2)
	w.string(code)
}

// Database begins a database of a number of keys, of which some expire.
func (w *Writer) Database(n, keys, expires int) {
	w.order(w.left == 0 && !w.hasKey, "Database")
	w.buf = append(w.buf, opSelect)
	w.length(uint64(n))
	w.buf = append(w.buf, opResize)
	w.length(uint64(keys))
	w.length(uint64(expires))
}

// Key is what the next value belongs to.
func (w *Writer) Key(k Key) {
	w.order(w.left == 0 && !w.hasKey && w.w != nil, "Key")
	w.name = append(w.name[:0], k.Name...)
	w.key, w.hasKey = k, true
	w.key.Name = w.name
}

// head writes what comes before a value.
func (w *Writer) head(call string, typ byte) {
	w.order(w.left == 0 && (w.hasKey || w.w == nil && len(w.buf) == 0), call)
	if w.hasKey {
		if w.key.ExpireAt != 0 {
			w.buf = binary.LittleEndian.AppendUint64(append(w.buf, opExpireMS), uint64(w.key.ExpireAt))
		}
		if w.key.Idle > 0 {
			w.buf = append(w.buf, opIdle)
			w.length(uint64(w.key.Idle - 1))
		}
		if w.key.Freq > 0 {
			w.buf = append(w.buf, opFreq, w.key.Freq)
		}
	}
	w.buf = append(w.buf, typ)
	if w.hasKey {
		w.string(w.key.Name)
		w.hasKey = false
	}
}

// String writes a string.
func (w *Writer) String(v []byte) {
	w.head("String", typeString)
	w.string(v)
}

// IntSet writes a set in Redis's packed form of sets of integers.
func (w *Writer) IntSet(b []byte) {
	w.head("IntSet", typeSetIntset)
	w.string(b)
}

// HashPack writes a hash in the form of a listpack of fields and values.
func (w *Writer) HashPack(lp []byte) {
	w.head("HashPack", typeHashListpack)
	w.string(lp)
}

// ZSetPack writes a sorted set in the form of a listpack of members and scores, in
// order.
func (w *Writer) ZSetPack(lp []byte) {
	w.head("ZSetPack", typeZSetListpack)
	w.string(lp)
}

// List begins a list of n nodes; ListPack or ListItem must follow for each.
func (w *Writer) List(n int) { w.begin("List", typeListQuick2, n) }

// Set begins a set of n members; Member must follow for each.
func (w *Writer) Set(n int) { w.begin("Set", typeSet, n) }

// Hash begins a hash of n fields; Pair must follow for each.
func (w *Writer) Hash(n int) { w.begin("Hash", typeHash, n) }

// ZSet begins a sorted set of n members; Score must follow for each, the highest
// first if Redis is to load it fast.
func (w *Writer) ZSet(n int) { w.begin("ZSet", typeZSet2, n) }

func (w *Writer) begin(call string, typ byte, n int) {
	if n < 1 {
		panic("rdb: an empty collection cannot be written")
	}
	w.head(call, typ)
	w.length(uint64(n))
	w.left, w.unit = n, int(typ)
}

func (w *Writer) element(call string, typ int) {
	w.order(w.left > 0 && w.unit == typ, call)
	w.left--
}

// ListPack writes a node that is a listpack.
func (w *Writer) ListPack(lp []byte) {
	w.element("ListPack", typeListQuick2)
	w.length(nodePacked)
	w.string(lp)
}

// ListItem writes a node that is one item.
func (w *Writer) ListItem(v []byte) {
	w.element("ListItem", typeListQuick2)
	w.length(nodePlain)
	w.string(v)
}

// Member writes a member of a set.
func (w *Writer) Member(v []byte) {
	w.element("Member", typeSet)
	w.string(v)
}

// Pair writes a field of a hash.
func (w *Writer) Pair(field, v []byte) {
	w.element("Pair", typeHash)
	w.string(field)
	w.string(v)
}

// Score writes a member of a sorted set. It panics if the score is NaN.
func (w *Writer) Score(member []byte, score float64) {
	w.element("Score", typeZSet2)
	if math.IsNaN(score) {
		panic("rdb: a score is NaN")
	}
	w.string(member)
	w.buf = binary.LittleEndian.AppendUint64(w.buf, math.Float64bits(score))
	w.more()
}

func (w *Writer) length(n uint64) { w.buf = appendLength(w.buf, n) }

func appendLength(b []byte, n uint64) []byte {
	switch {
	case n < 1<<6:
		return append(b, byte(n))
	case n < 1<<14:
		return append(b, 0x40|byte(n>>8), byte(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, 0x80), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, 0x81), n)
}

// string writes a string: an integer as such, a long one compressed if that is
// shorter.
func (w *Writer) string(v []byte) {
	if len(v) <= 11 {
		if n, ok := parseInt32(v); ok {
			w.buf = appendInt(w.buf, n)
			return
		}
	} else if len(v) > 20 && !w.o.NoCompression && len(v) <= math.MaxInt32 {
		if w.lzf == nil {
			w.lzf = new(lzfTable)
		}
		packed, ok := w.lzf.compress(w.packed[:0], v)
		w.packed = packed
		if ok {
			w.buf = append(w.buf, 0xc0|encLZF)
			w.length(uint64(len(packed)))
			w.length(uint64(len(v)))
			w.raw(packed)
			return
		}
	}
	w.length(uint64(len(v)))
	w.raw(v)
}

// raw writes bytes; long ones past the buffer.
func (w *Writer) raw(v []byte) {
	if w.w != nil && len(v) > writeBuffer {
		w.flush()
		saved := w.buf
		w.buf = v
		w.flush()
		w.buf = saved[:0]
		return
	}
	w.buf = append(w.buf, v...)
	w.more()
}

func appendInt(b []byte, n int32) []byte {
	switch {
	case n == int32(int8(n)):
		return append(b, 0xc0, byte(n)) // encInt8 is zero
	case n == int32(int16(n)):
		return binary.LittleEndian.AppendUint16(append(b, 0xc0|encInt16), uint16(n))
	}
	return binary.LittleEndian.AppendUint32(append(b, 0xc0|encInt32), uint32(n))
}

// parseInt32 returns the integer whose decimal form v is.
func parseInt32(v []byte) (int32, bool) {
	if len(v) == 0 || v[0] > '9' || v[0] < '-' || len(v) > 1 && v[0] == '0' {
		return 0, false
	}
	digits, negative := v, v[0] == '-'
	if negative {
		digits = v[1:]
		if len(digits) == 0 || digits[0] == '0' {
			return 0, false
		}
	}
	n := int64(0)
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if negative {
		n = -n
	}
	return int32(n), n == int64(int32(n))
}

// NewDump returns a Writer for one value without a key, whose payload, as DUMP
// gives it, [Writer.Dump] returns.
func NewDump(o *WriterOptions) *Writer {
	w := &Writer{digest: crc64.New()}
	if o != nil {
		w.o = *o
	}
	return w
}

// Dump returns the payload of the value that was written and makes the Writer
// ready for the next one. The payload is valid until then.
func (w *Writer) Dump() []byte {
	w.order(w.w == nil && w.left == 0 && len(w.buf) > 0, "Dump")
	b := binary.LittleEndian.AppendUint16(w.buf, Version)
	b = binary.LittleEndian.AppendUint64(b, w.digest.Update(0, b))
	w.buf = b[:0]
	return b
}

var errImpossible = errors.New("impossible length")

// formatInt is the text of an integer that was written in a short form.
func formatInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }
