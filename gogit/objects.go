package gogit

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/groundwork-go/groundwork/gogit/odb"
)

// A Signature is who did something, and when.
type Signature struct {
	Name, Email string
	When        time.Time
}

// String returns git's form: name, email, seconds and zone.
func (s Signature) String() string {
	clean := func(t string) string { return strings.Trim(strings.Map(dropControl, t), " .,:;<>\"\\'") }
	return fmt.Sprintf("%s <%s> %d %s", clean(s.Name), clean(s.Email), s.When.Unix(), s.When.Format("-0700"))
}

func dropControl(r rune) rune {
	if r < ' ' || r == '<' || r == '>' {
		return -1
	}
	return r
}

func parseSignature(s string) (Signature, error) {
	name, rest, ok := strings.Cut(s, "<")
	email, when, ok2 := strings.Cut(rest, "> ")
	secs, zone, ok3 := strings.Cut(when, " ")
	n, err := strconv.ParseInt(secs, 10, 64)
	if !ok || !ok2 || !ok3 || err != nil {
		return Signature{}, fmt.Errorf("%w: signature %q", ErrBadObject, s)
	}
	t := time.Unix(n, 0).UTC()
	if z, err := time.Parse("-0700", zone); err == nil {
		_, off := z.Zone()
		t = t.In(time.FixedZone(zone, off))
	}
	return Signature{strings.TrimSpace(name), email, t}, nil
}

// A Commit is a commit.
type Commit struct {
	ID        OID // set by reading; not looked at when writing
	Tree      OID
	Parents   []OID
	Author    Signature
	Committer Signature
	Message   string
}

// Commit reads a commit; tags are followed to it.
func (r *Repository) Commit(id OID) (*Commit, error) {
	id, err := r.peel(id, "commit")
	if err != nil {
		return nil, err
	}
	_, data, err := r.objects.Read(id)
	if err != nil {
		return nil, err
	}
	return parseCommit(id, data)
}

func parseCommit(id OID, data []byte) (*Commit, error) {
	c := &Commit{ID: id}
	head, message, _ := strings.Cut(string(data), "\n\n")
	c.Message = message
	for line := range strings.SplitSeq(head, "\n") {
		key, value, _ := strings.Cut(line, " ")
		var err error
		switch key {
		case "tree":
			c.Tree, err = odb.ParseOID(value)
		case "parent":
			var p OID
			p, err = odb.ParseOID(value)
			c.Parents = append(c.Parents, p)
		case "author":
			c.Author, err = parseSignature(value)
		case "committer":
			c.Committer, err = parseSignature(value)
		}
		if err != nil {
			return nil, fmt.Errorf("commit %v: %w", id, err)
		}
	}
	if c.Tree.IsZero() {
		return nil, fmt.Errorf("%w: commit %v has no tree", ErrBadObject, id)
	}
	return c, nil
}

// WriteCommit stores a commit and returns its name. It changes no ref.
func (r *Repository) WriteCommit(c *Commit) (OID, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "tree %v\n", c.Tree)
	for _, p := range c.Parents {
		fmt.Fprintf(&b, "parent %v\n", p)
	}
	fmt.Fprintf(&b, "author %v\ncommitter %v\n\n%s", c.Author, c.Committer, c.Message)
	return r.objects.Write(odb.Commit, b.Bytes())
}

// tagTarget returns what a tag object points to.
func tagTarget(data []byte) (OID, error) {
	line, _, _ := strings.Cut(string(data), "\n")
	hex, ok := strings.CutPrefix(line, "object ")
	if !ok {
		return OID{}, fmt.Errorf("%w: tag without object", ErrBadObject)
	}
	return odb.ParseOID(hex)
}

// Mode is the mode of a tree's entry.
type Mode uint32

// The modes that git writes.
const (
	ModeFile       Mode = 0o100644
	ModeExecutable Mode = 0o100755
	ModeSymlink    Mode = 0o120000
	ModeTree       Mode = 0o040000
	ModeSubmodule  Mode = 0o160000
)

// A TreeEntry is a line of a tree.
type TreeEntry struct {
	Mode Mode
	Name string
	ID   OID
}

// Tree reads a tree; tags and commits are followed to it.
func (r *Repository) Tree(id OID) ([]TreeEntry, error) {
	id, err := r.peel(id, "tree")
	if err != nil {
		return nil, err
	}
	_, data, err := r.objects.Read(id)
	if err != nil {
		return nil, err
	}
	return parseTree(id, data)
}

func parseTree(id OID, data []byte) ([]TreeEntry, error) {
	var list []TreeEntry
	for len(data) > 0 {
		head, rest, ok := bytes.Cut(data, []byte{0})
		mode, name, ok2 := strings.Cut(string(head), " ")
		m, err := strconv.ParseUint(mode, 8, 32)
		if !ok || !ok2 || err != nil || len(rest) < 20 || name == "" {
			return nil, fmt.Errorf("%w: tree %v is malformed", ErrBadObject, id)
		}
		list = append(list, TreeEntry{Mode(m), name, odb.FromBytes(rest[:20])})
		data = rest[20:]
	}
	return list, nil
}

// WriteTree stores a tree and returns its name. Entries are put in git's order; a
// name that no tree may have, or one that comes twice, is an error.
func (r *Repository) WriteTree(entries []TreeEntry) (OID, error) {
	list := slices.Clone(entries)
	key := func(e TreeEntry) string {
		if e.Mode == ModeTree {
			return e.Name + "/"
		}
		return e.Name
	}
	slices.SortFunc(list, func(a, b TreeEntry) int { return strings.Compare(key(a), key(b)) })
	if err := checkTree(list); err != nil {
		return OID{}, err
	}
	var b bytes.Buffer
	for _, e := range list {
		fmt.Fprintf(&b, "%o %s\x00", e.Mode, e.Name)
		b.Write(e.ID.Bytes())
	}
	return r.objects.Write(odb.Tree, b.Bytes())
}

// checkTree finds names that could leave a folder, hide a repository in it, or stand
// for two files.
func checkTree(list []TreeEntry) error {
	seen := make(map[string]bool, len(list))
	for _, e := range list {
		switch lower := strings.ToLower(e.Name); {
		case e.Name == "", e.Name == ".", e.Name == "..", strings.ContainsAny(e.Name, "/\x00"):
			return fmt.Errorf("%w: tree has an entry named %q", ErrBadObject, e.Name)
		case lower == ".git", lower == ".gogit", strings.HasPrefix(lower, "git~"):
			return fmt.Errorf("%w: tree has an entry named %q", ErrBadObject, e.Name)
		}
		if seen[e.Name] {
			return fmt.Errorf("%w: tree has two entries named %q", ErrBadObject, e.Name)
		}
		seen[e.Name] = true
	}
	return nil
}

// Blob reads a blob.
func (r *Repository) Blob(id OID) ([]byte, error) {
	t, data, err := r.objects.Read(id)
	if err != nil {
		return nil, err
	}
	if t != odb.Blob {
		return nil, fmt.Errorf("%w: %v is a %v, not a blob", ErrBadObject, id, t)
	}
	return data, nil
}
