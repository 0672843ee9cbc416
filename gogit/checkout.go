package gogit

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Checkout writes the files of a commit or tree into a folder, which must be empty
// or absent. It stays inside of it: names that could leave it, and symbolic links
// that point out of it, are errors. Submodules become empty folders.
func (r *Repository) Checkout(ctx context.Context, id OID, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("gogit: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("gogit: %w", err)
	}
	for _, e := range entries {
		if filepath.Join(dir, e.Name()) != r.dir {
			return fmt.Errorf("gogit: checkout: %s is not empty", dir)
		}
	}
	return r.checkout(ctx, id, dir, "", 0)
}

func (r *Repository) checkout(ctx context.Context, id OID, root, rel string, depth int) error {
	if depth > 500 {
		return fmt.Errorf("%w: trees are nested too deeply at %s", ErrBadObject, rel[:min(len(rel), 200)])
	}
	list, err := r.Tree(id)
	if err != nil {
		return err
	}
	if err := checkTree(list); err != nil {
		return err
	}
	for _, e := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := filepath.Join(rel, e.Name)
		path := filepath.Join(root, name)
		switch e.Mode {
		case ModeTree, ModeSubmodule:
			if err := os.Mkdir(path, 0o755); err != nil {
				return fmt.Errorf("gogit: %w", err)
			}
			if e.Mode == ModeTree {
				if err := r.checkout(ctx, e.ID, root, name, depth+1); err != nil {
					return err
				}
			}
			continue
		}
		data, err := r.Blob(e.ID)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if e.Mode == ModeSymlink {
			if err := checkLink(name, string(data)); err != nil {
				return err
			}
			if err := os.Symlink(string(data), path); err != nil {
				return fmt.Errorf("gogit: %w", err)
			}
			continue
		}
		mode := os.FileMode(0o644)
		if e.Mode&0o111 != 0 {
			mode = 0o755
		}
		if err := os.WriteFile(path, data, mode); err != nil {
			return fmt.Errorf("gogit: %w", err)
		}
	}
	return nil
}

// checkLink refuses a link that leaves the tree, seen from the folder it is in.
func checkLink(name, target string) error {
	if target == "" || strings.ContainsRune(target, 0) || filepath.IsAbs(target) || strings.HasPrefix(target, "/") {
		return fmt.Errorf("%w: symbolic link %s points to %q, out of the tree", ErrBadObject, name, target)
	}
	clean := filepath.Join(filepath.Dir(name), filepath.FromSlash(target))
	if !filepath.IsLocal(clean) {
		return fmt.Errorf("%w: symbolic link %s points to %q, out of the tree", ErrBadObject, name, target)
	}
	return nil
}
