package kvstore

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ReplyKind is the kind of a [Reply].
type ReplyKind int

// The kinds of replies.
const (
	NilReply    ReplyKind = iota // no value
	StatusReply                  // Text, as OK
	ErrorReply                   // Text, beginning with a code as ERR
	IntReply                     // Int
	BulkReply                    // Bytes
	ArrayReply                   // Elems
	MapReply                     // Elems: keys and values in turn
	SetReply                     // Elems, without an order
	DoubleReply                  // Float
	BoolReply                    // Int, 0 or 1
)

// A Reply is what a command answers, independent of any protocol. It belongs to the
// caller.
type Reply struct {
	Kind  ReplyKind
	Text  string
	Int   int64
	Float float64
	Bytes []byte
	Elems []Reply
}

// Err returns the error that an ErrorReply is, and nil for other kinds.
func (r Reply) Err() error {
	if r.Kind != ErrorReply {
		return nil
	}
	switch {
	case strings.HasPrefix(r.Text, "WRONGTYPE "):
		return ErrWrongType
	case r.Text == "ERR "+ErrClosed.Error():
		return ErrClosed
	}
	return CommandError(r.Text)
}

// A CommandError is the error text that a command answered.
type CommandError string

// Error returns the text.
func (e CommandError) Error() string { return string(e) }

// String returns a readable form, for logs and tests.
func (r Reply) String() string {
	switch r.Kind {
	case StatusReply, ErrorReply:
		return r.Text
	case IntReply:
		return strconv.FormatInt(r.Int, 10)
	case BoolReply:
		return strconv.FormatBool(r.Int != 0)
	case DoubleReply:
		return string(appendFloat(nil, r.Float))
	case BulkReply:
		return strconv.Quote(string(r.Bytes))
	case ArrayReply, MapReply, SetReply:
		return fmt.Sprint(r.Elems)
	}
	return "(nil)"
}

// parseReply reads a reply of version 3 that a session wrote, and returns what
// follows it.
func parseReply(b []byte) (Reply, []byte) {
	end := bytes.IndexByte(b, '\r')
	line, rest := b[1:end], b[end+2:]
	num := func() int {
		n, _ := strconv.Atoi(string(line)) // our own writer wrote it
		return n
	}
	switch b[0] {
	case '+':
		return Reply{Kind: StatusReply, Text: string(line)}, rest
	case '-':
		return Reply{Kind: ErrorReply, Text: string(line)}, rest
	case ':':
		n, _ := strconv.ParseInt(string(line), 10, 64)
		return Reply{Kind: IntReply, Int: n}, rest
	case '#':
		if line[0] == 't' {
			return Reply{Kind: BoolReply, Int: 1}, rest
		}
		return Reply{Kind: BoolReply}, rest
	case ',':
		f, err := strconv.ParseFloat(string(line), 64)
		if err != nil {
			f = math.NaN()
		}
		return Reply{Kind: DoubleReply, Float: f}, rest
	case '$':
		n := num()
		return Reply{Kind: BulkReply, Bytes: bytes.Clone(rest[:n:n])}, rest[n+2:]
	case '=':
		n := num()
		return Reply{Kind: BulkReply, Bytes: bytes.Clone(rest[4:n:n])}, rest[n+2:]
	case '*', '~', '>', '%':
		r := Reply{Kind: ArrayReply}
		n := num()
		switch b[0] {
		case '~':
			r.Kind = SetReply
		case '%':
			r.Kind = MapReply
			n *= 2
		}
		r.Elems = make([]Reply, n)
		for i := range r.Elems {
			r.Elems[i], rest = parseReply(rest)
		}
		return r, rest
	}
	return Reply{}, rest // '_'
}

const (
	msgWrongType = "WRONGTYPE Operation against a key holding the wrong kind of value"
	msgNotInt    = "ERR value is not an integer or out of range"
	msgNotFloat  = "ERR value is not a valid float"
	msgSyntax    = "ERR syntax error"
	msgNoKey     = "ERR no such key"
	msgRange     = "ERR index out of range"
	msgOverflow  = "ERR increment or decrement would overflow"
	msgHashInt   = "ERR hash value is not an integer"
	msgPositive  = "ERR value is out of range, must be positive"
)
