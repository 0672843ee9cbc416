// Package refs stores Git's references: loose files and packed-refs, in git's
// format. It knows no objects but their names.
//
//	store := refs.Open("repo/.git")
//	id, err := store.Get("refs/heads/main")
//	err = store.Update("refs/heads/main", id, newID)
//
// An update takes git's own lock file and compares the old value, so that it is
// safe beside git and other processes. A Store may be used by many goroutines.
package refs

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/groundwork-go/groundwork/gogit/internal/safefile"
	"github.com/groundwork-go/groundwork/gogit/odb"
)

var (
	// ErrNotFound is wrapped by the error for a ref that does not exist.
	ErrNotFound = errors.New("refs: not found")

	// ErrBadName is wrapped by the error for a name that git does not allow.
	ErrBadName = errors.New("refs: bad name")

	// ErrChanged is wrapped by the error of an update whose old value is wrong.
	ErrChanged = errors.New("refs: value has changed")

	// ErrLocked is wrapped by the error of an update while another is under way.
	ErrLocked = errors.New("refs: locked")
)

// A Store is the refs of one repository.
type Store struct{ dir string }

// Open returns the store in a repository's folder, as repo/.git.
func Open(dir string) *Store { return &Store{dir} }

// A Ref is a name and what it points to.
type Ref struct {
	Name string
	ID   odb.OID
}

