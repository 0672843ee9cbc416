// Package aof keeps an append-only file of units. A unit is any bytes followed by
// a line "#CRC32C:<length>:<checksum>", which Redis's own reader of such files
// skips as a comment. It knows nothing of what the units say.
package aof

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// Policy says when the file is synced.
type Policy int

// The policies.
const (
	EverySec Policy = iota // once a second
	Always                 // before Wait returns; all who wait share one sync
	Never                  // left to the system
)

// ErrClosed is returned after Close.
var ErrClosed = errors.New("aof: closed")

// A DamageError is damage that valid units follow, so that it is no torn tail.
type DamageError struct{ Offset int64 }

// Error names the offset.
func (e *DamageError) Error() string {
	return fmt.Sprintf("damage at offset %d, valid data after it", e.Offset)
}

// A Log is an open file. All methods may be called concurrently.
type Log struct {
	path   string
	policy Policy

	mu      sync.Mutex
	file    *os.File // guarded by mu; written to by the syncing goroutine only
	pending []byte   // guarded by mu
	spare   []byte   // guarded by mu
	added   int64    // guarded by mu; number of the last unit
	written int64    // guarded by mu; units up to here are in the file
	synced  int64    // guarded by mu; units up to here are on disk
	size    int64    // guarded by mu; of the file and of what is pending
	err     error    // guarded by mu; the last write failed
	closed  bool     // guarded by mu
	wake    chan struct{}
	done    chan struct{}
	change  *sync.Cond // of written, synced, err
}

const prefix = "#CRC32C:"

func table() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// Open replays the units of the file at path, which may not exist, and opens it
// for appending. A torn or garbage tail is cut off; dropped is its length. Damage
// inside gives a [*DamageError], an error of apply is returned as it is.
func Open(path string, policy Policy, apply func(unit []byte, offset int64) error) (l *Log, dropped int64, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // the first error counts
		}
	}()
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, 0, err
	}
	good, err := replay(data, apply)
	if err != nil {
		return nil, 0, err
	}
	if dropped = int64(len(data)) - good; dropped > 0 {
		if err := f.Truncate(good); err != nil {
			return nil, 0, err
		}
	}
	if _, err := f.Seek(good, io.SeekStart); err != nil {
		return nil, 0, err
	}
	l = &Log{path: path, policy: policy, file: f, size: good, wake: make(chan struct{}, 1), done: make(chan struct{})}
	l.change = sync.NewCond(&l.mu)
	go l.run()
	return l, dropped, nil
}

// replay applies the valid units and returns the offset behind them.
func replay(data []byte, apply func([]byte, int64) error) (int64, error) {
	start, scan := 0, 0
	for {
		i := bytes.Index(data[scan:], []byte(prefix))
		if i < 0 {
			return int64(start), nil
		}
		mark := scan + i
		length, sum, end, ok := annotation(data, mark)
		if !ok {
			scan = mark + 1
			continue
		}
		if length != mark-start {
			// The text may stand inside of a value. Only the checksum of what it
			// speaks of tells whether it is ours.
			if length <= mark && crc32.Checksum(data[mark-length:mark], table()) == sum && mark-length > start {
				return 0, &DamageError{int64(start)}
			}
			scan = mark + 1
			continue
		}
		if crc32.Checksum(data[start:mark], table()) != sum {
			scan = mark + 1
			continue
		}
		if err := apply(data[start:mark], int64(start)); err != nil {
			return 0, err
		}
		start, scan = end, end
	}
}

// annotation parses the line at mark.
func annotation(data []byte, mark int) (length int, sum uint32, end int, ok bool) {
	line := data[mark+len(prefix):]
	n := bytes.IndexByte(line[:min(len(line), 40)], '\n')
	if n < 0 {
		return 0, 0, 0, false
	}
	a, b, found := bytes.Cut(line[:n], []byte(":"))
	length, err1 := strconv.Atoi(string(a))
	s, err2 := strconv.ParseUint(string(b), 16, 32)
	if !found || err1 != nil || err2 != nil || length < 0 || len(b) != 8 {
		return 0, 0, 0, false
	}
	return length, uint32(s), mark + len(prefix) + n + 1, true
}

// appendUnit appends a unit with its annotation.
func appendUnit(dst, unit []byte) []byte {
	dst = append(dst, unit...)
	return fmt.Appendf(dst, "%s%d:%08x\n", prefix, len(unit), crc32.Checksum(unit, table()))
}

