package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/semver"
)

// release is a module with its next version, "" if nothing has changed.
type release struct {
	mod  *moduleInfo
	last string
	next string
	why  string
}

// nextRelease finds out the next version of m. It refuses when the module's
// CHANGELOG.md has no section for it.
func (r *repo) nextRelease(ctx context.Context, m *moduleInfo) (*release, error) {
	last, err := r.lastVersion(ctx, m)
	if err != nil {
		return nil, err
	}
	rel := &release{mod: m, last: last, next: "v0.1.0", why: "first release"}
	if last != "" {
		tag := m.dir + "/" + last
		changed, err := git(ctx, r.root, "diff", "--name-only", tag, "HEAD", "--", m.dir)
		if err != nil {
			return nil, err
		}
		if changed == "" {
			rel.next, rel.why = "", "unchanged"
			return rel, nil
		}
		old, err := r.exportedAPI(ctx, m, tag)
		if err != nil {
			return nil, err
		}
		now, err := r.exportedAPI(ctx, m, "HEAD")
		if err != nil {
			return nil, err
		}
		c := compare(old, now)
		if c == broken && semver.Major(last) != "v0" {
			return nil, fmt.Errorf("%s: the exported API broke after %s, which needs a new major version and module path", m.dir, last)
		}
		rel.next, rel.why = bump(last, c)
	}
	log, err := os.ReadFile(filepath.Join(r.root, m.dir, "CHANGELOG.md"))
	if err != nil {
		return nil, err
	}
	if !strings.Contains(string(log)+"\n", "\n## "+rel.next+"\n") {
		return nil, fmt.Errorf("%s/CHANGELOG.md has no section %q", m.dir, "## "+rel.next)
	}
	return rel, nil
}

// bump returns the version after last. Before v1 a break raises the minor
// version, all else the patch version.
func bump(last string, c change) (next, why string) {
	var major, minor, patch int
	// The tag is a valid semantic version, so this cannot fail.
	_, _ = fmt.Sscanf(semver.Canonical(last), "v%d.%d.%d", &major, &minor, &patch)
	why = [...]string{same: "changes inside", added: "additions to the exported API", broken: "the exported API broke"}[c]
	if c == broken || c == added && major > 0 {
		return fmt.Sprintf("v%d.%d.0", major, minor+1), why
	}
	return fmt.Sprintf("v%d.%d.%d", major, minor, patch+1), why
}

func plan(ctx context.Context, r *repo, mods []*moduleInfo, stdout io.Writer) error {
	for _, m := range mods {
		rel, err := r.nextRelease(ctx, m)
		if err != nil {
			return err
		}
		if rel.next == "" {
			fmt.Fprintf(stdout, "%-14s %s stays: %s\n", m.dir, rel.last, rel.why)
			continue
		}
		from := rel.last
		if from == "" {
			from = "-"
		}
		fmt.Fprintf(stdout, "%-14s %s -> %s: %s\n", m.dir, from, rel.next, rel.why)
	}
	return nil
}

// tag prints the tags of the next versions in dependency order and, if asked,
// creates them. An existing tag is an error; nothing is created then.
func tag(ctx context.Context, r *repo, mods []*moduleInfo, create bool, stdout io.Writer) error {
	var tags []string
	for _, m := range mods {
		rel, err := r.nextRelease(ctx, m)
		if err != nil {
			return err
		}
		if rel.next == "" {
			continue
		}
		name := m.dir + "/" + rel.next
		if _, err := git(ctx, r.root, "rev-parse", "--verify", "--quiet", "refs/tags/"+name); err == nil {
			return fmt.Errorf("tag %s exists", name)
		}
		tags = append(tags, name)
	}
	for _, name := range tags {
		if create {
			if _, err := git(ctx, r.root, "tag", "-a", "-m", name, name); err != nil {
				return err
			}
		}
		fmt.Fprintln(stdout, name)
	}
	return nil
}
