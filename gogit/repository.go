package gogit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/groundwork-go/groundwork/gogit/odb"
	"github.com/groundwork-go/groundwork/gogit/refs"
)

// OID is the name of an object.
type OID = odb.OID

var (
	// ErrNotRepository is wrapped by the error for a folder that is none.
	ErrNotRepository = errors.New("gogit: not a git repository")

	// ErrRevision is wrapped by the error for a revision that names nothing.
	ErrRevision = errors.New("gogit: unknown revision")

	// ErrBadObject is wrapped by the error for an object of the wrong type or with
	// malformed content.
	ErrBadObject = errors.New("gogit: bad object")
)

// A Repository is an open repository. All methods may be called concurrently.
type Repository struct {
	dir     string // the folder that holds HEAD
	objects *odb.Store
	refs    *refs.Store
}

// InitOptions tune Init. A nil *InitOptions means the defaults.
type InitOptions struct {
	// Bare makes the folder itself the repository, without files beside it.
	Bare bool

	// DirName is the repository's folder in a work tree. Empty means ".git".
	DirName string

	// Branch is the branch that HEAD points to. Empty means "main".
	Branch string
}

// Init makes a repository in a folder, which is made if it does not exist, and
// opens it. One that is there is left as it is.
func Init(path string, o *InitOptions) (*Repository, error) {
	if o == nil {
		o = &InitOptions{}
	}
	dir := path
	if !o.Bare {
		name := o.DirName
		if name == "" {
			name = ".git"
		}
		dir = filepath.Join(path, name)
	}
	branch := o.Branch
	if branch == "" {
		branch = "main"
	}
	if err := refs.CheckName("refs/heads/" + branch); err != nil {
		return nil, err
	}
	for _, d := range []string{"objects/info", "objects/pack", "refs/heads", "refs/tags"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, fmt.Errorf("gogit: %w", err)
		}
	}
	config := fmt.Sprintf("[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = %t\n", o.Bare)
	for name, text := range map[string]string{"HEAD": "ref: refs/heads/" + branch + "\n", "config": config} {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("gogit: %w", err)
		}
		_, err = f.WriteString(text)
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return nil, fmt.Errorf("gogit: %w", err)
		}
	}
	return open(dir)
}

// OpenOptions tune Open. A nil *OpenOptions means the defaults.
type OpenOptions struct {
	// DirName is the repository's folder in a work tree. Empty means ".git".
	DirName string

	// Discover also looks in the folders above.
	Discover bool
}

// Open opens the repository of a work tree, or a bare one.
func Open(path string, o *OpenOptions) (*Repository, error) {
	if o == nil {
		o = &OpenOptions{}
	}
	name := o.DirName
	if name == "" {
		name = ".git"
	}
	dir, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("gogit: %w", err)
	}
	for {
		for _, d := range []string{filepath.Join(dir, name), dir} {
			if isRepository(d) {
				return open(d)
			}
		}
		parent := filepath.Dir(dir)
		if !o.Discover || parent == dir {
			return nil, fmt.Errorf("%w: %s", ErrNotRepository, path)
		}
		dir = parent
	}
}

func isRepository(dir string) bool {
	for _, name := range []string{"objects", "refs"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || !info.IsDir() {
			return false
		}
	}
	info, err := os.Stat(filepath.Join(dir, "HEAD"))
	return err == nil && info.Mode().IsRegular()
}

func open(dir string) (*Repository, error) {
	objects, err := odb.Open(filepath.Join(dir, "objects"))
	if err != nil {
		return nil, err
	}
	return &Repository{dir: dir, objects: objects, refs: refs.Open(dir)}, nil
}

// Close closes the files of packs.
func (r *Repository) Close() error { return r.objects.Close() }

// Dir returns the folder that holds HEAD and the objects.
func (r *Repository) Dir() string { return r.dir }

// Objects returns the store of objects.
func (r *Repository) Objects() *odb.Store { return r.objects }

// WithObjects returns a view of the repository that reads and writes objects in
// another store, as the quarantine of a push. It shares the refs; only the original
// is closed.
func (r *Repository) WithObjects(s *odb.Store) *Repository {
	return &Repository{dir: r.dir, objects: s, refs: r.refs}
}

