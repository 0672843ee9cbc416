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
	args := []string{"--port", "0", "--text-port", "0", "--dir", dir, "--appendfsync", "always"}
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
		{[]string{"--nope", "1"}, "bad option 'nope'"},
		{[]string{"arg"}, "arg: no such file"},
		{[]string{"--port", "0", "arg", "--nope"}, "bad option 'port'"},
		{[]string{"--appendonly", "maybe"}, "bad option 'appendonly': must be one of yes, no"},
		{[]string{"--appendfsync", "never"}, "bad option 'appendfsync'"},
		{[]string{"--port", "x"}, "bad option 'port'"},
		{[]string{"--port"}, "bad option 'port': there is no value"},
		{[]string{"--appendonly", "no", "--save", "", "--maxmemory", "lots"}, "bad option 'maxmemory'"},
		{[]string{"--appendonly", "no", "--save", "", "--tls-port", "1", "--port", "-1"}, "tls-cert-file"},
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
	_, err = clitest.Output(t, run, "", "--appendonly", "no", "--save", "", "--port", port)
	require.ErrorContains(t, err, "address already in use")
}

func TestConfigFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "redis.conf")
	require.NoError(t, os.WriteFile(file, []byte("# a comment\nport 0\n\nappendonly no\nsave \"\"\nmaxmemory 100mb\nrequirepass 'pass word'\n"), 0o600))
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
	args := []string{"--port", "0", "--appendonly", "no", "--dir", dir}
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
