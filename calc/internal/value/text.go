package value

import (
	"errors"
	"math"
	"slices"
	"strconv"

	"github.com/groundwork-go/groundwork/calc/internal/types"
)

// MaxNesting bounds how deep text and equality look into a value.
const MaxNesting = 10_000

// ErrNested is the error of a value that is nested deeper than MaxNesting.
var ErrNested = errors.New("nested too deeply")

// ErrLong is the error of a text that does not fit.
var ErrLong = errors.New("text is too long")

// Text returns what print writes for a value of type t (section 6 of the
// reference). A text of more than about limit bytes is ErrLong: what is shared
// appears each time, so a small value may have a text of any length.
func Text(t *types.Type, v Value, limit int64) (string, error) {
	if t.Is(types.KString) {
		return v.Str(), nil
	}
	w := writer{limit: limit}
	w.write(t, v, false)
	return string(w.b), w.err
}

type writer struct {
	b     []byte
	open  []*Obj // values that are being written
	limit int64
	err   error // nothing more is written then
}

// write appends a value; strings inside of others are quoted.
func (w *writer) write(t *types.Type, v Value, inside bool) {
	if w.err != nil {
		return
	}
	if int64(len(w.b)) > w.limit {
		w.err = ErrLong
		return
	}
	t = t.Decided()
	switch t.Kind {
	case types.KInt:
		w.b = strconv.AppendInt(w.b, v.Int(), 10)
		return
	case types.KFloat:
		w.b = AppendFloat(w.b, v.Float())
		return
	case types.KBool:
		w.b = strconv.AppendBool(w.b, v.Bool())
		return
	case types.KFunc, types.KPending:
		w.b = append(w.b, "func"...)
		return
	}
	if v.P == nil {
		w.b = append(w.b, "nil"...)
		return
	}
	switch t.Kind {
	case types.KString:
		if inside {
			w.b = AppendQuote(w.b, v.Str())
		} else {
			w.b = append(w.b, v.Str()...)
		}
	case types.KOption:
		w.write(t.Elem, Unbox(t.Elem, v.P), inside)
	case types.KAny:
		held := TypeOfAny(v.P)
		w.write(held, Unbox(held, v.P), inside)
	case types.KOpaque:
		w.b = append(append(append(w.b, '<'), t.Name...), '>')
	default:
		w.nested(t, v.P)
	}
}

// nested appends a list, map or struct.
func (w *writer) nested(t *types.Type, p *Obj) {
	if slices.Contains(w.open, p) {
		w.b = append(w.b, "..."...)
		return
	}
	if len(w.open) >= MaxNesting {
		w.err = ErrNested
		return
	}
	w.open = append(w.open, p)
	switch t.Kind {
	case types.KList:
		w.b = append(w.b, '[')
		r := RepOf(t.Elem)
		for i := range Len(r, p) {
			w.comma(i)
			w.write(t.Elem, At(r, p, i), true)
		}
		w.b = append(w.b, ']')
	case types.KMap:
		w.b = append(w.b, '{')
		i := 0
		for k, v := range p.Map().All() {
			w.comma(i)
			w.write(t.Key, k, true)
			w.b = append(w.b, ": "...)
			w.write(t.Elem, v, true)
			i++
		}
		w.b = append(w.b, '}')
	case types.KStruct:
		w.b = append(append(w.b, t.Struct.Name...), '{')
		var at Fields
		for i, f := range t.Struct.Fields {
			w.comma(i)
			w.b = append(append(w.b, f.Name...), ": "...)
			w.write(f.Type, at.Next(f.Type, p.Struct()), true)
		}
		w.b = append(w.b, '}')
	}
	w.open = w.open[:len(w.open)-1]
}

func (w *writer) comma(i int) {
	if i > 0 {
		w.b = append(w.b, ", "...)
	}
}

// Fields walks through the fields of a struct. The zero Fields stands before the
// first.
type Fields struct{ n, p int }

// Next returns the value of the next field, which is of type t.
func (f *Fields) Next(t *types.Type, s *Struct) Value {
	if t.IsWord() {
		f.n++
		return Value{N: s.N[f.n-1]}
	}
	f.p++
	return Value{P: s.P[f.p-1]}
}

// Slot returns where a struct of type t keeps field i: among its words, or among
// its references.
func Slot(t *types.Type, i int) (word bool, slot int) {
	fields := t.Decided().Struct.Fields
	word = fields[i].Type.IsWord()
	for _, f := range fields[:i] {
		if f.Type.IsWord() == word {
			slot++
		}
	}
	return word, slot
}

// AppendFloat appends the shortest text that reads back as f, in plain decimals
// where 1e-6 <= |f| < 1e21.
func AppendFloat(b []byte, f float64) []byte {
	switch abs := math.Abs(f); {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case f != 0 && (abs < 1e-6 || abs >= 1e21):
		return strconv.AppendFloat(b, f, 'e', -1, 64) // +Inf and -Inf too
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}

// AppendQuote appends s quoted, with " \ newline, tab and return escaped.
func AppendQuote(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\t':
			b = append(b, `\t`...)
		case '\r':
			b = append(b, `\r`...)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// Quote returns s quoted as AppendQuote does.
func Quote(s string) string { return string(AppendQuote(nil, s)) }
