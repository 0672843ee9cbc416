// Package pktline reads and writes Git's pkt-lines and the side band
// (gitprotocol-common). It knows no commands.
package pktline

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// MaxData is the most that one line holds.
const MaxData = 65516

// ErrFormat is wrapped by errors about malformed lines.
var ErrFormat = errors.New("pktline: malformed line")

// A Reader reads lines.
type Reader struct{ r *bufio.Reader }

// NewReader returns a Reader of r.
func NewReader(r io.Reader) *Reader { return &Reader{bufio.NewReaderSize(r, 64<<10)} }

// Next returns the next line; flush tells that it was a flush packet.
func (r *Reader) Next() (data []byte, flush bool, err error) {
	var head [4]byte
	if _, err := io.ReadFull(r.r, head[:]); err != nil {
		return nil, false, err
	}
	n, err := strconv.ParseUint(string(head[:]), 16, 16)
	if err != nil || n > MaxData+4 || n > 0 && n < 4 {
		return nil, false, fmt.Errorf("%w: length %q", ErrFormat, head)
	}
	if n == 0 {
		return nil, true, nil
	}
	data = make([]byte, n-4)
	if _, err := io.ReadFull(r.r, data); err != nil {
		return nil, false, io.ErrUnexpectedEOF
	}
	return data, false, nil
}

// Line is Next for text: the newline at its end is cut off.
func (r *Reader) Line() (line string, flush bool, err error) {
	data, flush, err := r.Next()
	return strings.TrimSuffix(string(data), "\n"), flush, err
}

// Starts tells whether the next line begins with one of the texts, of three bytes
// each, without consuming it.
func (r *Reader) Starts(texts ...string) bool {
	b, err := r.r.Peek(7)
	if err != nil {
		return false
	}
	for _, t := range texts {
		if string(b[4:]) == t {
			return true
		}
	}
	return false
}

// Rest returns what follows the lines.
func (r *Reader) Rest() io.Reader { return r.r }

// Append appends a line.
func Append(dst []byte, data string) []byte {
	return append(fmt.Appendf(dst, "%04x", len(data)+4), data...)
}

// Flush is the flush packet.
const Flush = "0000"

// Bands of the side band.
const (
	BandData     = 1
	BandProgress = 2
	BandError    = 3
)

// A BandWriter writes to a band, or without one if Band is 0.
type BandWriter struct {
	W    io.Writer
	Band byte
	// Flush, if not nil, is called after each packet.
	Flush func()
}

// Write sends p in as many packets as it takes.
func (b *BandWriter) Write(p []byte) (int, error) {
	if b.Band == 0 {
		return b.W.Write(p)
	}
	total := 0
	for len(p) > 0 {
		n := min(len(p), MaxData-1)
		packet := Append(nil, string(rune(b.Band))+string(p[:n]))
		if _, err := b.W.Write(packet); err != nil {
			return total, err
		}
		if b.Flush != nil {
			b.Flush()
		}
		total += n
		p = p[n:]
	}
	return total, nil
}

// A BandReader yields the data band of a stream; progress is written to Progress,
// if that is not nil, and an error band is an error.
type BandReader struct {
	R        *Reader
	Progress io.Writer
	rest     []byte
}

// Read reads data.
func (b *BandReader) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		data, flush, err := b.R.Next()
		if errors.Is(err, io.EOF) || flush {
			return 0, io.EOF
		}
		if err != nil {
			return 0, err
		}
		if len(data) == 0 {
			continue
		}
		switch data[0] {
		case BandData:
			b.rest = data[1:]
		case BandProgress:
			if b.Progress != nil {
				if _, err := b.Progress.Write(data[1:]); err != nil {
					return 0, err
				}
			}
		case BandError:
			return 0, fmt.Errorf("remote error: %s", strings.TrimSpace(string(data[1:])))
		default:
			return 0, fmt.Errorf("%w: band %d", ErrFormat, data[0])
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}
