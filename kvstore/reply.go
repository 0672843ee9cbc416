package kvstore

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// ReplyKind is the kind of a [Reply].
type ReplyKind int

// The kinds of replies.
const (
	NilReply      ReplyKind = iota // no value
	StatusReply                    // Text, as OK
	ErrorReply                     // Text, beginning with a code as ERR
	IntReply                       // Int
	BulkReply                      // Bytes
	ArrayReply                     // Elems
	MapReply                       // Elems: keys and values in turn
	NilArrayReply                  // no value where an array was expected
)

// A Reply is what a command answers, independent of any protocol. What [DB.Do]
// returns belongs to the caller; what [Session.Do] returns may only be read.
type Reply struct {
	Kind  ReplyKind
	Text  string
	Int   int64
	Bytes []byte
	Elems []Reply
}

// Err returns the error that an ErrorReply is, and nil for other kinds.
func (r Reply) Err() error {
	if r.Kind != ErrorReply {
		return nil
	}
	if strings.HasPrefix(r.Text, "WRONGTYPE ") {
		return ErrWrongType
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
	case BulkReply:
		return strconv.Quote(string(r.Bytes))
	case ArrayReply, MapReply:
		return fmt.Sprint(r.Elems)
	}
	return "(nil)"
}

// clone copies what the store still refers to.
func (r Reply) clone() Reply {
	r.Bytes = bytes.Clone(r.Bytes)
	for i := range r.Elems {
		r.Elems[i] = r.Elems[i].clone()
	}
	return r
}

func status(s string) Reply     { return Reply{Kind: StatusReply, Text: s} }
func integer(n int64) Reply     { return Reply{Kind: IntReply, Int: n} }
func bulk(b []byte) Reply       { return Reply{Kind: BulkReply, Bytes: b} }
func text(s string) Reply       { return Reply{Kind: BulkReply, Bytes: []byte(s)} }
func array(elems []Reply) Reply { return Reply{Kind: ArrayReply, Elems: elems} }
func fail(format string, a ...any) Reply {
	return Reply{Kind: ErrorReply, Text: fmt.Sprintf(format, a...)}
}

func boolean(b bool) Reply {
	if b {
		return integer(1)
	}
	return integer(0)
}

const (
	msgWrongType = "WRONGTYPE Operation against a key holding the wrong kind of value"
	msgNotInt    = "ERR value is not an integer or out of range"
	msgNotFloat  = "ERR value is not a valid float"
	msgSyntax    = "ERR syntax error"
	msgNoKey     = "ERR no such key"
	msgRange     = "ERR index out of range"
)
