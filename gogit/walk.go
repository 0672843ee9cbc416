package gogit

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/groundwork-go/groundwork/gogit/internal/reach"
	"github.com/groundwork-go/groundwork/gogit/odb"
)

// LogOptions tune Log. A nil *LogOptions means the defaults.
type LogOptions struct {
	// From are the commits to begin with. Empty means HEAD.
	From []OID
}

// Log yields commits, newest first by committer date, each one once, and before its
// parents unless clocks were wrong. An error ends it.
func (r *Repository) Log(ctx context.Context, o *LogOptions) iter.Seq2[*Commit, error] {
	return func(yield func(*Commit, error) bool) {
		var from []OID
		if o != nil {
			from = o.From
		}
		if len(from) == 0 {
			id, err := r.Resolve("HEAD")
			if err != nil {
				yield(nil, err)
				return
			}
			from = []OID{id}
		}
		seen := make(map[OID]bool)
		var queue []*Commit
		add := func(id OID) error {
			if seen[id] {
				return nil
			}
			seen[id] = true
			c, err := r.Commit(id)
			if err == nil {
				queue = append(queue, c)
			}
			return err
		}
		for _, id := range from {
			if err := add(id); err != nil {
				yield(nil, err)
				return
			}
		}
		for len(queue) > 0 {
			newest := 0
			for i, c := range queue {
				if c.Committer.When.After(queue[newest].Committer.When) {
					newest = i
				}
			}
			c := queue[newest]
			queue = append(queue[:newest], queue[newest+1:]...)
			err := ctx.Err()
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(c, nil) {
				return
			}
			for _, p := range c.Parents {
				if err := add(p); err != nil {
					yield(nil, err)
					return
				}
			}
		}
	}
}

// missing returns the objects reachable from tips and not from have, which may hold
// names that this repository does not know.
func (r *Repository) missing(ctx context.Context, tips, have []OID) ([]OID, error) {
	known := have[:0:0]
	for _, id := range have {
		if r.objects.Has(id) {
			known = append(known, id)
		}
	}
	ids, err := reach.Missing(ctx, r.objects, tips, known)
	if errors.Is(err, odb.ErrNotFound) {
		return nil, fmt.Errorf("gogit: history is incomplete: %w", err)
	}
	return ids, err
}
