package kvstore_test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore"
)

var (
	diffCommands = flag.Int("diff", 6000, "commands of TestAgainstRedis")
	diffSeed     = flag.Uint64("diffseed", 0, "seed of TestAgainstRedis; 0: by chance")
)

// startRedis starts a real redis-server and returns the path of its socket.
func startRedis(t *testing.T, args ...string) string {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("no redis-server here")
	}
	dir, err := os.MkdirTemp("", "redis") // a socket's path must be short
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	sock := filepath.Join(dir, "s")
	cmd := exec.Command(bin, append([]string{"--port", "0", "--unixsocket", sock, "--save", "", "--dir", dir, "--enable-debug-command", "yes"}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	require.Eventually(t, func() bool {
		c, err := net.Dial("unix", sock)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}, 10*time.Second, 5*time.Millisecond)
	return sock
}

// readRaw reads one reply as it came.
func readRaw(r *bufio.Reader, dst []byte) ([]byte, error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return dst, err
	}
	dst = append(dst, line...)
	n, _ := strconv.Atoi(string(bytes.TrimSpace(line[1:])))
	switch line[0] {
	case '$', '=':
		if n >= 0 {
			b := make([]byte, n+2)
			if _, err := io.ReadFull(r, b); err != nil {
				return dst, err
			}
			dst = append(dst, b...)
		}
	case '*', '~', '>':
		for range n {
			if dst, err = readRaw(r, dst); err != nil {
				return dst, err
			}
		}
	case '%':
		for range 2 * n {
			if dst, err = readRaw(r, dst); err != nil {
				return dst, err
			}
		}
	}
	return dst, nil
}

func newReader(r io.Reader) *bufio.Reader { return bufio.NewReader(r) }

// split cuts a reply of several parts into them.
func split(raw []byte) (head string, parts [][]byte) {
	r := bufio.NewReader(bytes.NewReader(raw))
	line, _ := r.ReadString('\n')
	for {
		p, err := readRaw(r, nil)
		if err != nil {
			return line, parts
		}
		parts = append(parts, p)
	}
}

// sorted brings the parts of a reply into an order; group of them belong together.
func sorted(raw []byte, group int) string {
	if len(raw) == 0 || !strings.ContainsRune("*~%", rune(raw[0])) {
		return string(raw)
	}
	head, parts := split(raw)
	var items []string
	for i := 0; i < len(parts); i += group {
		items = append(items, string(bytes.Join(parts[i:min(i+group, len(parts))], nil)))
	}
	slices.Sort(items)
	return head + strings.Join(items, "")
}

// normalised is the reply without what may differ:
//   - the order of KEYS, SCAN, SMEMBERS, set operations, hashes
//   - what is chosen by chance: only the number of elements is compared
//   - times to live: within two seconds (a test that is stopped for longer, as by a
//     signal, sees keys expire at different times)
//   - the order of SORT BY ALPHA, where equal ones may come in any, and of SORT BY
//     a constant, which leaves the order of a set, and with LIMIT takes some of it
//   - the seconds of OBJECT IDLETIME
//   - the id in HELLO, what COMMAND lists, the bytes of MEMORY USAGE
//   - not generated: OBJECT REFCOUNT, which tells of Redis's shared integers, and
//     DEBUG
func normalised(args []string, raw []byte) string {
	switch name := strings.ToUpper(args[0]); name {
	case "KEYS", "SMEMBERS", "SINTER", "SUNION", "SDIFF", "HKEYS", "HVALS", "SPOP":
		return sorted(raw, 1)
	case "HGETALL":
		return sorted(raw, 2)
	case "SCAN", "SSCAN", "HSCAN", "ZSCAN":
		if raw[0] != '*' {
			return string(raw)
		}
		group := 1
		if name[0] == 'H' || name[0] == 'Z' {
			group = 2
		}
		head, parts := split(raw)
		return head + string(parts[0]) + sorted(parts[1], group)
	case "RANDOMKEY", "SRANDMEMBER", "HRANDFIELD", "ZRANDMEMBER":
		if raw[0] == '*' {
			head, parts := split(raw)
			return fmt.Sprint(head, len(parts))
		}
		if raw[0] == '$' && raw[1] != '-' {
			return "$"
		}
	case "TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME":
		if n, err := strconv.ParseInt(strings.TrimSpace(string(raw[1:])), 10, 64); err == nil && n > 0 {
			unit := int64(1)
			if name[0] == 'P' {
				unit = 1000
			}
			return fmt.Sprint(":", (n/unit+500)/1000)
		}
	case "SORT", "SORT_RO":
		by := slices.Index(args, "BY")
		unsorted := by > 0 && by+1 < len(args) && !strings.Contains(args[by+1], "*")
		if unsorted && slices.Contains(args, "LIMIT") && raw[0] == '*' && !strings.HasPrefix(args[1], "l") {
			head, parts := split(raw)
			return fmt.Sprint(head, len(parts))
		}
		if unsorted || by > 0 && slices.Contains(args, "ALPHA") {
			return sorted(raw, 1)
		}
	case "COMMAND":
		if len(args) < 2 || !strings.EqualFold(args[1], "GETKEYS") {
			return string(raw[:1])
		}
	case "MEMORY":
		if raw[0] == ':' {
			return ":"
		}
	case "OBJECT":
		if raw[0] == ':' && len(args) > 1 && strings.EqualFold(args[1], "IDLETIME") {
			return ":"
		}
	case "HELLO":
		return string(raw[:1])
	case "CONFIG":
		return sorted(raw, 2)
	}
	return string(raw)
}

