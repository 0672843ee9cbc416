package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/examples/internal/clitest"
)

func TestCommands(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.calc")
	require.NoError(t, os.WriteFile(file, []byte("print(6 * 7)\n1 div 0"), 0o644))
	for _, c := range []struct {
		stdin  string
		args   []string
		want   string
		status int
	}{
		{"", []string{"eval", "2 + 3 * 4"}, "14\n", 0},
		{"", []string{"eval", "(2 + 3) * 4"}, "20\n", 0},
		{"", []string{"eval", "print(1)"}, "1\n", 0},
		{"", []string{"run", file}, "42\n", 1},
		{"", []string{"check", file}, "", 0},
		{"", []string{"eval", "1 +"}, "", 2},
		{"", []string{"eval", "x"}, "", 2},
		{"", []string{"eval", "-max-steps=10", "for { }"}, "", 3},
		{"", []string{"eval", "-timeout=10ms", "for { }"}, "", 3},
		{"", []string{"eval", "-backend=tree", "-max-memory=1MiB", "len(\"x\".repeat(1000000))"}, "1000000\n", 0},
		{"", []string{"eval", "-max-memory=1KiB", "\"x\".repeat(1000000)"}, "", 3},
		{"let x = 5\nprint(\"once\")\nx * 2\n\ny\n", []string{"repl"}, "calc> calc> once\ncalc> 10\ncalc> calc> input 5:1:1: type error: unknown name y\ny\n^\ncalc> \n", 0},
	} {
		out, err := clitest.Output(t, run, c.stdin, c.args...)
		require.Equal(t, c.want, out, "%q", c.args)
		require.Equal(t, c.status, clitest.Status(t, err), "%q", c.args)
	}
	clitest.BadFlags(t, run, []string{"-h"}, []string{"eval"}, []string{"eval", "-nope", "1"}, []string{"eval", "-backend=jit", "1"}, []string{"eval", "-max-memory=1XB", "1"}, []string{"eval", "-max-memory=9999999999GiB", "1"}, []string{"what", "x"}, []string{"eval", "1", "2"})
	_, err := clitest.Output(t, run, "", "run", "/no/such/file")
	require.ErrorContains(t, err, "/no/such/file")
}
