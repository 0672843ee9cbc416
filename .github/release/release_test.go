package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// newRepo makes a repository with two modules, b requiring a.
func newRepo(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	write("go.work", "go 1.26.0\n\nuse (\n\t./.tool\n\t./b\n\t./a\n)\n")
	write("a/go.mod", "module example.com/a\n\ngo 1.26.0\n")
	write("a/a.go", "package a\n\nfunc F() int { return 1 }\n")
	write("a/CHANGELOG.md", "# Changelog\n\n## v0.1.0\n\nFirst.\n")
	write("b/go.mod", "module example.com/b\n\ngo 1.26.0\n\nrequire example.com/a v0.1.0\n")
	write("b/b.go", "package b\n\nimport _ \"example.com/a\"\n")
	write("b/CHANGELOG.md", "# Changelog\n\n## v0.1.0\n\nFirst.\n")
	for _, args := range [][]string{{"init", "-q"}, {"config", "user.name", "t"}, {"config", "user.email", "t@example.com"}} {
		_, err := git(t.Context(), dir, args...)
		require.NoError(t, err)
	}
	commit(t, dir)
	t.Chdir(dir)
	return dir
}

func commit(t *testing.T, dir string) {
	t.Helper()
	_, err := git(t.Context(), dir, "add", "-A")
	require.NoError(t, err)
	_, err = git(t.Context(), dir, "commit", "-qm", "change")
	require.NoError(t, err)
}

func edit(t *testing.T, dir, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	commit(t, dir)
}

func TestPlanAndTag(t *testing.T) {
	dir := newRepo(t)
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"tag"}, &out))
	require.Equal(t, "a/v0.1.0\nb/v0.1.0\n", out.String(), "in dependency order")
	out.Reset()
	require.NoError(t, run(t.Context(), []string{"tag", "-yes"}, &out))

	out.Reset()
	require.NoError(t, run(t.Context(), []string{"plan"}, &out))
	require.Contains(t, out.String(), "v0.1.0 stays: unchanged")

	edit(t, dir, "a/a.go", "package a\n\nfunc F() int { return 2 }\n")
	require.ErrorContains(t, run(t.Context(), []string{"plan"}, &out), `a/CHANGELOG.md has no section "## v0.1.1"`)
	edit(t, dir, "a/CHANGELOG.md", "# Changelog\n\n## v0.1.1\n\n## v0.1.0\n")
	out.Reset()
	require.NoError(t, run(t.Context(), []string{"plan", "a"}, &out))
	require.Contains(t, out.String(), "v0.1.0 -> v0.1.1: changes inside")

	edit(t, dir, "a/a.go", "package a\n\nfunc F(int) int { return 2 }\n")
	require.ErrorContains(t, run(t.Context(), []string{"plan"}, &out), "## v0.2.0", "the API broke")

	edit(t, dir, "a/a.go", "package a\n\nfunc F() int { return 2 }\n\nfunc G() {}\n")
	out.Reset()
	require.NoError(t, run(t.Context(), []string{"plan", "a"}, &out))
	require.Contains(t, out.String(), "additions")
	_, err := git(t.Context(), dir, "tag", "a/v0.1.1")
	require.NoError(t, err)
	_, err = git(t.Context(), dir, "tag", "a/v1.0.0", "a/v0.1.0^{}")
	require.NoError(t, err)
	require.ErrorContains(t, run(t.Context(), []string{"plan", "a"}, &out), "## v1.1.0", "additions after v1")
}

func TestBadCalls(t *testing.T) {
	dir := newRepo(t)
	for want, args := range map[string][]string{
		"usage":                 nil,
		"unknown command":       {"publish"},
		"unknown module c":      {"plan", "c"},
		"flag provided but not": {"tag", "-force"},
	} {
		require.ErrorContains(t, run(t.Context(), args, &bytes.Buffer{}), want)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "new"), nil, 0o644))
	require.EqualError(t, run(t.Context(), []string{"plan"}, &bytes.Buffer{}), "the working tree is not clean: ?? new")
}

func TestSimulateFindsWhatUsersWouldFind(t *testing.T) {
	dir := newRepo(t)
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"simulate"}, &out))
	require.Contains(t, out.String(), "ok  example.com/b@v0.1.0")
	edit(t, dir, "b/go.mod", "module example.com/b\n\ngo 1.26.0\n\nrequire example.com/a v0.1.0\n\nrequire example.com/a v0.1.0 // indirect\n")
	require.Error(t, run(t.Context(), []string{"simulate"}, &out), "go.mod is not tidy")
	edit(t, dir, "b/go.mod", "module example.com/b\n\ngo 1.26.0\n\nrequire example.com/a v0.1.0\n")
	edit(t, dir, "a/a.go", "package a\n\nfunc F() int { return \"\" }\n")
	require.ErrorContains(t, run(t.Context(), []string{"simulate"}, &out), "cannot use")
}
