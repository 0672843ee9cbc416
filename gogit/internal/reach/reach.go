// Package reach finds the objects that can be reached from others. It knows objects
// only, no refs.
package reach

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/groundwork-go/groundwork/gogit/odb"
)

// ErrMalformed is wrapped by the error for an object that cannot be parsed.
var ErrMalformed = errors.New("reach: malformed object")

// Missing returns the objects that are reachable from tips and not from have,
// parents of commits and contents of trees included. Commits come before their
// trees. All of have must exist.
func Missing(ctx context.Context, s *odb.Store, tips, have []odb.OID) ([]odb.OID, error) {
	known := &walker{ctx: ctx, s: s, seen: make(map[odb.OID]bool)}
	if err := known.walk(have); err != nil {
		return nil, err
	}
	w := &walker{ctx: ctx, s: s, seen: known.seen}
	err := w.walk(tips)
	return w.order, err
}

// Connected tells whether everything that is reachable from tips exists. Objects
// for which trusted is true are not looked into.
func Connected(ctx context.Context, s *odb.Store, tips []odb.OID, trusted func(odb.OID) bool) error {
	w := &walker{ctx: ctx, s: s, seen: make(map[odb.OID]bool), trusted: trusted}
	return w.walk(tips)
}

type walker struct {
	ctx     context.Context // of one call
	s       *odb.Store
	seen    map[odb.OID]bool
	order   []odb.OID
	trusted func(odb.OID) bool
}

func (w *walker) walk(tips []odb.OID) error {
	stack := append([]odb.OID(nil), tips...)
	for len(stack) > 0 {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		id := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if id.IsZero() || w.seen[id] || w.trusted != nil && w.trusted(id) {
			continue
		}
		w.seen[id] = true
		t, data, err := w.s.Read(id)
		if err != nil {
			return err
		}
		w.order = append(w.order, id)
		next, err := Links(t, data)
		if err != nil {
			return fmt.Errorf("%v: %w", id, err)
		}
		for _, l := range next {
			if l.Blob && !w.seen[l.ID] {
				if w.trusted != nil && w.trusted(l.ID) {
					continue
				}
				if !w.s.Has(l.ID) { // blobs need not be read
					return fmt.Errorf("%w: %v", odb.ErrNotFound, l.ID)
				}
				w.seen[l.ID] = true
				w.order = append(w.order, l.ID)
				continue
			}
			stack = append(stack, l.ID)
		}
	}
	return nil
}

// A Link is an object that another one names.
type Link struct {
	ID   odb.OID
	Blob bool
}

// Links returns what an object names. Submodules, which live elsewhere, are left
// out.
func Links(t odb.Type, data []byte) ([]Link, error) {
	var links []Link
	add := func(hex string) error {
		id, err := odb.ParseOID(hex)
		if err != nil {
			return fmt.Errorf("%w: %v", ErrMalformed, err)
		}
		links = append(links, Link{ID: id})
		return nil
	}
	switch t {
	case odb.Commit, odb.Tag:
		for line := range strings.SplitSeq(string(data), "\n") {
			key, value, _ := strings.Cut(line, " ")
			if key != "tree" && key != "parent" && key != "object" {
				break // the names come first
			}
			if err := add(value); err != nil {
				return nil, err
			}
		}
		if len(links) == 0 {
			return nil, fmt.Errorf("%w: %v names nothing", ErrMalformed, t)
		}
	case odb.Tree:
		for len(data) > 0 {
			head, rest, ok := bytes.Cut(data, []byte{0})
			if !ok || len(rest) < 20 {
				return nil, fmt.Errorf("%w: tree", ErrMalformed)
			}
			mode, _, _ := bytes.Cut(head, []byte(" "))
			if string(mode) != "160000" {
				links = append(links, Link{odb.FromBytes(rest[:20]), string(mode) != "40000"})
			}
			data = rest[20:]
		}
	}
	return links, nil
}
