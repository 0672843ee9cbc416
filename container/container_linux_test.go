//go:build amd64

package container_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/groundwork-go/groundwork/container"
)

// works tells whether this kernel lets us make namespaces; if it does not, it checks
// that the error says so.
func works(t *testing.T) bool {
	t.Helper()
	err := container.Command("true").Run()
	if err == nil {
		return true
	}
	var e *container.Error
	require.ErrorAs(t, err, &e)
	require.NotEmpty(t, e.Op)
	t.Logf("refused here: %v", err)
	return false
}

func output(t *testing.T, c *container.Cmd) string {
	t.Helper()
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	require.NoError(t, err, "%s", &stderr)
	return string(out)
}

func TestWalls(t *testing.T) {
	if !works(t) {
		return
	}
	require.Equal(t, "container\n0\n1\n", output(t, container.Command("sh", "-c", "hostname; id -u; echo $$")))
	c := container.Command("hostname")
	c.Hostname = "other"
	require.Equal(t, "other\n", output(t, c))
	host, err := os.Hostname()
	require.NoError(t, err)
	require.NotEqual(t, "other", host)
	require.Equal(t, "/proc/1\n", output(t, container.Command("sh", "-c", "echo /proc/[0-9]*")), "only the shell")
	// Files are read-only, but for an empty /tmp of its own.
	require.Equal(t, "0\nread-only\n", output(t, container.Command("sh", "-c", "ls /tmp | wc -l; touch /tmp/x; touch /etc/x 2>/dev/null || echo read-only")))
	require.Equal(t, "NoNewPrivs:\t1\n", output(t, container.Command("grep", "NoNewPrivs", "/proc/self/status")))
}

func TestMountsAndDir(t *testing.T) {
	if !works(t) {
		return
	}
	work, fixed := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(fixed, "f"), []byte("fixed\n"), 0o644))
	c := container.Command("sh", "-c", "pwd; echo made > made; cat /mnt/f; touch /mnt/x 2>/dev/null || echo read-only")
	c.Dir = work
	c.Mounts = []container.Mount{{Source: work}, {Source: fixed, Target: "/mnt", ReadOnly: true}}
	require.Equal(t, work+"\nfixed\nread-only\n", output(t, c))
	data, err := os.ReadFile(filepath.Join(work, "made"))
	require.NoError(t, err)
	require.Equal(t, "made\n", string(data))
	info, err := os.Stat(filepath.Join(work, "made"))
	require.NoError(t, err)
	require.EqualValues(t, os.Geteuid(), info.Sys().(*syscall.Stat_t).Uid, "user 0 inside is we")
}

func TestRootFS(t *testing.T) {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Skip("busybox is not installed")
	}
	if !works(t) {
		return
	}
	root := t.TempDir()
	data, err := os.ReadFile(busybox)
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(root, "bin"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "bin", "busybox"), data, 0o755))
	require.NoError(t, os.Symlink("busybox", filepath.Join(root, "bin", "sh")))
	c := container.Command("sh", "-c", "busybox ls /; echo x >/dev/null; busybox mkdir /made; echo ok")
	c.RootFS = root
	c.Env = []string{"PATH=/bin"}
	require.Equal(t, "bin\ndev\nproc\nok\n", output(t, c))
	require.DirExists(t, filepath.Join(root, "made"))
}

func TestExitAndSignals(t *testing.T) {
	if !works(t) {
		return
	}
	var exit *exec.ExitError
	require.ErrorAs(t, container.Command("sh", "-c", "exit 7").Run(), &exit)
	require.Equal(t, 7, exit.ExitCode())

	r, w := io.Pipe()
	c := container.Command("sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.01; done")
	c.Stdout = w
	require.NoError(t, c.Start())
	_, err := io.ReadFull(r, make([]byte, 6))
	require.NoError(t, err)
	require.NoError(t, c.Signal(unix.SIGTERM))
	require.ErrorAs(t, c.Wait(), &exit)
	require.Equal(t, 9, exit.ExitCode())

	c = container.Command("sleep", "100")
	require.NoError(t, c.Start())
	require.NoError(t, c.Signal(unix.SIGKILL))
	require.ErrorAs(t, c.Wait(), &exit)
	require.Equal(t, syscall.SIGKILL, exit.Sys().(syscall.WaitStatus).Signal())
}

