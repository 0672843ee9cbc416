package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/examples/internal/clitest"
)

func TestWaysOfRunning(t *testing.T) {
	script := filepath.Join(t.TempDir(), "script")
	require.NoError(t, os.WriteFile(script, []byte("echo $1; exit 4\n"), 0o644))
	for _, c := range []struct {
		stdin  string
		args   []string
		want   string
		status int
	}{
		{"", []string{"-c", "echo a | cat; echo $0 $1", "name", "arg"}, "a\nname arg\n", 0},
		{"", []string{script, "arg"}, "arg\n", 4},
		{"echo $1; exit 3", []string{"-s", "arg"}, "arg\n", 3},
		{"echo from stdin", nil, "from stdin\n", 0},
		{"cd /\npwd\nexit 5\n", []string{"-i"}, "/\n", 5},
		{"", []string{"-c", "if"}, "", 2},
		{"", []string{"/no/such/script"}, "", 127},
	} {
		out, err := clitest.Output(t, run, c.stdin, c.args...)
		require.Equal(t, c.want, out, "%q", c.args)
		require.Equal(t, c.status, clitest.Status(t, err), "%q", c.args)
	}
	clitest.BadFlags(t, run, []string{"-h"}, []string{"-nope"})
}
