// Package replay records what is asked of an allocator and asks the same of others,
// to compare their time, their peak and their fragmentation on one's own workload.
//
//	rec := replay.NewRecorder(heap, file)
//	... use rec in place of heap ...
//	err := rec.Close()
//
//	trace, err := replay.Load(file)
//	report, err := replay.Run(ctx, trace, allocator, nil)
//
// There are generators for classic workloads: [Larson], [ProducerConsumer], [Sh6],
// [Churn]. [Arena] and [Slabs] adapt what has no method Free for any block.
//
// # Format of a trace
//
// The 8 bytes "gwalloc1", then records, each an unsigned varint v; v>>2 is:
//
//	v&3 == 0   the size of a block that is allocated; blocks are numbered from 0
//	v&3 == 1   how many blocks ago the block was allocated that is freed, from 1 on
//	v&3 == 2   the worker that the following records are of; at first it is 0
//	v&3 == 3   the number of records before it; the last record
//
// followed by the CRC-32C of all bytes before it, least byte first.
package replay

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"math"
)

// ErrTrace is wrapped by errors about a trace that is damaged, with the offset in
// bytes.
var ErrTrace = errors.New("replay: bad trace")

const (
	magic = "gwalloc1"

	kindAlloc  = 0
	kindFree   = 1
	kindWorker = 2
	kindEnd    = 3

	// MaxEvents bounds the events that Load reads.
	MaxEvents = 1 << 26
	// MaxWorkers bounds the workers in what Load reads.
	MaxWorkers = 1 << 10
)

// An Event is one call.
type Event struct {
	Size   int    // of the block that is allocated; 0: a block is freed
	Block  uint32 // the number of the block
	Worker uint32
}

// A Trace is a sequence of calls. Each block is freed at most once, after it was
// allocated.
type Trace struct {
	Events  []Event
	Blocks  int // number of blocks
	Workers int
}

// Load reads a trace. The error wraps [ErrTrace] if it is damaged or has more than
// [MaxEvents] events, or is the reader's.
func Load(r io.Reader) (*Trace, error) {
	l := &loader{r: bufio.NewReader(r), sum: crc32.New(crc32.MakeTable(crc32.Castagnoli)), t: &Trace{Workers: 1}}
	if err := l.load(); err != nil {
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			err = fmt.Errorf("%w: cut off at byte %d", ErrTrace, l.at)
		}
		return nil, err
	}
	return l.t, nil
}

type loader struct {
	r     *bufio.Reader
	sum   hash.Hash32
	at    int64 // bytes read
	err   error // of r
	t     *Trace
	freed []bool // by block
}

// ReadByte is for binary.ReadUvarint.
func (l *loader) ReadByte() (byte, error) {
	c, err := l.r.ReadByte()
	if l.err = err; err == nil {
		l.at++
		l.sum.Write([]byte{c})
	}
	return c, err
}

func (l *loader) bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s, before byte %d", ErrTrace, fmt.Sprintf(format, args...), l.at)
}

func (l *loader) load() error {
	for i := range len(magic) {
		c, err := l.ReadByte()
		if err != nil {
			return err
		}
		if c != magic[i] {
			return l.bad("it does not begin with %q", magic)
		}
	}
	worker := uint32(0)
	for records := uint64(0); ; records++ {
		v, err := binary.ReadUvarint(l)
		if err != nil {
			if l.err != nil {
				return l.err
			}
			return l.bad("%v", err)
		}
		arg := v >> 2
		switch v & 3 {
		case kindEnd:
			if arg != records {
				return l.bad("%d records, not %d", records, arg)
			}
			return l.end()
		case kindWorker:
			if arg >= MaxWorkers {
				return l.bad("worker %d", arg)
			}
			worker = uint32(arg)
			l.t.Workers = max(l.t.Workers, int(arg)+1)
			continue
		}
		if len(l.t.Events) == MaxEvents {
			return l.bad("more than %d events", MaxEvents)
		}
		if v&3 == kindAlloc {
			err = l.alloc(arg, worker)
		} else {
			err = l.free(arg, worker)
		}
		if err != nil {
			return err
		}
	}
}

func (l *loader) alloc(size uint64, worker uint32) error {
	if size == 0 || size > math.MaxInt/4 {
		return l.bad("block of %d bytes", size)
	}
	l.t.Events = append(l.t.Events, Event{int(size), uint32(l.t.Blocks), worker})
	l.t.Blocks++
	l.freed = append(l.freed, false)
	return nil
}

func (l *loader) free(ago uint64, worker uint32) error {
	if ago == 0 || ago > uint64(l.t.Blocks) {
		return l.bad("free of a block that is not there")
	}
	block := uint32(l.t.Blocks - int(ago))
	if l.freed[block] {
		return l.bad("block %d is freed twice", block)
	}
	l.freed[block] = true
	l.t.Events = append(l.t.Events, Event{0, block, worker})
	return nil
}

func (l *loader) end() error {
	want := l.sum.Sum32()
	var tail [4]byte
	if _, err := io.ReadFull(l.r, tail[:]); err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(tail[:]) != want {
		return l.bad("the checksum is wrong")
	}
	return nil
}

// Save writes a trace.
func (t *Trace) Save(w io.Writer) error {
	s := newWriter(w)
	worker, blocks := uint32(0), 0
	for _, e := range t.Events {
		if e.Worker != worker {
			worker = e.Worker
			s.record(kindWorker, uint64(worker))
		}
		if e.Size > 0 {
			blocks++
			s.record(kindAlloc, uint64(e.Size))
		} else {
			s.record(kindFree, uint64(blocks)-uint64(e.Block))
		}
	}
	return s.end()
}

// writer writes the records of a trace.
type writer struct {
	w       *bufio.Writer
	sum     hash.Hash32
	records uint64
	err     error
}

func newWriter(w io.Writer) *writer {
	s := &writer{w: bufio.NewWriter(w), sum: crc32.New(crc32.MakeTable(crc32.Castagnoli))}
	s.write([]byte(magic))
	return s
}

func (s *writer) write(b []byte) {
	if s.err == nil {
		s.sum.Write(b)
		_, s.err = s.w.Write(b)
	}
}

func (s *writer) record(kind, arg uint64) {
	var b [binary.MaxVarintLen64]byte
	s.write(b[:binary.PutUvarint(b[:], arg<<2|kind)])
	s.records++
}

func (s *writer) end() error {
	s.record(kindEnd, s.records)
	if s.err != nil {
		return s.err
	}
	if _, err := s.w.Write(binary.LittleEndian.AppendUint32(nil, s.sum.Sum32())); err != nil {
		return err
	}
	return s.w.Flush()
}
