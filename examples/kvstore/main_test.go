package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/examples/internal/cli"
	"github.com/groundwork-go/groundwork/examples/internal/clitest"
)

func TestServesBothProtocolsAndKeepsData(t *testing.T) {
	dir := t.TempDir()
	ask := func(addr, line string) string {
		c, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		defer c.Close()
		fmt.Fprint(c, line)
		answer, err := bufio.NewReader(c).ReadString('\n')
		require.NoError(t, err)
		return answer
	}
	args := []string{"--port", "-1", "--text-port", "-1", "--dir", dir, "--appendfsync", "always"}
	s := clitest.Start(t, run, args...)
	require.Equal(t, "+OK\n", ask(s.After(t, "text protocol on "), "SET name sean\n"))
	require.Equal(t, "$4\r\n", ask(s.After(t, "redis protocol on "), "GET name\r\n"))
	_, err := clitest.Output(t, run, "", args...)
	require.ErrorContains(t, err, "folder is in use")
	require.NoError(t, s.Stop())
	s = clitest.Start(t, run, args...)
	require.Equal(t, "+sean\n", ask(s.After(t, "text protocol on "), "GET name\n"))
	require.NoError(t, s.Stop())
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--appendonly", "no", "--nope", "1"}, "Config nope: there is no such option"},
		{[]string{"arg"}, "arg: no such file"},
		{[]string{"--port", "-1", "arg", "--nope"}, "bad option 'port'"},
		{[]string{"--appendonly", "maybe"}, "bad option 'appendonly': must be one of yes, no"},
		{[]string{"--appendfsync", "never"}, "bad option 'appendfsync'"},
		{[]string{"--port", "x"}, "bad option 'port'"},
		{[]string{"--port"}, "bad option 'port': wrong number of arguments"},
		{[]string{"--appendonly", "no", "--save", "", "--maxmemory", "lots"}, "Config maxmemory: argument must be a memory value"},
		{[]string{"--appendonly", "no", "--cluster-enabled", "yes"}, "Config cluster-enabled"},
		{[]string{"--appendonly", "no", "--save", "", "--tls-port", "70000"}, "bad option 'tls-port'"},
		{[]string{"--appendonly", "no", "--save", "", "--tls-port", "1", "--port", "0", "--dir", t.TempDir()}, "tls-cert-file"},
	} {
		_, err := clitest.Output(t, run, "", c.args...)
		require.ErrorContains(t, err, c.want)
		var usage *cli.UsageError
		require.False(t, errors.As(err, &usage), "the status is 1, as Redis's")
	}
	out, err := clitest.Output(t, run, "", "-h")
	require.ErrorIs(t, err, flag.ErrHelp)
	require.Contains(t, out, "--text-port")

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	_, err = clitest.Output(t, run, "", "--appendonly", "no", "--save", "", "--dir", t.TempDir(), "--port", port)
	require.ErrorContains(t, err, "address already in use")
}

func TestConfigFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "redis.conf")
	require.NoError(t, os.WriteFile(file, []byte("# a comment\nport -1\n\nappendonly no\nsave \"\"\nmaxmemory 100mb\nrequirepass 'pass word'\n"), 0o600))
	s := clitest.Start(t, run, file, "--maxmemory", "200mb") // the command line has the last word
	c, err := net.Dial("tcp", s.After(t, "redis protocol on "))
	require.NoError(t, err)
	defer c.Close()
	_, err = io.WriteString(c, "PING\r\nAUTH \"pass word\"\r\nCONFIG GET maxmemory\r\n")
	require.NoError(t, err)
	want := "-NOAUTH Authentication required.\r\n+OK\r\n*2\r\n$9\r\nmaxmemory\r\n$9\r\n209715200\r\n"
	got := make([]byte, len(want))
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	require.Equal(t, want, string(got))
	require.NoError(t, s.Stop())

	_, err = clitest.Output(t, run, "port 0\nsave 'x\n", "-")
	require.ErrorContains(t, err, "-, line 2: unbalanced quotes")
}

func TestSnapshotAtTheEnd(t *testing.T) {
	dir := t.TempDir()
	args := []string{"--port", "-1", "--appendonly", "no", "--dir", dir}
	for _, c := range []struct{ in, want string }{
		{"SET k v\r\n", "+OK\r\n"},
		{"GET k\r\nSET k later\r\nSHUTDOWN NOSAVE\r\n", "$1\r\nv\r\n+OK\r\n"},
		{"GET k\r\n", "$1\r\nv\r\n"},
	} {
		s := clitest.Start(t, run, args...)
		conn, err := net.Dial("tcp", s.After(t, "redis protocol on "))
		require.NoError(t, err)
		_, err = io.WriteString(conn, c.in)
		require.NoError(t, err)
		got := make([]byte, len(c.want))
		_, err = io.ReadFull(conn, got)
		require.NoError(t, err)
		require.Equal(t, c.want, string(got))
		if strings.Contains(c.in, "SHUTDOWN") {
			_, err = io.ReadAll(conn) // it ends by itself
			require.NoError(t, err)
		}
		require.NoError(t, conn.Close())
		require.NoError(t, s.Stop())
	}
}

