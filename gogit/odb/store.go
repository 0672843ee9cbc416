package odb

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/groundwork-go/groundwork/gogit/internal/safefile"
)

// A Store is a folder of objects.
type Store struct {
	dir    string
	parent *Store // of a quarantine: where objects are looked for as well

	mu    sync.Mutex
	packs []*pack         // guarded by mu
	known map[string]bool // guarded by mu; the names of packs
}

// Open returns the store in a folder, as repo/.git/objects. The folder is made if
// it does not exist.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(filepath.Join(dir, "pack"), 0o755); err != nil {
		return nil, fmt.Errorf("odb: %w", err)
	}
	s := &Store{dir: dir, known: make(map[string]bool)}
	if err := s.refresh(); err != nil {
		return nil, err
	}
	return s, nil
}

// refresh opens packs that have come since.
func (s *Store) refresh() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	names, err := filepath.Glob(filepath.Join(s.dir, "pack", "*.idx"))
	if err != nil {
		return fmt.Errorf("odb: %w", err)
	}
	for _, name := range names {
		if s.known[name] {
			continue
		}
		p, err := openPack(strings.TrimSuffix(name, ".idx"))
		if errors.Is(err, os.ErrNotExist) {
			continue // the pack is gone, or not there yet
		}
		if err != nil {
			return err
		}
		s.known[name] = true
		s.packs = append(s.packs, p)
	}
	return nil
}

// Close closes the files of packs. The store must not be used any more.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var first error
	for _, p := range s.packs {
		if err := p.file.Close(); err != nil && first == nil {
			first = err
		}
	}
	s.packs = nil
	return first
}

func (s *Store) loosePath(id OID) string {
	h := id.String()
	return filepath.Join(s.dir, h[:2], h[2:])
}

// Has tells whether an object exists.
func (s *Store) Has(id OID) bool {
	if _, err := os.Stat(s.loosePath(id)); err == nil {
		return true
	}
	if p, _ := s.inPacks(id); p != nil {
		return true
	}
	return s.parent != nil && s.parent.Has(id)
}

// inPacks finds an object in the packs; new ones are looked for once.
func (s *Store) inPacks(id OID) (*pack, int64) {
	for range 2 {
		s.mu.Lock()
		packs := s.packs
		s.mu.Unlock()
		for _, p := range packs {
			if off, ok := p.find(id); ok {
				return p, off
			}
		}
		before := len(packs)
		if s.refresh() != nil {
			return nil, 0 // a damaged new pack has nothing that can be read
		}
		s.mu.Lock()
		same := len(s.packs) == before
		s.mu.Unlock()
		if same {
			break
		}
	}
	return nil, 0
}

// Read returns the type and the content of an object, which belongs to the caller.
func (s *Store) Read(id OID) (Type, []byte, error) {
	t, data, err := s.readLoose(id)
	if !errors.Is(err, os.ErrNotExist) {
		return t, data, err
	}
	if p, off := s.inPacks(id); p != nil {
		return p.read(s, off, 0)
	}
	if s.parent != nil {
		return s.parent.Read(id)
	}
	return 0, nil, fmt.Errorf("%w: %v", ErrNotFound, id)
}

func (s *Store) readLoose(id OID) (Type, []byte, error) {
	path := s.loosePath(id)
	f, err := os.Open(path)
	if err != nil {
		return 0, nil, err
	}
	defer f.Close()
	bad := func(msg string) error { return &CorruptError{File: path, Msg: msg} }
	z, err := zlib.NewReader(f)
	if err != nil {
		return 0, nil, bad(err.Error())
	}
	data, err := io.ReadAll(io.LimitReader(z, MaxObject+64))
	if err != nil {
		return 0, nil, bad(err.Error())
	}
	header, content, ok := bytes.Cut(data, []byte{0})
	name, size, ok2 := strings.Cut(string(header), " ")
	if !ok || !ok2 {
		return 0, nil, bad("no header")
	}
	t, err := ParseType(name)
	if err != nil {
		return 0, nil, bad(err.Error())
	}
	if n, err := strconv.Atoi(size); err != nil || n != len(content) {
		return 0, nil, bad("size " + size + " is wrong")
	}
	if Hash(t, content) != id {
		return 0, nil, bad("content does not match its name")
	}
	return t, content, nil
}

// Write stores an object and returns its name. One that exists is not written
// again.
func (s *Store) Write(t Type, data []byte) (OID, error) {
	id := Hash(t, data)
	if s.Has(id) {
		return id, nil
	}
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	fmt.Fprintf(w, "%v %d\x00", t, len(data))
	_, _ = w.Write(data) // into memory
	_ = w.Close()
	path := s.loosePath(id)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return OID{}, fmt.Errorf("odb: %w", err)
	}
	if err := writeFile(path, z.Bytes()); err != nil {
		return OID{}, fmt.Errorf("odb: write %v: %w", id, err)
	}
	return id, nil
}

// writeFile puts a read-only file into place.
func writeFile(path string, data []byte) error {
	return safefile.Write(filepath.Dir(path), path, data, 0o444)
}

// FindPrefix returns the objects whose names begin with a few hexadecimal digits,
// at most two of them, in order.
func (s *Store) FindPrefix(prefix string) ([]OID, error) {
	if len(prefix) < 4 || len(prefix) > HexSize || strings.Trim(prefix, "0123456789abcdef") != "" {
		return nil, fmt.Errorf("odb: %q is no prefix of an object name", prefix)
	}
	found := make(map[OID]bool)
	names, err := filepath.Glob(filepath.Join(s.dir, prefix[:2], prefix[2:]+"*"))
	if err != nil {
		return nil, fmt.Errorf("odb: %w", err)
	}
	for _, n := range names {
		if id, err := ParseOID(prefix[:2] + filepath.Base(n)); err == nil {
			found[id] = true
		}
	}
	s.mu.Lock()
	for _, p := range s.packs {
		for i := range p.n {
			if id := p.name(i); strings.HasPrefix(id.String(), prefix) {
				found[id] = true
			}
		}
	}
	s.mu.Unlock()
	var list []OID
	for id := range found {
		list = append(list, id)
	}
	slices.SortFunc(list, OID.Compare)
	return list[:min(len(list), 2)], nil
}

// Quarantine returns a store for objects that are not accepted yet: it sees those
// of s, and s sees none of its own before Accept.
func (s *Store) Quarantine() (*Store, error) {
	dir, err := os.MkdirTemp(s.dir, "incoming-")
	if err != nil {
		return nil, fmt.Errorf("odb: %w", err)
	}
	q, err := Open(dir)
	if err != nil {
		return nil, err
	}
	q.parent = s
	return q, nil
}

// Accept moves the packs of a quarantine into the store that it was made by, and
// removes it.
func (s *Store) Accept() error {
	if err := s.Close(); err != nil {
		return fmt.Errorf("odb: %w", err)
	}
	names, err := filepath.Glob(filepath.Join(s.dir, "pack", "pack-*"))
	if err != nil {
		return fmt.Errorf("odb: %w", err)
	}
	// The index comes last: without it nobody looks at the pack.
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(filepath.Ext(b), filepath.Ext(a)) })
	for _, n := range names {
		if err := os.Rename(n, filepath.Join(s.parent.dir, "pack", filepath.Base(n))); err != nil {
			return fmt.Errorf("odb: %w", err)
		}
	}
	if err := s.Discard(); err != nil {
		return err
	}
	return s.parent.refresh()
}

// Discard removes a quarantine and all that is in it.
func (s *Store) Discard() error {
	closeErr := s.Close()
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("odb: %w", err)
	}
	return closeErr
}
