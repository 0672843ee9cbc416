package server_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore"
	"github.com/groundwork-go/groundwork/kvstore/server"
)

// servedDir names, in a child process, the folder that TestServeForTrace serves.
const servedDir = "KVSTORE_SERVED_DIR"

// TestServeForTrace is the child that the tests below trace.
func TestServeForTrace(t *testing.T) {
	dir := os.Getenv(servedDir)
	if dir == "" {
		return // it is not the child
	}
	db, err := kvstore.Open(filepath.Join(dir, "data"), &kvstore.Options{Fsync: kvstore.FsyncAlways})
	require.NoError(t, err)
	s := server.New(db, nil)
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	require.NoError(t, err)
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	go func() {
		<-end
		_ = s.Close() // Serve tells
	}()
	require.ErrorIs(t, s.Serve(l), server.ErrServerClosed)
	require.NoError(t, db.Close())
}

// A traced is a server under strace.
type traced struct {
	cmd  *exec.Cmd
	dir  string
	file string // the trace
}

func trace(t *testing.T, options ...string) *traced {
	path, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed")
	}
	dir, err := os.MkdirTemp("", "kv")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	tr := &traced{dir: dir, file: filepath.Join(dir, "trace")}
	args := append([]string{"-f", "-qq", "-o", tr.file}, options...)
	tr.cmd = exec.Command(path, append(args, os.Args[0], "-test.run=^TestServeForTrace$")...)
	tr.cmd.Env = append(os.Environ(), servedDir+"="+dir)
	tr.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, tr.cmd.Start())
	t.Cleanup(tr.kill)
	require.Eventually(t, func() bool {
		c, err := net.Dial("unix", filepath.Join(dir, "s"))
		if err == nil {
			_ = c.Close() // it was only to see
		}
		return err == nil
	}, 30*time.Second, 10*time.Millisecond)
	return tr
}

// kill ends the server and strace at once.
func (tr *traced) kill() {
	_ = syscall.Kill(-tr.cmd.Process.Pid, syscall.SIGKILL) // it may have ended
	_ = tr.cmd.Wait()
}

func (tr *traced) dial(t *testing.T) (net.Conn, *bufio.Reader) {
	c, err := net.Dial("unix", filepath.Join(tr.dir, "s"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c, bufio.NewReader(c)
}

// A syncOrder follows a trace: how many INCRs are written, and how many are synced.
type syncOrder struct {
	written, synced int
	begun           map[string]int // by thread, what was written when its sync began
	unfinished      map[string]int // by thread, the INCRs of a write that has not returned
	replies         int
}

var traceLine = regexp.MustCompile(`^(\d+) +(?:<\.\.\. (\w+) resumed>|(\w+)\((.*))`)

// see takes a line; an error is a reply that left too early.
func (o *syncOrder) see(line string) error {
	m := traceLine.FindStringSubmatch(line)
	if m == nil {
		return nil
	}
	thread, resumed, begins := m[1], m[2], m[3]
	done := !strings.HasSuffix(line, "<unfinished ...>")
	n := strings.Count(m[4], `\r\nINCR\r\n`)
	switch {
	case begins == "pwrite64" && n > 0:
		o.unfinished[thread] = n
	case begins == "fdatasync":
		o.begun[thread] = o.written
	case begins == "sendto":
		for _, r := range regexp.MustCompile(`:(\d+)\\r\\n`).FindAllStringSubmatch(m[4], -1) {
			o.replies++
			if number, err := strconv.Atoi(r[1]); err != nil || number > o.synced {
				return fmt.Errorf("the reply %s leaves when %d are synced", r[0], o.synced)
			}
		}
	}
	if !done {
		return nil
	}
	switch call := resumed + begins; {
	case call == "pwrite64":
		o.written += o.unfinished[thread]
		delete(o.unfinished, thread)
	case call == "fdatasync" && strings.HasSuffix(line, "= 0"):
		o.synced = max(o.synced, o.begun[thread])
	}
	return nil
}

// No reply to a write leaves before the fdatasync of that write has returned.
func TestRepliesFollowTheSync(t *testing.T) {
	tr := trace(t, "-s", "1000000", "-e", "trace=pwrite64,sendto,fdatasync")
	const clients, each, pipeline = 4, 30, 5
	var wg sync.WaitGroup
	for range clients {
		c, r := tr.dial(t)
		wg.Go(func() {
			for range each {
				if _, err := c.Write([]byte(strings.Repeat("*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n", pipeline))); err != nil {
					t.Error(err)
					return
				}
				for range pipeline {
					if _, err := r.ReadString('\n'); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, syscall.Kill(-tr.cmd.Process.Pid, syscall.SIGTERM)) // strace ends when the server has
	require.NoError(t, tr.cmd.Wait())
	text, err := os.ReadFile(tr.file)
	require.NoError(t, err)
	o := syncOrder{begun: make(map[string]int), unfinished: make(map[string]int)}
	for line := range strings.Lines(string(text)) {
		require.NoError(t, o.see(strings.TrimSpace(line)))
	}
	require.Equal(t, clients*each*pipeline, o.replies)
	require.Equal(t, o.replies, o.written)
}

// When a sync fails the writers of that time get an error, reads go on, and so do
// writes once it works again; what was acknowledged is there after a crash.
func TestFailingSync(t *testing.T) {
	// Of each thread the fifth sync and every fortieth after it.
	tr := trace(t, "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=5+40")
	c, r := tr.dial(t)
	ask := func(command string) string {
		_, err := c.Write([]byte(command + "\r\n"))
		require.NoError(t, err)
		line, err := r.ReadString('\n')
		require.NoError(t, err)
		if strings.HasPrefix(line, "$") && line != "$-1\r\n" {
			line, err = r.ReadString('\n')
			require.NoError(t, err)
		}
		return strings.TrimSpace(line)
	}
	var acked []int
	failures := 0
	for i := 0; len(acked) < 200 || failures == 0; i++ {
		require.Less(t, i, 100_000)
		switch reply := ask(fmt.Sprintf("SET key%d value%d", i, i)); {
		case reply == "+OK":
			acked = append(acked, i)
		default:
			require.Contains(t, reply, "-MISCONF Errors writing to the AOF file")
			failures++
			require.Equal(t, "value1", ask("GET key1"), "reads go on")
		}
	}
	tr.kill()
	var db *kvstore.DB
	require.Eventually(t, func() bool { // until the child of strace is gone too
		var err error
		db, err = kvstore.Open(filepath.Join(tr.dir, "data"), nil)
		if !errors.Is(err, kvstore.ErrLocked) {
			require.NoError(t, err)
		}
		return err == nil
	}, 30*time.Second, 10*time.Millisecond)
	defer db.Close()
	for _, i := range acked {
		v, err := db.Get(fmt.Sprint("key", i))
		require.NoError(t, err, "key%d was acknowledged", i)
		require.Equal(t, fmt.Sprint("value", i), string(v))
	}
	t.Log(failures, "writes failed,", len(acked), "were acknowledged")
}