// CheckName tells whether git allows name (git-check-ref-format), which begins with
// "refs/" or is "HEAD".
func CheckName(name string) error {
	bad := fmt.Errorf("%w: %q", ErrBadName, name)
	if name == "HEAD" {
		return nil
	}
	if !strings.HasPrefix(name, "refs/") || strings.HasSuffix(name, "/") || strings.HasSuffix(name, ".") ||
		strings.Contains(name, "..") || strings.Contains(name, "//") || strings.Contains(name, "@{") || len(name) > 1024 {
		return bad
	}
	for _, part := range strings.Split(name, "/") {
		if strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return bad
		}
	}
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c == 0x7f || strings.IndexByte(`~^:?*[\`, c) >= 0 {
			return bad
		}
	}
	return nil
}

func (s *Store) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

// Head returns the name of the branch that HEAD points to, "" if it points to a
// commit.
func (s *Store) Head() (string, error) {
	data, err := os.ReadFile(s.path("HEAD"))
	if err != nil {
		return "", fmt.Errorf("refs: %w", err)
	}
	name, ok := strings.CutPrefix(strings.TrimSpace(string(data)), "ref:")
	if !ok {
		return "", nil
	}
	name = strings.TrimSpace(name)
	return name, CheckName(name)
}

// SetHead makes HEAD point to a branch, which need not exist yet.
func (s *Store) SetHead(branch string) error {
	if err := CheckName(branch); err != nil {
		return err
	}
	return s.replace("HEAD", "ref: "+branch+"\n")
}

// Get returns what a ref points to; symbolic ones are followed.
func (s *Store) Get(name string) (odb.OID, error) {
	for range 5 { // git's own limit
		if err := CheckName(name); err != nil {
			return odb.OID{}, err
		}
		data, err := os.ReadFile(s.path(name))
		if err != nil {
			// Not there, or a folder of refs: maybe packed.
			id, ok := s.packed()[name]
			if !ok {
				return odb.OID{}, fmt.Errorf("%w: %s", ErrNotFound, name)
			}
			return id, nil
		}
		text := strings.TrimSpace(string(data))
		target, symbolic := strings.CutPrefix(text, "ref:")
		if !symbolic {
			id, err := odb.ParseOID(text)
			if err != nil {
				return odb.OID{}, fmt.Errorf("refs: %s is damaged: %w", name, err)
			}
			return id, nil
		}
		name = strings.TrimSpace(target)
	}
	return odb.OID{}, fmt.Errorf("refs: %s is a loop of symbolic refs", name)
}

// packed reads packed-refs. Lines that are none are passed over, as git does.
func (s *Store) packed() map[string]odb.OID {
	data, err := os.ReadFile(s.path("packed-refs"))
	if err != nil {
		return nil
	}
	all := make(map[string]odb.OID)
	for line := range strings.Lines(string(data)) {
		hex, name, ok := strings.Cut(strings.TrimSpace(line), " ")
		if id, err := odb.ParseOID(hex); ok && err == nil && CheckName(name) == nil {
			all[name] = id
		}
	}
	return all
}

// List returns the refs whose names begin with prefix, in the order of their names.
// Broken ones are left out.
func (s *Store) List(prefix string) ([]Ref, error) {
	all := s.packed()
	if all == nil {
		all = make(map[string]odb.OID)
	}
	err := filepath.WalkDir(s.path("refs"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if errors.Is(err, os.ErrNotExist) {
				return nil // deleted meanwhile
			}
			return err
		}
		rel, err := filepath.Rel(s.dir, path)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if id, err := s.Get(name); err == nil {
			all[name] = id
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("refs: %w", err)
	}
	var list []Ref
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if strings.HasPrefix(name, prefix) {
			list = append(list, Ref{name, all[name]})
		}
	}
	return list, nil
}

// Update changes a ref from old to new. A zero old means that it must not exist, a
// zero new deletes it. The errors wrap [ErrBadName], [ErrChanged] or [ErrLocked].
func (s *Store) Update(name string, old, new odb.OID) error {
	if err := CheckName(name); err != nil {
		return err
	}
	unlock, err := s.lock(name)
	if err != nil {
		return err
	}
	defer unlock()
	now, err := s.Get(name)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if now != old {
		return fmt.Errorf("%w: %s is %v, not %v", ErrChanged, name, now, old)
	}
	if new.IsZero() {
		return s.remove(name)
	}
	if conflict := s.conflict(name); conflict != "" {
		return fmt.Errorf("%w: %s exists, so %s cannot", ErrBadName, conflict, name)
	}
	return s.replaceLocked(name, new.String()+"\n")
}

// conflict finds a ref that is a folder of name or the other way round.
func (s *Store) conflict(name string) string {
	list, err := s.List("refs/")
	if err != nil {
		return "" // writing will tell
	}
	for _, r := range list {
		if strings.HasPrefix(r.Name, name+"/") || strings.HasPrefix(name, r.Name+"/") {
			return r.Name
		}
	}
	return ""
}

// lock takes git's lock of a ref.
func (s *Store) lock(name string) (unlock func(), err error) {
	path := s.path(name) + ".lock"
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("%w: %s: a part of its name is another ref", ErrBadName, name)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("%w: %s", ErrLocked, name)
	}
	if err != nil {
		return nil, fmt.Errorf("refs: %w", err)
	}
	_ = f.Close() // nothing was written
	return func() { _ = os.Remove(path) }, nil
}

// replace writes a file under its lock.
func (s *Store) replace(name, text string) error {
	unlock, err := s.lock(name)
	if err != nil {
		return err
	}
	defer unlock()
	return s.replaceLocked(name, text)
}

// replaceLocked puts a file into place, whole.
func (s *Store) replaceLocked(name, text string) error {
	path := s.path(name)
	// An empty folder is what deleted refs leave behind.
	if info, err := os.Lstat(path); err == nil && info.IsDir() {
		_ = os.Remove(path) // if it is not empty the rename tells
	}
	// The temporary file is outside of refs, where it would be listed.
	if err := safefile.Write(s.dir, path, []byte(text), 0o644); err != nil {
		return fmt.Errorf("refs: write %s: %w", name, err)
	}
	return nil
}

// remove deletes a ref, from packed-refs first, so that no older value shows.
func (s *Store) remove(name string) error {
	if _, ok := s.packed()[name]; ok {
		unlock, err := s.lock("packed-refs")
		if err != nil {
			return err
		}
		defer unlock()
		data, err := os.ReadFile(s.path("packed-refs"))
		if err != nil {
			return fmt.Errorf("refs: %w", err)
		}
		var kept strings.Builder
		dropped := false
		for line := range strings.Lines(string(data)) {
			if dropped && strings.HasPrefix(line, "^") {
				continue // the peeled value of a dropped tag
			}
			if dropped = strings.HasSuffix(strings.TrimSpace(line), " "+name); !dropped {
				kept.WriteString(line)
			}
		}
		if err := s.replaceLocked("packed-refs", kept.String()); err != nil {
			return err
		}
	}
	if err := os.Remove(s.path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("refs: %w", err)
	}
	return nil
}
