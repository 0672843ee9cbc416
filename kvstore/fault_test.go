//go:build linux

package kvstore_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/groundwork-go/groundwork/kvstore"
)

// TestFullDisk runs itself in a process whose files may not grow beyond a limit:
// writers get an error, readers go on, and after the limit is lifted all that was
// acknowledged is there, and writing goes on.
func TestFullDisk(t *testing.T) {
	if dir := os.Getenv("KVSTORE_FULL_DIR"); dir != "" {
		fillDisk(t, dir)
		return
	}
	for _, fsync := range []string{"always", "everysec"} {
		t.Run(fsync, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cmd := exec.Command(os.Args[0], "-test.run=^TestFullDisk$", "-test.v")
			cmd.Env = append(os.Environ(), "KVSTORE_FULL_DIR="+dir, "KVSTORE_FULL_FSYNC="+fsync)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Contains(t, string(out), "went through")
		})
	}
}

func setFileLimit(t *testing.T, n uint64) {
	var lim unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_FSIZE, &lim))
	lim.Cur = n
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &lim))
}

func fillDisk(t *testing.T, dir string) {
	signal.Ignore(syscall.SIGXFSZ)
	o := &kvstore.Options{}
	if os.Getenv("KVSTORE_FULL_FSYNC") == "always" {
		o.Fsync = kvstore.FsyncAlways
	}
	db, err := kvstore.Open(dir, o)
	require.NoError(t, err)
	const limit = 100_000
	setFileLimit(t, limit)
	acked := 0
	for ; err == nil; acked++ {
		require.Less(t, acked, limit)
		err = db.Set(fmt.Sprint("key", acked), []byte(strings.Repeat("v", 50)), nil)
	}
	acked--
	require.Greater(t, acked, 500)
	for range 10 {
		require.ErrorContains(t, db.Set("more", nil, nil), "MISCONF", "writers are refused")
	}
	v, err := db.Get("key1")
	require.NoError(t, err)
	require.Len(t, v, 50, "readers go on")
	setFileLimit(t, unix.RLIM_INFINITY)
	require.Eventually(t, func() bool { return db.Set("after", []byte("1"), nil) == nil }, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, db.Close())
	db, err = kvstore.Open(dir, o)
	require.NoError(t, err)
	for i := range acked {
		v, err := db.Get(fmt.Sprint("key", i))
		require.NoError(t, err)
		require.Len(t, v, 50)
	}
	_, err = db.Get("after")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	t.Log("went through")
}
