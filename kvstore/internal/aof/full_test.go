//go:build linux

package aof

import (
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// limited is set in a process whose files may be kept short.
const limited = "AOF_TEST_LIMITED"

// inOwnProcess runs the test that calls it in a process of its own and tells whether
// this is that one: a limit is for a whole process, and the testing package writes too.
func inOwnProcess(t *testing.T) bool {
	t.Helper()
	if os.Getenv(limited) != "" {
		signal.Ignore(syscall.SIGXFSZ)
		return true
	}
	args := []string{"-test.run=^" + t.Name() + "$"}
	if testing.Short() {
		args = append(args, "-test.short")
	}
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), limited+"=1", "GORACE=atexit_sleep_ms=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return false
}

// limitFiles sets how long a file of this process may become.
func limitFiles(t *testing.T, n uint64) {
	t.Helper()
	var lim unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_FSIZE, &lim))
	lim.Cur = min(n, lim.Max)
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &lim))
}

// Where there is no room to reserve, what is written is written all the same.
func TestNoRoomToReserve(t *testing.T) {
	if !inOwnProcess(t) {
		return
	}
	limitFiles(t, 8<<10)
	l, dir := openLog(t, Always)
	var want []string
	for i := range 100 {
		require.NoError(t, l.Commit(l.Append(0, cmd("SET", "key", strconv.Itoa(i)), 1)))
		want = append(want, "0 SET key "+strconv.Itoa(i))
		require.Zero(t, l.seg.reserved)
	}
	require.Equal(t, want, readBack(t, dir))
	limitFiles(t, unix.RLIM_INFINITY)
	require.NoError(t, l.Commit(l.Append(0, cmd("SET", "last", "1"), 1)))
	require.Positive(t, l.seg.reserved)
	require.Equal(t, append(want, "0 SET last 1"), readBack(t, dir))
	require.NoError(t, l.Close())
}

// TestWriteFails lets a write stop at each byte of a unit, or at some.
func TestWriteFails(t *testing.T) {
	if !inOwnProcess(t) {
		return
	}
	l, dir := openLog(t, Never)
	require.NoError(t, l.Commit(l.Append(0, cmd("SET", "key", "value"), 1)))
	want := []string{"0 SET key value"}
	step := 1
	if testing.Short() {
		step = 24
	}
	shortest := len(cmd("SET", "key", "1")) + len("#CRC32C:31:00000000\n")
	for i := 0; i < shortest; i += step {
		l.mu.Lock()
		size := l.seg.size
		l.mu.Unlock()
		// The manifest and the like are shorter.
		limitFiles(t, uint64(size)+uint64(i))
		n := l.Append(0, cmd("SET", "key", strconv.Itoa(i)), 1)
		require.Error(t, l.Commit(n), "%d bytes", i)
		require.ErrorIs(t, l.Err(), syscall.EFBIG)
		require.Equal(t, want, readBack(t, dir))
		limitFiles(t, unix.RLIM_INFINITY)
		want = append(want, "0 SET key "+strconv.Itoa(i))
		l.mu.Lock()
		for l.err != nil { // ticks tries again by itself
			l.change.Wait()
		}
		l.mu.Unlock()
		require.NoError(t, l.Commit(n))
		require.Equal(t, want, readBack(t, dir))
	}
	require.NoError(t, l.Close())
	require.False(t, l.Lost())
}
