// Package resp reads and writes RESP, the Redis serialization protocol, versions
// 2 and 3 (https://redis.io/docs/latest/develop/reference/protocol-spec/). It
// knows no commands.
//
//	r := resp.NewReader(conn, nil)
//	args, err := r.ReadCommand()
//	conn.Write(resp.AppendSimple(nil, "OK"))
//
// Input of any kind gives a value or an error; memory is bounded by [Limits].
package resp

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"strconv"
)

// Limits bound what a Reader accepts. A zero field has its default.
type Limits struct {
	// Args bounds the arguments of a command. Zero means 1,048,576.
	Args int
	// Bulk bounds the bytes of one argument. Zero means 512 MiB.
	Bulk int
	// Inline bounds an inline command's line in bytes. Zero means 64 KiB.
	Inline int
}

// A ProtocolError is malformed input. After it the stream cannot be read on.
type ProtocolError struct{ Msg string }

// Error returns the text that Redis sends to the client.
func (e *ProtocolError) Error() string { return "Protocol error: " + e.Msg }

// A Reader reads commands from a stream. It is for one goroutine at a time.
type Reader struct {
	r      *bufio.Reader
	limits Limits
}

// NewReader returns a Reader of r. Nil limits mean the defaults.
func NewReader(r io.Reader, l *Limits) *Reader {
	rd := &Reader{r: bufio.NewReaderSize(r, 16<<10)}
	if l != nil {
		rd.limits = *l
	}
	if rd.limits.Args == 0 {
		rd.limits.Args = 1 << 20
	}
	if rd.limits.Bulk == 0 {
		rd.limits.Bulk = 512 << 20
	}
	if rd.limits.Inline == 0 {
		rd.limits.Inline = 64 << 10
	}
	return rd
}

// Buffered returns how many bytes were read from the stream and not used yet.
func (r *Reader) Buffered() int { return r.r.Buffered() }

// ReadCommand reads one command: an array of bulk strings, or an inline line of
// words. Empty ones are passed over. The arguments belong to the caller. The
// errors are io.EOF between commands, io.ErrUnexpectedEOF inside of one, a
// [*ProtocolError], or that of the stream.
func (r *Reader) ReadCommand() ([][]byte, error) {
	for {
		first, err := r.r.ReadByte()
		if err != nil {
			return nil, err
		}
		var args [][]byte
		if first == '*' {
			args, err = r.multibulk()
		} else {
			_ = r.r.UnreadByte() // directly after ReadByte it cannot fail
			args, err = r.inline()
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil || len(args) > 0 {
			return args, err
		}
	}
}

func (r *Reader) multibulk() ([][]byte, error) {
	n, err := r.length("invalid multibulk length", int64(r.limits.Args))
	if err != nil || n <= 0 {
		return nil, err
	}
	// The announced number is not believed before the arguments are there.
	args := make([][]byte, 0, min(n, 64))
	for range n {
		c, err := r.r.ReadByte()
		if err != nil {
			return nil, err
		}
		if c != '$' {
			return nil, &ProtocolError{"expected '$', got '" + string(printable([]byte{c})) + "'"}
		}
		size, err := r.length("invalid bulk length", int64(r.limits.Bulk))
		if err != nil {
			return nil, err
		}
		if size < 0 {
			return nil, &ProtocolError{"invalid bulk length"}
		}
		arg, err := r.bytes(int(size))
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
	return args, nil
}

// printable is a byte as it can stand in an error, as Redis has it there.
func printable(b []byte) []byte {
	if b[0] == '\r' || b[0] == '\n' {
		return []byte{' '}
	}
	return b
}

// length reads a number and the end of its line.
func (r *Reader) length(msg string, most int64) (int64, error) {
	line, err := r.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return 0, &ProtocolError{msg}
	}
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(string(bytes.TrimSuffix(line[:len(line)-1], []byte("\r"))), 10, 64)
	if err != nil || n > most {
		return 0, &ProtocolError{msg}
	}
	return n, nil
}

// bytes reads size bytes and the line end behind them, in growing pieces: a
// client that announces much and sends little costs little.
func (r *Reader) bytes(size int) ([]byte, error) {
	b := make([]byte, min(size, 64<<10))
	for have := 0; ; {
		n, err := io.ReadFull(r.r, b[have:])
		have += n
		if err != nil {
			return nil, err
		}
		if have == size {
			break
		}
		grown := make([]byte, min(size, 2*len(b)))
		copy(grown, b)
		b = grown
	}
	var end [2]byte
	if _, err := io.ReadFull(r.r, end[:]); err != nil {
		return nil, err
	}
	if end != [2]byte{'\r', '\n'} {
		return nil, &ProtocolError{"expected CRLF after bulk"}
	}
	return b, nil
}

func (r *Reader) inline() ([][]byte, error) {
	var line []byte
	for {
		part, err := r.r.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > r.limits.Inline {
			return nil, &ProtocolError{"too big inline request"}
		}
		if err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
	}
	return splitInline(bytes.TrimRight(line, "\r\n"))
}

// splitInline splits a line into words; "..." knows escapes, '...' only \'.
func splitInline(line []byte) ([][]byte, error) {
	var args [][]byte
	unbalanced := &ProtocolError{"unbalanced quotes in request"}
	for i := 0; ; {
		for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
			i++
		}
		if i == len(line) {
			return args, nil
		}
		word := []byte{}
		quote := byte(0)
		for ; i < len(line); i++ {
			c := line[i]
			switch {
			case quote == 0 && (c == ' ' || c == '\t'):
			case quote == 0 && (c == '"' || c == '\'') && len(word) == 0:
				quote = c
				continue
			case quote != 0 && c == quote:
				if i+1 < len(line) && line[i+1] != ' ' && line[i+1] != '\t' {
					return nil, unbalanced
				}
				quote = 0
				i++
			case quote == '"' && c == '\\' && i+1 < len(line):
				i++
				if line[i] == 'x' && i+2 < len(line) {
					if n, err := strconv.ParseUint(string(line[i+1:i+3]), 16, 8); err == nil {
						word = append(word, byte(n))
						i += 2
						continue
					}
				}
				word = append(word, unescape(line[i]))
				continue
			case quote == '\'' && c == '\\' && i+1 < len(line) && line[i+1] == '\'':
				i++
				word = append(word, '\'')
				continue
			default:
				word = append(word, c)
				continue
			}
			break
		}
		if quote != 0 {
			return nil, unbalanced
		}
		args = append(args, word)
	}
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'a':
		return '\a'
	}
	return c
}

