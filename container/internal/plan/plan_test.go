//go:build linux && amd64

package plan

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// start runs a program and returns its output, its status and its report.
func start(t *testing.T, p *Program) (out string, status int, report []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plan")
	require.NoError(t, os.WriteFile(path, p.Image, 0o755))
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	cmd := exec.Command(path)
	cmd.ExtraFiles = []*os.File{w}
	text, err := cmd.Output()
	require.NoError(t, w.Close())
	if err != nil {
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit)
		status = exit.ExitCode()
	}
	report = make([]byte, 32)
	n, _ := r.Read(report) // none is an end of file
	return string(text), status, report[:n]
}

func TestStepsAreMadeInOrder(t *testing.T) {
	p := Compile([]Step{
		{Op: "write", Nr: syscall.SYS_WRITE, Args: [6]Arg{Num(1), Str("hello "), Num(6)}},
		{Op: "fails and does not matter", Nr: syscall.SYS_CHDIR, Args: [6]Arg{Str("/no/such")}, IgnoreError: true},
		{Op: "scratch", Nr: syscall.SYS_GETCWD, Args: [6]Arg{Scratch(), Num(4096)}},
		{Op: "write", Nr: syscall.SYS_WRITE, Args: [6]Arg{Num(1), Bytes([]byte("world")), Num(5)}},
		{Op: "close", Nr: syscall.SYS_CLOSE, Args: [6]Arg{Int(ReportFD)}},
		{Op: "exec", Nr: syscall.SYS_EXECVE, Args: [6]Arg{Str("/bin/sh"), Strs([]string{"sh", "-c", "echo $A $1; exit 5", "x", "arg"}), Strs([]string{"A=env"})}},
	})
	out, status, report := start(t, p)
	require.Equal(t, "hello worldenv arg\n", out)
	require.Equal(t, 5, status)
	require.Empty(t, report)
}

func TestAFailedStepIsReported(t *testing.T) {
	p := Compile([]Step{
		{Op: "first", Nr: syscall.SYS_GETPID},
		{Op: "chdir", Path: "/no/such", Nr: syscall.SYS_CHDIR, Args: [6]Arg{Str("/no/such")}},
	})
	_, status, report := start(t, p)
	require.Equal(t, 127, status)
	i, step, errno, err := p.Failed(report)
	require.NoError(t, err)
	require.Equal(t, 1, i)
	require.Equal(t, "chdir", step.Op)
	require.Equal(t, syscall.ENOENT, errno)
	for _, bad := range [][]byte{nil, make([]byte, 16), []byte("\xff\xff\xff\xff\xff\xff\xff\x7f12345678")} {
		_, _, _, err := p.Failed(bad)
		require.Error(t, err)
	}
}