// Append adds a unit, of which it keeps nothing, and returns its number for
// Wait. It fails while the file cannot be written.
func (l *Log) Append(unit []byte) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0, ErrClosed
	}
	if l.err != nil {
		return 0, l.err
	}
	before := len(l.pending)
	l.pending = appendUnit(l.pending, unit)
	l.size += int64(len(l.pending) - before)
	l.added++
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return l.added, nil
}

// Wait returns when the unit is as safe as the policy promises.
func (l *Log) Wait(unit int64) error {
	if l.policy != Always {
		return nil
	}
	return l.wait(unit, &l.synced)
}

// Sync returns when all units that were added are on disk.
func (l *Log) Sync() error {
	l.mu.Lock()
	last := l.added
	l.mu.Unlock()
	if err := l.wait(last, &l.written); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.synced >= last {
		return nil
	}
	return l.file.Sync()
}

func (l *Log) wait(unit int64, reached *int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for *reached < unit {
		if l.err != nil {
			return l.err
		}
		if l.closed {
			return ErrClosed
		}
		l.change.Wait()
	}
	return nil
}

// Size returns the length of the file, what is still to be written included.
func (l *Log) Size() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.size
}

// run writes what is pending: units that come while it syncs share the next
// write and sync.
func (l *Log) run() {
	defer close(l.done)
	var tick <-chan time.Time
	if l.policy == EverySec {
		t := time.NewTicker(time.Second)
		defer t.Stop()
		tick = t.C
	}
	dirty := false
	for {
		var open bool
		select {
		case _, open = <-l.wake:
		case <-tick:
			open = true
			if dirty {
				l.syncNow()
				dirty = false
			}
		}
		dirty = l.flush() || dirty
		if !open {
			return
		}
	}
}

// syncNow syncs the file, unless Replace has just put another one in its place.
func (l *Log) syncNow() {
	l.mu.Lock()
	file := l.file
	l.mu.Unlock()
	if err := file.Sync(); !errors.Is(err, os.ErrClosed) {
		l.setErr(err)
	}
}

func (l *Log) setErr(err error) {
	if err == nil {
		return
	}
	l.mu.Lock()
	l.err = fmt.Errorf("write %s: %w", l.path, err)
	l.change.Broadcast()
	l.mu.Unlock()
}

// flush writes what is pending and tells whether there was anything.
func (l *Log) flush() bool {
	l.mu.Lock()
	batch, last, file := l.pending, l.added, l.file
	l.pending, l.spare = l.spare[:0], nil
	failed := l.err != nil
	l.mu.Unlock()
	if len(batch) == 0 || failed {
		return false
	}
	_, err := file.Write(batch)
	if err == nil && l.policy == Always {
		err = file.Sync()
	}
	if err != nil {
		l.setErr(err)
		return true
	}
	l.mu.Lock()
	l.spare = batch[:0]
	if cap(batch) > 1<<20 {
		l.spare = nil
	}
	l.written = last
	if l.policy == Always {
		l.synced = last
	}
	l.change.Broadcast()
	l.mu.Unlock()
	return true
}

// Replace puts a file with the given units in place of the log, whole or not at
// all. No Append may run meanwhile.
func (l *Log) Replace(write func(add func(unit []byte) error) error) (err error) {
	if err := l.Sync(); err != nil && !errors.Is(err, ErrClosed) {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(l.path), "rewrite-*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = tmp.Close()
			_ = os.Remove(tmp.Name()) // the first error counts
		}
	}()
	var size int64
	var buf []byte
	flush := func() error {
		n, err := tmp.Write(buf)
		size += int64(n)
		buf = buf[:0]
		return err
	}
	if err := write(func(unit []byte) error {
		if buf = appendUnit(buf, unit); len(buf) > 1<<20 {
			return flush()
		}
		return nil
	}); err != nil {
		return err
	}
	if err := flush(); err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), l.path); err != nil {
		return err
	}
	l.mu.Lock()
	old := l.file
	l.file, l.size, l.err = tmp, size, nil
	l.mu.Unlock()
	_ = old.Close() // it is no longer the log
	return SyncDir(filepath.Dir(l.path))
}

// SyncDir makes renames in a folder last.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	if errors.Is(err, os.ErrInvalid) || errors.Is(err, os.ErrPermission) {
		return nil // systems that cannot sync a folder
	}
	return err
}

// Close writes and syncs what is pending. A second Close does nothing.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.change.Broadcast()
	l.mu.Unlock()
	close(l.wake)
	<-l.done
	err := l.file.Sync()
	if closeErr := l.file.Close(); err == nil {
		err = closeErr
	}
	if l.err != nil {
		err = l.err
	}
	return err
}

// Err returns why the file cannot be written, nil if it can.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}
