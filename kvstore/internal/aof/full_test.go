//go:build linux

package aof

import (
	"os/signal"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// limitFiles sets how long a file may become. It is for the whole process: tests that
// use it are not parallel.
func limitFiles(t *testing.T, n uint64) {
	t.Helper()
	var lim unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_FSIZE, &lim))
	lim.Cur = min(n, lim.Max)
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &lim))
}

// TestWriteFails lets a write stop at each byte of a unit, or at some.
func TestWriteFails(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	defer limitFiles(t, unix.RLIM_INFINITY)
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
