package main

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/examples/internal/clitest"
	"github.com/groundwork-go/groundwork/gogit"
	"github.com/groundwork-go/groundwork/gogit/server"
)

const hello = "ce013625030ba8dba906f756967f9e9ca394464a"

func TestTutorial(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("test.txt", []byte("hello\n"), 0o644))
	out, err := clitest.Output(t, run, "", "init", "--dir-name", ".gogit")
	require.NoError(t, err)
	require.Equal(t, "Initialized empty gogit repository\n", out)
	out, err = clitest.Output(t, run, "", "hash-object", "test.txt")
	require.NoError(t, err)
	require.Equal(t, hello+"\n", out)
	out, err = clitest.Output(t, run, "", "cat-file", hello)
	require.NoError(t, err)
	require.Equal(t, "hello\n", out)
}

func TestAsGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	dir := t.TempDir()
	t.Chdir(dir)
	mine, err := clitest.Output(t, run, "", "init", "repo")
	require.NoError(t, err)
	theirs, err := exec.Command("git", "init", "--initial-branch=main", "other").Output()
	require.NoError(t, err)
	require.Equal(t, len(theirs)-len("other"), len(mine)-len("repo"))
	t.Chdir(filepath.Join(dir, "repo"))
	require.NoError(t, os.WriteFile("f", []byte("hello\n"), 0o644))
	git := func(args ...string) string {
		out, err := exec.Command("git", append([]string{"-c", "user.name=Ann", "-c", "user.email=a@example.com"}, args...)...).Output()
		require.NoError(t, err, "git %q", args)
		return string(out)
	}
	git("add", "-A")
	git("commit", "-qm", "first\n\nwith a body")
	require.NoError(t, os.WriteFile("f", []byte("more\n"), 0o644))
	git("commit", "-qam", "second")
	for _, args := range [][]string{
		{"hash-object", "f"}, {"hash-object", "-w", "-t", "blob", "f"}, {"cat-file", "-p", hello}, {"cat-file", "-t", "HEAD"}, {"cat-file", "-s", hello},
		{"cat-file", "-p", "HEAD^{tree}"}, {"cat-file", "-p", "HEAD"}, {"log"}, {"log", "HEAD~1"},
	} {
		out, err := clitest.Output(t, run, "", args...)
		require.NoError(t, err, "%q", args)
		require.Equal(t, git(args...), out, "%q", args)
	}
	out, err := clitest.Output(t, run, "hello\n", "hash-object", "--stdin")
	require.NoError(t, err)
	require.Equal(t, hello+"\n", out)
	_, err = clitest.Output(t, run, "", "cat-file", "-e", "nope")
	require.ErrorIs(t, err, gogit.ErrRevision)

	s := httptest.NewServer(server.NewHandler(server.Dir(dir), nil))
	defer s.Close()
	t.Chdir(dir)
	_, err = clitest.Output(t, run, "", "clone", s.URL+"/repo", "clone")
	require.NoError(t, err)
	data, err := os.ReadFile("clone/f")
	require.NoError(t, err)
	require.Equal(t, "more\n", string(data))
	out, err = clitest.Output(t, run, "", "ls-remote", s.URL+"/repo")
	require.NoError(t, err)
	theirs, err = exec.Command("git", "ls-remote", s.URL+"/repo").Output()
	require.NoError(t, err)
	require.Equal(t, string(theirs), out)
}

func TestFlags(t *testing.T) {
	t.Chdir(t.TempDir())
	clitest.BadFlags(t, run, []string{"-h"}, nil, []string{"nope"}, []string{"init", "-nope"}, []string{"clone"}, []string{"ls-remote"},
		[]string{"hash-object"}, []string{"hash-object", "-t", "thing", "x"})
	_, err := clitest.Output(t, run, "", "log")
	require.ErrorIs(t, err, gogit.ErrNotRepository)
}
