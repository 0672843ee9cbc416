package aof

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// A Rewrite makes a new base file.
type Rewrite struct {
	l    *Log
	next segment // the incremental file that follows the base
	name string  // of it

	tmp   *os.File
	w     *bufio.Writer
	group []byte
	size  int64
	raw   bool
	void  bool // guarded by mu of l; an error has spoilt it
}

// Rewrite begins to rewrite the log: it makes the incremental file for what comes
// after. One rewriting is possible at a time.
//
// With raw the base is not a log but what is written to Writer, a snapshot.
func (l *Log) Rewrite(raw bool) (*Rewrite, error) {
	next, name, err := l.create()
	if err != nil {
		return nil, err
	}
	tmp, err := os.CreateTemp(l.dir, "temp-rewrite-*")
	if err != nil {
		_ = next.file.Close() // it stays in the manifest, empty
		return nil, err
	}
	r := &Rewrite{l: l, next: next, name: name, tmp: tmp, w: bufio.NewWriterSize(tmp, 256<<10)}
	if r.raw = raw; raw {
		return r, nil
	}
	_, err = r.w.WriteString(header)
	r.size = int64(len(header))
	return r, err
}

// Writer returns where a snapshot is to be written, nil if Add is to be used.
func (r *Rewrite) Writer() io.Writer {
	if r.raw {
		return rawWriter{r}
	}
	return nil
}

type rawWriter struct{ r *Rewrite }

// Write writes to the base file.
func (w rawWriter) Write(b []byte) (int, error) {
	n, err := w.r.w.Write(b)
	w.r.size += int64(n)
	return n, err
}

// Switch makes the new incremental file the one that is appended to. No Append may
// run meanwhile: what was added before is in the base, what comes after is not.
func (r *Rewrite) Switch() {
	l := r.l
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endGroup()
	before := append([]byte(nil), l.pending...)
	l.pending, l.group = l.pending[:0], 0
	l.queue = append(l.queue, rotation{before, l.added, l.startDB, r.next, r})
	l.db, l.startDB = -1, -1
}

// Add adds commands to the base file.
func (r *Rewrite) Add(commands []byte) error {
	r.group = append(r.group, commands...)
	if len(r.group) < groupSize {
		return nil
	}
	return r.flush()
}

func (r *Rewrite) flush() error {
	if len(r.group) == 0 {
		return nil
	}
	n := len(r.group)
	r.group = appendAnnotation(r.group, n, checksum(r.group))
	_, err := r.w.Write(r.group)
	r.size += int64(len(r.group))
	r.group = r.group[:0]
	return err
}

// Abort gives up. The log goes on with all its files.
func (r *Rewrite) Abort() {
	_ = r.tmp.Close()
	_ = os.Remove(r.tmp.Name()) // nobody knows of it
}

// Finish puts the base file in the place of all files before it.
func (r *Rewrite) Finish() error {
	l := r.l
	err := r.flush()
	if err == nil {
		err = r.w.Flush()
	}
	if err == nil {
		err = r.tmp.Sync()
	}
	if err != nil {
		r.Abort()
		return err
	}
	_ = r.tmp.Close() // it is synced
	// The file before must be whole before it is not needed any more: what Commit
	// waits for is in it.
	if err := l.Sync(); err != nil {
		_ = os.Remove(r.tmp.Name())
		return err
	}
	l.mu.Lock()
	void := r.void
	l.mu.Unlock()
	if void {
		_ = os.Remove(r.tmp.Name())
		return errVoid
	}
	if err := r.install(); err != nil {
		_ = os.Remove(r.tmp.Name()) // if it still has that name
		return err
	}
	l.mu.Lock()
	l.total = r.size + l.seg.size + int64(len(l.pending))
	l.baseSize = l.total
	l.lost = false
	l.mu.Unlock()
	return nil
}

var errVoid = errors.New("the log had an error meanwhile")

// install lists the base file in the place of what it replaces.
func (r *Rewrite) install() error {
	l := r.l
	l.manifestMu.Lock()
	defer l.manifestMu.Unlock()
	seq := l.manifest.last("bh") + 1
	base := File{Name + "." + strconv.FormatInt(seq, 10) + map[bool]string{false: ".base.aof", true: ".base.rdb"}[r.raw], seq, 'b'}
	if err := os.Rename(r.tmp.Name(), filepath.Join(l.dir, base.Name)); err != nil {
		return err
	}
	m := &Manifest{Files: []File{base}}
	var old []File
	kept := false
	for _, f := range l.manifest.Files {
		if kept = kept || f.Name == r.name; kept {
			m.Files = append(m.Files, f)
		} else {
			old = append(old, f)
		}
	}
	if err := m.Write(l.dir); err != nil {
		return err
	}
	l.manifest, l.hidden = m, false
	for _, f := range old {
		_ = os.Remove(filepath.Join(l.dir, f.Name)) // nothing refers to it any more
	}
	return nil
}