// Who asks while much is loaded is told so, and how far it is.
func TestServesWhileItLoads(t *testing.T) {
	dir := t.TempDir()
	talk := func(addr, in string) string {
		c, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		defer c.Close()
		_, err = io.WriteString(c, in)
		require.NoError(t, err)
		out, err := io.ReadAll(c)
		require.NoError(t, err)
		return string(out)
	}
	args := []string{"--port", "-1", "--dir", dir, "--enable-debug-command", "yes"}
	s := clitest.Start(t, run, args...)
	require.Equal(t, "+OK\r\n+OK\r\n", talk(s.After(t, "redis protocol on "), "DEBUG POPULATE 1000\r\nQUIT\r\n"))
	require.NoError(t, s.Stop())

	slow := append(args, "--key-load-delay", "2000000000", "--loading-process-events-interval-bytes", "1024")
	for _, last := range []string{"SHUTDOWN\r\n", "SHUTDOWN SAVE\r\n", "QUIT\r\n"} {
		s = clitest.Start(t, run, slow...)
		out := talk(s.After(t, "redis protocol on "), "GET key:1\r\nINFO persistence\r\n"+last)
		require.Regexp(t, `^-LOADING [^$]*\$\d+\r\n# Persistence\r\nloading:1\r\n`, out)
		require.Regexp(t, `\r\nloading_total_bytes:[1-9]\d+\r\n`, out)
		require.NoError(t, s.Stop())
	}
	s = clitest.Start(t, run, args...)
	require.Equal(t, "$7\r\nvalue:7\r\n+OK\r\n", talk(s.After(t, "redis protocol on "), "GET key:7\r\nQUIT\r\n"))
	s.After(t, "Ready to accept")
	require.NoError(t, s.Stop())

	file := filepath.Join(dir, "appendonlydir", "appendonly.aof.1.incr.aof")
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	data[len(data)/3] ^= 1
	require.NoError(t, os.WriteFile(file, data, 0o600))
	_, err = clitest.Output(t, run, "", args...)
	require.ErrorContains(t, err, "appendonly.aof.1.incr.aof is corrupt at offset")
}

// What Redis's own configuration file has is taken.
func TestRedisConf(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "more.conf"), []byte("maxmemory 1mb\n"), 0o600))
	text := fmt.Sprintf(`
bind 127.0.0.1 -::1 -192.0.2.1
protected-mode yes
tcp-backlog 511
port -1
unixsocket %[1]s/s
unixsocketperm 600
timeout	0
tcp-keepalive 300
daemonize no
supervised auto
pidfile %[1]s/redis.pid
loglevel notice
logfile ""
databases 16
always-show-logo no
set-proc-title yes
proc-title-template "{title} {listen-addr} {server-mode}"
save 3600 1 300 100
stop-writes-on-bgsave-error yes
rdbcompression yes
rdbchecksum yes
dbfilename dump.rdb
dir %[1]s
replica-serve-stale-data yes
repl-diskless-sync-delay 5
lazyfree-lazy-user-flush no
oom-score-adj-values 0 200 800
appendonly no
appendfilename "appendonly.aof"
aof-load-truncated yes
latency-monitor-threshold 0
hash-max-listpack-entries 512
client-output-buffer-limit normal 0 0 0
client-output-buffer-limit replica 256mb 64mb 60
client-output-buffer-limit pubsub 32mb 8mb 60
hz 10
jemalloc-bg-thread yes
include %[1]s/m*.conf
`, dir)
	s := clitest.Start(t, run, writeFile(t, dir, "redis.conf", text))
	c, err := net.Dial("tcp", s.After(t, "redis protocol on "))
	require.NoError(t, err)
	defer c.Close()
	s.After(t, "* Ready to accept connections")
	_, err = io.WriteString(c, "CONFIG GET maxmemory\r\nCONFIG GET save\r\n")
	require.NoError(t, err)
	want := "*2\r\n$9\r\nmaxmemory\r\n$7\r\n1048576\r\n*2\r\n$4\r\nsave\r\n$14\r\n3600 1 300 100\r\n"
	got := make([]byte, len(want))
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	require.Equal(t, want, string(got))
	pid, err := os.ReadFile(filepath.Join(dir, "redis.pid"))
	require.NoError(t, err)
	require.Equal(t, strconv.Itoa(os.Getpid())+"\n", string(pid))
	st, err := os.Stat(filepath.Join(dir, "s"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), st.Mode().Perm())
	require.NoError(t, s.Stop())
	require.NoFileExists(t, filepath.Join(dir, "redis.pid"))
}

func writeFile(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestLogLines(t *testing.T) {
	var b strings.Builder
	l := newLogger(&b, verbose)
	l.Debug("not this")
	l.Log(t.Context(), verbose, "a")
	l.Info("b", "k", 1)
	l.With("x", "y").Warn("c", "k", 2)
	lines := strings.Split(b.String(), "\n")
	require.Len(t, lines, 4)
	for i, want := range []string{"- a", "* b k=1", "# c x=y k=2"} {
		require.Regexp(t, fmt.Sprintf(`^%d:M \d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3} `, os.Getpid())+regexp.QuoteMeta(want)+"$", lines[i])
	}
}

func TestLogFile(t *testing.T) {
	dir := t.TempDir()
	_, err := clitest.Output(t, run, "", "--logfile", "log", "--dir", dir, "--port", "-1", "--nope", "1")
	require.Error(t, err)
	text, err := os.ReadFile(filepath.Join(dir, "log"))
	require.NoError(t, err)
	require.Contains(t, string(text), "# kvstore: bad options: Config nope")
}
