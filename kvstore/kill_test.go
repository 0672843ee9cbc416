package kvstore_test

import (
	"bytes"
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore"
)

var killRounds = flag.Int("killrounds", 10, "rounds of TestKill")

// TestKill kills a process that writes, again and again: every write that it
// had confirmed must be there.
func TestKill(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv("KVSTORE_KILL_DIR"); dir != "" {
		writeUntilKilled(dir)
		return
	}
	dir := t.TempDir()
	rounds := *killRounds
	if testing.Short() {
		rounds = 3
	}
	last := 0
	for range rounds {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKill$")
		cmd.Env = append(os.Environ(), "KVSTORE_KILL_DIR="+dir)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		confirmed := make([]byte, 0, 1<<16)
		buf := make([]byte, 4096)
		for bytes.Count(confirmed, []byte("\n")) < 20+rand.IntN(200) {
			n, err := out.Read(buf)
			require.NoError(t, err)
			confirmed = append(confirmed, buf[:n]...)
		}
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait() // killed

		lines := strings.Split(string(confirmed), "\n")
		acked, err := strconv.Atoi(lines[len(lines)-2]) // the last line may be cut
		require.NoError(t, err)
		db, err := kvstore.Open(dir, nil)
		require.NoError(t, err)
		a, err := db.Get("a")
		require.NoError(t, err)
		b, err := db.Get("b")
		require.NoError(t, err)
		require.Equal(t, string(a), string(b), "no half transaction")
		got, err := strconv.Atoi(string(a))
		require.NoError(t, err)
		require.GreaterOrEqual(t, got, acked)
		require.Greater(t, got, last)
		last = got
		require.NoError(t, db.Close())
	}
}

func writeUntilKilled(dir string) {
	db, err := kvstore.Open(dir, &kvstore.Options{Fsync: kvstore.FsyncAlways})
	if err != nil {
		panic(err)
	}
	go func() { // the log is rewritten all the time, too
		for db.Compact(context.Background()) == nil {
			time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond)
		}
	}()
	n := 0
	if v, err := db.Get("a"); err == nil {
		n, _ = strconv.Atoi(string(v)) // written below
	}
	for {
		n++
		if err := db.Update(func(tx *kvstore.Tx) error {
			tx.Set("a", []byte(strconv.Itoa(n)))
			tx.Set("b", []byte(strconv.Itoa(n)))
			return nil
		}); err != nil {
			panic(err)
		}
		os.Stdout.WriteString(strconv.Itoa(n) + "\n")
	}
}
