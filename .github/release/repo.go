package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// repo is the checkout, whose tree is clean.
type repo struct {
	root string
	mods []*moduleInfo // in dependency order
}

// moduleInfo is a module that is released.
type moduleInfo struct {
	dir      string // also the prefix of its tags
	path     string
	siblings []string // paths of the modules of this repository that it requires
}

func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %v: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(string(out)), nil
}

func openRepo(ctx context.Context, dir string) (*repo, error) {
	root, err := git(ctx, dir, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	dirty, err := git(ctx, root, "status", "--porcelain")
	if err != nil {
		return nil, err
	}
	if dirty != "" {
		first, _, _ := strings.Cut(dirty, "\n")
		return nil, fmt.Errorf("the working tree is not clean: %s", strings.TrimSpace(first))
	}
	r := &repo{root: root}
	if r.mods, err = readModules(root); err != nil {
		return nil, err
	}
	return r, nil
}

// readModules reads go.work and the go.mod files that it names. Folders that
// start with a dot hold tools, which are not released.
func readModules(root string) ([]*moduleInfo, error) {
	name := filepath.Join(root, "go.work")
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	work, err := modfile.ParseWork(name, data, nil)
	if err != nil {
		return nil, err
	}
	var mods []*moduleInfo
	paths := make(map[string]bool)
	requires := make(map[string][]string)
	for _, use := range work.Use {
		dir := filepath.ToSlash(filepath.Clean(use.Path))
		if strings.HasPrefix(dir, ".") {
			continue
		}
		name := filepath.Join(root, dir, "go.mod")
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		mod, err := modfile.Parse(name, data, nil)
		if err != nil {
			return nil, err
		}
		if len(mod.Replace) > 0 || len(mod.Exclude) > 0 {
			return nil, fmt.Errorf("%s/go.mod has replace or exclude", dir)
		}
		m := &moduleInfo{dir: dir, path: mod.Module.Mod.Path}
		for _, req := range mod.Require {
			requires[m.path] = append(requires[m.path], req.Mod.Path)
		}
		paths[m.path] = true
		mods = append(mods, m)
	}
	for _, m := range mods {
		for _, p := range requires[m.path] {
			if paths[p] {
				m.siblings = append(m.siblings, p)
			}
		}
	}
	return inOrder(mods)
}

// inOrder sorts modules so that each comes after those that it requires.
func inOrder(mods []*moduleInfo) ([]*moduleInfo, error) {
	var list []*moduleInfo
	done := make(map[string]bool)
	for len(list) < len(mods) {
		before := len(list)
		for _, m := range mods {
			ready := !done[m.path]
			for _, s := range m.siblings {
				ready = ready && done[s]
			}
			if ready {
				done[m.path] = true
				list = append(list, m)
			}
		}
		if len(list) == before {
			return nil, fmt.Errorf("the modules require each other in a circle")
		}
	}
	return list, nil
}

// selected returns the named modules, or all.
func (r *repo) selected(names []string) ([]*moduleInfo, error) {
	if len(names) == 0 {
		return r.mods, nil
	}
	for _, n := range names {
		if !slices.ContainsFunc(r.mods, func(m *moduleInfo) bool { return m.dir == n }) {
			return nil, fmt.Errorf("unknown module %s", n)
		}
	}
	var list []*moduleInfo
	for _, m := range r.mods {
		if slices.Contains(names, m.dir) {
			list = append(list, m)
		}
	}
	return list, nil
}

// lastVersion returns the highest version that m is tagged with, "" if none.
func (r *repo) lastVersion(ctx context.Context, m *moduleInfo) (string, error) {
	out, err := git(ctx, r.root, "tag", "--list", m.dir+"/v*")
	if err != nil {
		return "", err
	}
	last := ""
	for tag := range strings.FieldsSeq(out) {
		v := strings.TrimPrefix(tag, m.dir+"/")
		if semver.IsValid(v) && (last == "" || semver.Compare(v, last) > 0) {
			last = v
		}
	}
	return last, nil
}
