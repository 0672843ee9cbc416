package kvstore_test

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore"
)

// askRedis sends one command and returns the line of its reply.
func askRedis(t *testing.T, sock, command string) string {
	c, err := net.Dial("unix", sock)
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Write([]byte(command + "\r\n"))
	require.NoError(t, err)
	line, err := bufio.NewReader(c).ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(line)[1:]
}

// A folder goes from here to Redis and back, closed and as a crash leaves it.
func TestLogIsRedisLog(t *testing.T) {
	checker, err := exec.LookPath("redis-check-aof")
	if err != nil {
		t.Skip("redis-check-aof is not installed")
	}
	for _, c := range []struct {
		name  string
		fsync kvstore.Fsync
		crash bool
	}{
		{"always", kvstore.FsyncAlways, false},
		{"always, after a crash", kvstore.FsyncAlways, true},
		{"everysec, after a crash", kvstore.FsyncEverySec, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			options := &kvstore.Options{Fsync: c.fsync}
			dir := t.TempDir()
			db := open(t, dir, options)
			manyKinds(t, db)
			require.NoError(t, db.Compact(context.Background()))
			manyKinds(t, db)
			require.NoError(t, db.Sync())
			want := digest(t, db)
			if !c.crash {
				require.NoError(t, db.Close())
			}
			left := t.TempDir()
			require.NoError(t, os.CopyFS(filepath.Join(left, "appendonlydir"), os.DirFS(filepath.Join(dir, "appendonlydir"))))
			if c.crash {
				require.NoError(t, db.Close())
			}
			out, err := exec.Command(checker, filepath.Join(left, "appendonlydir", "appendonly.aof.manifest")).CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Contains(t, string(out), "All AOF files and manifest are valid")

			sock := startRedis(t, "--dir", left, "--appendonly", "yes")
			require.Eventually(t, func() bool { return askRedis(t, sock, "PING") == "PONG" }, 10*time.Second, time.Millisecond, "it loads")
			require.Equal(t, want, askRedis(t, sock, "DEBUG DIGEST"))
			require.Equal(t, "OK", askRedis(t, sock, "SET from redis"))
			want = askRedis(t, sock, "DEBUG DIGEST")
			askRedis(t, sock, "CONFIG SET appendfsync always")
			require.Equal(t, "OK", askRedis(t, sock, "SET from redis"))

			back := t.TempDir()
			require.NoError(t, os.CopyFS(back, os.DirFS(left)))
			db = open(t, back, options)
			require.Equal(t, want, digest(t, db))
			manyKinds(t, db)
			want = digest(t, db)
			require.NoError(t, db.Close())
			require.Equal(t, want, digest(t, open(t, back, options)))
		})
	}
}
