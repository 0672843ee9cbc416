package kvstore

import (
	"math"
	"slices"
	"strconv"
)

// A writer appends the replies of a session in its version of the protocol.
type writer struct {
	b     []byte
	proto int
}

func (w *writer) head(kind byte, n int64) {
	w.b = append(w.b, kind)
	if 0 <= n && n < 10 {
		w.b = append(w.b, '0'+byte(n), '\r', '\n')
		return
	}
	w.b = strconv.AppendInt(w.b, n, 10)
	w.b = append(w.b, '\r', '\n')
}

func (w *writer) ok()             { w.b = append(w.b, "+OK\r\n"...) }
func (w *writer) int(n int64)     { w.head(':', n) }
func (w *writer) array(n int)     { w.head('*', int64(n)) }
func (w *writer) count(n int)     { w.head(':', int64(n)) }
func (w *writer) emptyArray()     { w.b = append(w.b, "*0\r\n"...) }
func (w *writer) status(s string) { w.b = append(append(append(w.b, '+'), s...), '\r', '\n') }

func (w *writer) bool(b bool) {
	if b {
		w.b = append(w.b, ":1\r\n"...)
	} else {
		w.b = append(w.b, ":0\r\n"...)
	}
}

// trueFalse is a boolean of version 3.
func (w *writer) trueFalse(b bool) {
	switch {
	case w.proto < 3:
		w.bool(b)
	case b:
		w.b = append(w.b, "#t\r\n"...)
	default:
		w.b = append(w.b, "#f\r\n"...)
	}
}

func (w *writer) bulk(v []byte) {
	w.head('$', int64(len(v)))
	w.b = append(append(w.b, v...), '\r', '\n')
}

func (w *writer) str(v string) {
	w.head('$', int64(len(v)))
	w.b = append(append(w.b, v...), '\r', '\n')
}

func (w *writer) null() {
	if w.proto < 3 {
		w.b = append(w.b, "$-1\r\n"...)
	} else {
		w.b = append(w.b, "_\r\n"...)
	}
}

func (w *writer) nullArray() {
	if w.proto < 3 {
		w.b = append(w.b, "*-1\r\n"...)
	} else {
		w.b = append(w.b, "_\r\n"...)
	}
}

// mapHead announces n pairs, setHead and pushHead n elements; in version 2 all are
// arrays.
func (w *writer) mapHead(n int) {
	if w.proto < 3 {
		w.array(2 * n)
	} else {
		w.head('%', int64(n))
	}
}

func (w *writer) setHead(n int) {
	if w.proto < 3 {
		w.array(n)
	} else {
		w.head('~', int64(n))
	}
}

func (w *writer) pushHead(n int) {
	if w.proto < 3 {
		w.array(n)
	} else {
		w.head('>', int64(n))
	}
}

func (w *writer) double(f float64) {
	var scratch [40]byte
	text := appendFloat(scratch[:0], f)
	if w.proto < 3 {
		w.bulk(text)
		return
	}
	if math.IsNaN(f) {
		text = []byte("nan")
	}
	w.b = append(append(append(w.b, ','), text...), '\r', '\n')
}

func (w *writer) verbatim(format, v string) {
	if w.proto < 3 {
		w.str(v)
		return
	}
	w.head('=', int64(len(v)+4))
	w.b = append(append(append(append(w.b, format...), ':'), v...), '\r', '\n')
}

// fail appends an error. Line ends in it become spaces, so that it stays one reply.
func (w *writer) fail(text string) {
	w.b = append(w.b, '-')
	at := len(w.b)
	w.b = append(w.b, text...)
	for i := at; i < len(w.b); i++ {
		if c := w.b[i]; c == '\r' || c == '\n' {
			w.b[i] = ' '
		}
	}
	w.b = append(w.b, '\r', '\n')
}

// headAt inserts a head before what was appended since a position, when the number
// of elements is only known at the end.
func (w *writer) headAt(at int, kind byte, n int) {
	var scratch [24]byte
	h := append(strconv.AppendInt(append(scratch[:0], kind), int64(n), 10), '\r', '\n')
	w.b = slices.Insert(w.b, at, h...)
}

func (w *writer) arrayAt(at, n int) { w.headAt(at, '*', n) }

func (w *writer) setAt(at, n int) {
	if w.proto < 3 {
		w.headAt(at, '*', n)
	} else {
		w.headAt(at, '~', n)
	}
}

// An openMap is a map whose number of pairs is known at its end.
type openMap struct {
	w     *writer
	at, n int
}

func (w *writer) openMap() *openMap { return &openMap{w: w, at: len(w.b)} }

// name begins a pair, whose value the caller appends.
func (m *openMap) name(name string) {
	m.w.str(name)
	m.n++
}

// text appends a pair, unless its value is empty.
func (m *openMap) text(name, v string) {
	if v != "" {
		m.name(name)
		m.w.str(v)
	}
}

func (m *openMap) end() {
	if m.w.proto < 3 {
		m.w.headAt(m.at, '*', 2*m.n)
	} else {
		m.w.headAt(m.at, '%', m.n)
	}
}

// appendArgs appends a command as clients send it.
func appendArgs[T string | []byte](dst []byte, args ...T) []byte {
	w := writer{b: dst}
	w.array(len(args))
	for _, a := range args {
		w.head('$', int64(len(a)))
		w.b = append(append(w.b, a...), '\r', '\n')
	}
	return w.b
}