// diff sends the same commands to both sides.
type diff struct {
	t     *testing.T
	conn  net.Conn
	r     *bufio.Reader
	s     *kvstore.Session
	woken chan struct{}
	multi [][]string // queued commands
	log   [][]string
}

func newDiff(t *testing.T, db *kvstore.DB, sock string) *diff {
	conn, err := net.Dial("unix", sock)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	d := &diff{t: t, conn: conn, r: bufio.NewReader(conn), woken: make(chan struct{}, 1)}
	d.s = db.NewSession(&kvstore.SessionOptions{Wake: func() {
		select {
		case d.woken <- struct{}{}:
		default:
		}
	}})
	t.Cleanup(d.s.Close)
	return d
}

// send writes commands to Redis.
func (d *diff) send(list [][]string) {
	var b []byte
	for _, args := range list {
		b = fmt.Appendf(b, "*%d\r\n", len(args))
		for _, a := range args {
			b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(a), a)
		}
	}
	_, err := d.conn.Write(b)
	require.NoError(d.t, err)
}

// ask runs a command on both sides.
func (d *diff) ask(args ...string) (ours, theirs []byte) {
	d.t.Helper()
	d.send([][]string{args})
	theirs, err := readRaw(d.r, nil)
	require.NoError(d.t, err)
	return d.exec(args), theirs
}

// exec runs a command here.
func (d *diff) exec(args []string) []byte {
	list := make([][]byte, len(args))
	for i, a := range args {
		list[i] = []byte(a)
	}
	out := d.s.Exec(nil, list)
	for d.s.Blocked() {
		select {
		case <-d.woken:
		case <-time.After(30 * time.Second): // Redis would have answered long ago
			d.t.Fatalf("%q waits without end; before it: %q", args, d.log[max(0, len(d.log)-20):])
		}
		out = d.s.Resume(out)
	}
	d.s.EndBatch()
	return out
}

// compare runs a command here and reads what Redis has answered.
func (d *diff) compare(args []string) {
	got := d.exec(args)
	want, err := readRaw(d.r, nil)
	require.NoError(d.t, err)
	d.log = append(d.log, args)
	name := strings.ToUpper(args[0])
	same := normalised(args, got) == normalised(args, want)
	if name == "EXEC" && len(want) > 1 && want[0] == '*' && want[1] != '-' {
		same = d.compareExec(got, want)
	}
	if string(want) == "+QUEUED\r\n" {
		d.multi = append(d.multi, args)
	} else if name == "EXEC" || name == "DISCARD" || name == "RESET" {
		d.multi = nil
	}
	if same {
		return
	}
	for _, old := range d.log[max(0, len(d.log)-4000):] {
		for _, key := range args[1:] {
			if len(key) > 1 && len(key) < 60 && slices.Contains(old, key) || strings.EqualFold(old[0], "SELECT") || strings.EqualFold(old[0], "CONFIG") || strings.EqualFold(old[0], "MULTI") {
				d.t.Logf("%q", old)
				break
			}
		}
	}
	require.Equal(d.t, string(want), string(got), "the reply to %q", args)
	d.t.Fatalf("the reply to %q", args)
}

// compareExec compares the replies of a transaction one by one.
func (d *diff) compareExec(got, want []byte) bool {
	h1, p1 := split(got)
	h2, p2 := split(want)
	if h1 != h2 || len(p1) != len(p2) || len(p1) != len(d.multi) {
		return false
	}
	for i := range p1 {
		if normalised(d.multi[i], p1[i]) != normalised(d.multi[i], p2[i]) {
			d.t.Logf("inside of EXEC: %q: %q, want %q", d.multi[i], p1[i], p2[i])
			return false
		}
	}
	return true
}

// clearErrno goes before SORT: Redis 7.0 takes a number that was out of the range of
// C's strtod in any command before for one in SORT, as it looks at errno without
// having cleared it. This command, an error, clears it.
var clearErrno = []string{"ZINCRBY", "nosuchkey", "x", "m"}

func TestAgainstRedis(t *testing.T) {
	sock := startRedis(t, "--maxmemory", "4gb") // rather an error than a machine without memory
	seed := *diffSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	g := &generator{rand.New(rand.NewPCG(seed, 0))}
	d := newDiff(t, open(t, "", &kvstore.Options{DebugCommand: "yes"}), sock)
	const batch = 50
	done := 0
	defer func() { t.Log(done, "commands were sent") }()
	for ; done < *diffCommands; done += batch {
		var list [][]string
		if done%10_000 == 0 {
			list = append(list, []string{"DEBUG", "DIGEST"}, []string{"FLUSHALL"})
		}
		for range batch {
			args := g.command()
			if strings.HasPrefix(strings.ToUpper(args[0]), "SORT") {
				list = append(list, clearErrno)
			}
			list = append(list, args)
		}
		d.send(list)
		for _, args := range list {
			d.compare(args)
		}
	}
}