func appendHeader(dst []byte, kind byte, n int64) []byte {
	dst = append(dst, kind)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, '\r', '\n')
}

// AppendSimple appends a simple string, which holds no line end.
func AppendSimple(dst []byte, s string) []byte {
	dst = append(append(dst, '+'), s...)
	return append(dst, '\r', '\n')
}

// AppendError appends an error: a code and a message. Line ends in it become
// spaces, so that it stays one reply.
func AppendError(dst []byte, s string) []byte {
	dst = append(dst, '-')
	for i := range len(s) {
		if c := s[i]; c == '\r' || c == '\n' {
			dst = append(dst, ' ')
		} else {
			dst = append(dst, c)
		}
	}
	return append(dst, '\r', '\n')
}

// AppendInt appends an integer.
func AppendInt(dst []byte, n int64) []byte { return appendHeader(dst, ':', n) }

// AppendBulk appends a bulk string.
func AppendBulk[T string | []byte](dst []byte, s T) []byte {
	dst = appendHeader(dst, '$', int64(len(s)))
	dst = append(dst, s...)
	return append(dst, '\r', '\n')
}

// AppendArray appends the header of an array; its n elements follow.
func AppendArray(dst []byte, n int) []byte { return appendHeader(dst, '*', int64(n)) }

// AppendNil appends nil: in version 2 as a bulk string.
func AppendNil(dst []byte, version int) []byte {
	if version < 3 {
		return append(dst, "$-1\r\n"...)
	}
	return append(dst, "_\r\n"...)
}

// AppendNilArray appends nil where an array was expected.
func AppendNilArray(dst []byte, version int) []byte {
	if version < 3 {
		return append(dst, "*-1\r\n"...)
	}
	return append(dst, "_\r\n"...)
}

// AppendMap appends the header of a map of n pairs: in version 2 of an array.
func AppendMap(dst []byte, n, version int) []byte {
	if version < 3 {
		return AppendArray(dst, 2*n)
	}
	return appendHeader(dst, '%', int64(n))
}

// AppendSet appends the header of a set: in version 2 of an array.
func AppendSet(dst []byte, n, version int) []byte {
	if version < 3 {
		return AppendArray(dst, n)
	}
	return appendHeader(dst, '~', int64(n))
}

// AppendPush appends the header of an out-of-band message: in version 2 of an
// array.
func AppendPush(dst []byte, n, version int) []byte {
	if version < 3 {
		return AppendArray(dst, n)
	}
	return appendHeader(dst, '>', int64(n))
}

// AppendDouble appends a floating point number: in version 2 as a bulk string.
func AppendDouble(dst []byte, f float64, version int) []byte {
	text := FormatDouble(f)
	if version < 3 {
		return AppendBulk(dst, text)
	}
	return append(append(append(dst, ','), text...), '\r', '\n')
}

// FormatDouble returns the text of a number as the protocol writes it.
func FormatDouble(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	return strconv.FormatFloat(f, 'g', 17, 64)
}

// AppendCommand appends a command as clients send it.
func AppendCommand[T string | []byte](dst []byte, args ...T) []byte {
	dst = AppendArray(dst, len(args))
	for _, a := range args {
		dst = AppendBulk(dst, a)
	}
	return dst
}