func TestContextKillsAll(t *testing.T) {
	if !works(t) {
		return
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	c := container.CommandContext(ctx, "sh", "-c", "setsid sleep 1234567 & echo ready; wait")
	c.Stdout = w
	require.NoError(t, c.Start())
	_, err := io.ReadFull(r, make([]byte, 6))
	require.NoError(t, err)
	cancel()
	require.ErrorIs(t, c.Wait(), context.Canceled)
	require.Eventually(t, func() bool {
		out, _ := exec.Command("pgrep", "-f", "sleep 1234567").Output() // fails when there is none
		return len(out) == 0
	}, 10*time.Second, 10*time.Millisecond)
	require.ErrorIs(t, container.CommandContext(ctx, "true").Run(), context.Canceled)
}

func TestErrorsNameTheStep(t *testing.T) {
	ok := works(t)
	var e *container.Error
	for _, c := range []struct {
		name string
		cmd  *container.Cmd
		op   string
		err  error
	}{
		{"no such program", container.Command("no-such-program"), "exec", exec.ErrNotFound},
		{"no such path", container.Command("/no/such/program"), "exec", unix.ENOENT},
		{"not executable", container.Command("/etc/passwd"), "exec", unix.EACCES},
		{"no such folder", &container.Cmd{}, "config", nil},
		{"NUL", container.Command("a\x00b"), "config", nil},
	} {
		err := c.cmd.Run()
		require.ErrorAs(t, err, &e, c.name)
		if !ok && c.op != "config" {
			continue
		}
		require.Equal(t, c.op, e.Op, c.name)
		if c.err != nil {
			require.ErrorIs(t, err, c.err, c.name)
		}
	}
	if !ok {
		return
	}
	c := container.Command("true")
	c.Dir = "/no/such/folder"
	err := c.Run()
	require.ErrorAs(t, err, &e)
	require.Equal(t, "chdir", e.Op)
	require.Positive(t, e.Step)
	require.Contains(t, err.Error(), "chdir /no/such/folder (step ")
	c = container.Command("true")
	c.Mounts = []container.Mount{{Source: "/no/such/source", Target: "/mnt"}}
	require.ErrorAs(t, c.Run(), &e)
	require.Equal(t, "/no/such/source", e.Path)
	for _, m := range []container.Mount{{Source: "relative"}, {Source: "/x", Target: "y"}, {Source: "/x", Target: "/a/../b"}} {
		c := container.Command("true")
		c.Mounts = []container.Mount{m}
		require.ErrorAs(t, c.Run(), &e)
		require.Equal(t, "config", e.Op)
	}
	require.Error(t, container.Command("true").Wait())
	require.Error(t, container.Command("true").Signal(unix.SIGTERM))
}

func TestLimits(t *testing.T) {
	if !works(t) {
		return
	}
	c := container.Command("sh", "-c", "for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; wait")
	c.Limits = container.Limits{Pids: 4, Memory: 64 << 20}
	var stderr bytes.Buffer
	c.Stderr = &stderr
	err := c.Run()
	var e *container.Error
	if errors.As(err, &e) { // this user, or this kernel, has no say over cgroups
		require.Equal(t, "cgroup", e.Op)
		require.NotEmpty(t, e.Path)
		return
	}
	require.Contains(t, strings.ToLower(stderr.String()), "fork")
	c = container.Command("true")
	c.Limits.Pids = -1
	require.ErrorAs(t, c.Run(), &e)
	require.Equal(t, "config", e.Op)
}

func TestNothingIsLeftBehind(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // others make containers at the same time
	before := leftovers(t)
	for range 20 {
		_ = container.Command("true").Run()      // whether it works or not
		_ = container.Command("/no/such").Run()  // fails at the last step
		_ = container.Command("no-such-x").Run() // fails before the first
	}
	require.Equal(t, before, leftovers(t))
}

// leftovers counts descriptors, mounts, and the folders of roots.
func leftovers(t *testing.T) [3]int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	require.NoError(t, err)
	roots, err := filepath.Glob(filepath.Join(os.TempDir(), "container-*"))
	require.NoError(t, err)
	return [3]int{len(fds), bytes.Count(mounts, []byte("\n")), len(roots)}
}

// TestAsOrdinaryUser runs the tests above once more, as nobody.
func TestAsOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		return // then they ran as one
	}
	self, err := os.ReadFile(os.Args[0])
	require.NoError(t, err)
	dir, err := os.MkdirTemp("/tmp", "ctest-")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o777))
	bin := filepath.Join(dir, "test")
	require.NoError(t, os.WriteFile(bin, self, 0o755))
	cmd := exec.Command(bin, "-test.run", "^(TestWalls|TestMountsAndDir|TestExitAndSignals|TestErrorsNameTheStep|TestLimits|TestNothingIsLeftBehind)$", "-test.v")
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir}
	const nobody = 65534
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NotContains(t, string(out), "SKIP")
	require.Contains(t, string(out), "PASS", strconv.Itoa(nobody))
}