// Refs returns the store of references.
func (r *Repository) Refs() *refs.Store { return r.refs }

// Resolve returns the object that a revision names (gitrevisions): a full or
// abbreviated name, a ref by its full or short name, and behind it any number of
// ~n, ^n, ^{type} and ^{}.
func (r *Repository) Resolve(rev string) (OID, error) {
	end := strings.IndexAny(rev, "~^")
	if end < 0 {
		end = len(rev)
	}
	id, err := r.resolveName(rev[:end])
	if err != nil {
		return OID{}, err
	}
	for rest := rev[end:]; rest != ""; {
		if id, rest, err = r.step(id, rest); err != nil {
			return OID{}, fmt.Errorf("%w: %s: %w", ErrRevision, rev, err)
		}
	}
	return id, nil
}

func (r *Repository) resolveName(name string) (OID, error) {
	if name == "@" {
		name = "HEAD"
	}
	if len(name) == odb.HexSize {
		if id, err := odb.ParseOID(name); err == nil {
			return id, nil
		}
	}
	for _, prefix := range []string{"", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"} {
		if refs.CheckName(prefix+name) != nil {
			continue
		}
		id, err := r.refs.Get(prefix + name)
		if err == nil {
			return id, nil
		}
		if !errors.Is(err, refs.ErrNotFound) {
			return OID{}, err
		}
	}
	if found, err := r.objects.FindPrefix(strings.ToLower(name)); err == nil {
		switch len(found) {
		case 1:
			return found[0], nil
		case 2:
			return OID{}, fmt.Errorf("%w: %s is ambiguous", ErrRevision, name)
		}
	}
	return OID{}, fmt.Errorf("%w: %q", ErrRevision, name)
}

// step applies the first suffix of rest.
func (r *Repository) step(id OID, rest string) (OID, string, error) {
	if strings.HasPrefix(rest, "^{") {
		kind, after, ok := strings.Cut(rest[2:], "}")
		if !ok {
			return OID{}, "", errors.New("} is missing")
		}
		id, err := r.peel(id, kind)
		return id, after, err
	}
	op := rest[0]
	digits := 1
	for digits < len(rest) && '0' <= rest[digits] && rest[digits] <= '9' {
		digits++
	}
	n := 1
	if digits > 1 {
		var err error
		if n, err = strconv.Atoi(rest[1:digits]); err != nil {
			return OID{}, "", errors.New("number is too large")
		}
	}
	id, err := r.peel(id, "commit")
	if err != nil {
		return OID{}, "", err
	}
	if op == '^' {
		if n == 0 {
			return id, rest[digits:], nil
		}
		id, err = r.parent(id, n)
		return id, rest[digits:], err
	}
	for ; n > 0 && err == nil; n-- {
		id, err = r.parent(id, 1)
	}
	return id, rest[digits:], err
}

func (r *Repository) parent(id OID, n int) (OID, error) {
	c, err := r.Commit(id)
	if err != nil {
		return OID{}, err
	}
	if n > len(c.Parents) {
		return OID{}, fmt.Errorf("commit %v has %d parents", id, len(c.Parents))
	}
	return c.Parents[n-1], nil
}

// peel follows tags, and a commit to its tree, until the object has the type; an
// empty kind follows tags only.
func (r *Repository) peel(id OID, kind string) (OID, error) {
	for range 100 { // tags of tags
		t, data, err := r.objects.Read(id)
		if err != nil {
			return OID{}, err
		}
		switch {
		case t.String() == kind, kind == "object", kind == "" && t != odb.Tag:
			return id, nil
		case t == odb.Tag:
			if id, err = tagTarget(data); err != nil {
				return OID{}, err
			}
		case t == odb.Commit && kind == "tree":
			c, err := parseCommit(id, data)
			if err != nil {
				return OID{}, err
			}
			return c.Tree, nil
		default:
			return OID{}, fmt.Errorf("%w: %v is a %v, not a %s", ErrBadObject, id, t, kind)
		}
	}
	return OID{}, fmt.Errorf("%w: %v is a chain of too many tags", ErrBadObject, id)
}
