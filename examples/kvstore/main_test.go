package main

import (
	"bufio"
	"fmt"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

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

func TestFlags(t *testing.T) {
	clitest.BadFlags(t, run, []string{"-h"}, []string{"--nope"}, []string{"arg"}, []string{"--appendonly", "maybe"}, []string{"--appendfsync", "never"}, []string{"--port", "x"})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	_, err = clitest.Output(t, run, "", "--appendonly", "no", "--port", port)
	require.ErrorContains(t, err, "address already in use")
}
