package kvstore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/groundwork-go/groundwork/kvstore/internal/aof"
	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
	"github.com/groundwork-go/groundwork/kvstore/rdb"
)

// A Report tells of the files of a folder.
type Report struct {
	Files []FileReport
	// Damage is the first file that is not whole, nil if all are. A torn tail of the
	// last file, which Open cuts off by itself, counts too.
	Damage *CorruptError
	// Moved are files that Repair has set aside.
	Moved []string
}

// A FileReport tells of one file.
type FileReport struct {
	Name        string
	Size        int64 // bytes
	Good        int64 // bytes of the valid prefix; behind it may be space that was only reserved
	Commands    int   // in it
	Checksummed bool  // else only its framing could be judged
}

// Check reads all files of a folder without changing anything. The folder must not
// be open.
func Check(dir string) (*Report, error) {
	lock, err := lockFolder(filepath.Join(dir, "LOCK"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = lock.Close() }() // nothing was written to it
	_, r, err := check(dir)
	return r, err
}

func check(dir string) (*aof.Manifest, *Report, error) {
	folder := filepath.Join(dir, aof.Dir)
	r := &Report{}
	m, err := aof.ReadManifest(folder)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, r, nil
	case errors.Is(err, aof.ErrManifest):
		r.Damage = &CorruptError{File: filepath.Join(folder, aof.Name+".manifest"), Err: err}
		return nil, r, nil
	case err != nil:
		return nil, nil, fmt.Errorf("kvstore: %w", err)
	}
	for _, f := range m.Files {
		if f.Type == 'h' {
			continue
		}
		fr, damage, err := checkFile(filepath.Join(folder, f.Name))
		if err != nil {
			return nil, nil, err
		}
		fr.Name = f.Name
		r.Files = append(r.Files, fr)
		if r.Damage == nil {
			r.Damage = damage
		}
	}
	return m, r, nil
}

func checkFile(path string) (fr FileReport, damage *CorruptError, err error) {
	data, done, err := aof.Map(path)
	if errors.Is(err, os.ErrNotExist) {
		return fr, &CorruptError{File: path, Err: err}, nil
	}
	if err != nil {
		return fr, nil, fmt.Errorf("kvstore: %w", err)
	}
	defer done()
	var head int64
	if bytes.HasPrefix(data, []byte("REDIS")) {
		r := rdb.NewReader(bytes.NewReader(data))
		err := (&loader{sp: keyspace.New(1 << 10)}).load(r)
		if head = r.Offset(); err != nil {
			return FileReport{Size: int64(len(data))}, &CorruptError{File: path, Offset: offsetOf(err), Err: err}, nil
		}
	}
	res, err := aof.Scan(data[head:], onlyRead{})
	res.Good += head
	fr = FileReport{Size: int64(len(data)), Good: res.Good, Commands: res.Commands, Checksummed: res.Checksummed || head == int64(len(data)) && head > 0}
	var de *aof.DamageError
	switch {
	case errors.As(err, &de):
		damage = &CorruptError{File: path, Offset: head + de.Offset, Err: err}
	case res.Good+res.Reserved < int64(len(data)):
		damage = &CorruptError{File: path, Offset: res.Good, Err: errors.New("torn tail")}
	}
	return fr, damage, nil
}

// Repair makes a folder that Open refuses one that it takes, with all that was
// written before the damage: the damaged file is cut there, what was cut off and
// the files behind it are set aside in files named *.damaged. The folder must not
// be open.
func Repair(dir string) (*Report, error) {
	lock, err := lockFolder(filepath.Join(dir, "LOCK"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = lock.Close() }() // nothing was written to it
	m, r, err := check(dir)
	if err != nil || r.Damage == nil {
		return r, err
	}
	if m == nil {
		return r, r.Damage // without a manifest nobody knows what belongs together
	}
	folder := filepath.Join(dir, aof.Dir)
	keep := &aof.Manifest{}
	found := false
	for _, f := range m.Files {
		path := filepath.Join(folder, f.Name)
		switch {
		case found:
			if err := os.Rename(path, path+".damaged"); err != nil && !errors.Is(err, os.ErrNotExist) {
				return r, fmt.Errorf("kvstore: %w", err)
			}
			r.Moved = append(r.Moved, f.Name)
			continue
		case path == r.Damage.File:
			found = true
			if errors.Is(r.Damage.Err, os.ErrNotExist) {
				continue
			}
			if err := cutOff(path, r.goodOf(f.Name)); err != nil {
				return r, fmt.Errorf("kvstore: %w", err)
			}
			r.Moved = append(r.Moved, f.Name)
		}
		keep.Files = append(keep.Files, f)
	}
	if err := keep.Write(folder); err != nil {
		return r, fmt.Errorf("kvstore: %w", err)
	}
	return r, nil
}

func (r *Report) goodOf(name string) int64 {
	for _, f := range r.Files {
		if f.Name == name {
			return f.Good
		}
	}
	return 0
}

// cutOff moves what is behind an offset to another file.
func cutOff(path string, at int64) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".damaged", data[at:], 0o644); err != nil {
		return err
	}
	return os.Truncate(path, at)
}

// onlyRead runs nothing.
type onlyRead struct{}

func (onlyRead) Ahead([][][]byte) {}

func (onlyRead) Play(int, [][]byte) error { return nil }
