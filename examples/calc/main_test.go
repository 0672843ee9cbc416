package main

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
		{"", []string{"eval", "-backend=vm", "6 * 7"}, "42\n", 0},
		{"", []string{"eval", "-backend=jit", "6 * 7"}, "42\n", 0},
		{"", []string{"eval", "-backend=jit", "[\"on the vm\"]"}, "[\"on the vm\"]\n", 0},
		{"", []string{"eval", "-max-memory=1KiB", "\"x\".repeat(1000000)"}, "", 3},
		{"let x = 5\nprint(\"once\")\nx * 2\n\ny\n", []string{"repl"}, "calc> calc> once\ncalc> 10\ncalc> calc> input 5:1:1: type error: unknown name y\ny\n^\ncalc> \n", 0},
	} {
		out, err := clitest.Output(t, run, c.stdin, c.args...)
		require.Equal(t, c.want, out, "%q", c.args)
		require.Equal(t, c.status, clitest.Status(t, err), "%q", c.args)
	}
	clitest.BadFlags(t, run, []string{"-h"}, []string{"eval"}, []string{"eval", "-nope", "1"}, []string{"eval", "-backend=gpu", "1"}, []string{"dump", "-wat", file}, []string{"build", "-o"}, []string{"eval", "-max-memory=1XB", "1"}, []string{"eval", "-max-memory=9999999999GiB", "1"}, []string{"what", "x"}, []string{"eval", "1", "2"})
	_, err := clitest.Output(t, run, "", "run", "/no/such/file")
	require.ErrorContains(t, err, "/no/such/file")
}

func TestDump(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.calc")
	require.NoError(t, os.WriteFile(file, []byte("var n = 1\nfor i in 0..9 { n += i }\nprint(n)"), 0o644))
	for flag, want := range map[string]string{"-ast": "CountStmt @2:1", "-types": "Count", "-ir": "phi", "-bytecode": "addi", "-asm": "add"} {
		out, err := clitest.Output(t, run, "", "dump", flag, file)
		require.NoError(t, err)
		require.Contains(t, out, want, flag)
	}
	require.NoError(t, os.WriteFile(file, []byte("[\"text\"]"), 0o644))
	_, err := clitest.Output(t, run, "", "dump", "-asm", file)
	require.ErrorContains(t, err, "main uses")
	out, err := clitest.Output(t, run, ":dump ir 1 + 2\n:dump what\n", "repl")
	require.NoError(t, err)
	require.Contains(t, out, "const 3")
	require.Contains(t, out, "stages: ast")
}

// TestBuild builds the command, a program with it, and runs that.
func TestBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles the command")
	}
	dir := t.TempDir()
	command := filepath.Join(dir, "calc")
	out, err := exec.Command("go", "build", "-o", command, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	file := filepath.Join(dir, "x.calc")
	require.NoError(t, os.WriteFile(file, []byte("import \"m\"\nprint(args, m.twice(21))\n1 div 0"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "m.calc"), []byte("func twice(x) => x * 2"), 0o644))
	built := filepath.Join(dir, "x")
	out, err = exec.Command(command, "build", "-o", built, file).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoError(t, os.Remove(file))
	cmd := exec.Command(built, "a", "-b")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err = cmd.Output()
	require.Equal(t, "[\"a\", \"-b\"] 42\n", string(out))
	require.Equal(t, file+":3:3: runtime error: division by zero\n1 div 0\n  ^\n", stderr.String())
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 1, exit.ExitCode())

	// It needs nothing but itself.
	exe, err := elf.Open(built)
	require.NoError(t, err)
	for _, p := range exe.Progs {
		require.NotContains(t, []elf.ProgType{elf.PT_INTERP, elf.PT_DYNAMIC}, p.Type)
	}
	require.NoError(t, exe.Close())

	// One that is not whole says so, and does not take itself for the command.
	info, err := os.Stat(built)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(built, info.Size()-3))
	out, err = exec.Command(built, "eval", "1").CombinedOutput()
	require.ErrorAs(t, err, &exit)
	require.Contains(t, string(out), "there is no whole program")
}
