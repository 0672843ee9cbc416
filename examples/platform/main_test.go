package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/examples/internal/clitest"
)

func get(t *testing.T, url, host string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	req.Host = host
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode, "%s", body)
	return string(body)
}

// TestTwiceInARow is the README's first command: it deploys the sample, ends, and
// brings it back.
func TestTwiceInARow(t *testing.T) {
	dir := t.TempDir()
	var first string
	for round := range 2 {
		s := clitest.Start(t, run, "-data", dir, "-addr", "127.0.0.1:0")
		url := s.After(t, "listening on ")
		s.After(t, "git clone "+url+"/git/hello.git")
		body := get(t, url, "hello.localhost")
		require.Contains(t, body, "Hello")
		if round == 0 {
			first = body
		}
		require.Equal(t, first, body)
		require.NoError(t, s.Stop())
	}
}

func TestATakenDefaultPortFallsToAFreeOne(t *testing.T) {
	l, err := net.Listen("tcp", defaultAddr)
	if err == nil { // else somebody else has it, which does as well
		defer l.Close()
	}
	s := clitest.Start(t, run, "-data", t.TempDir(), "-demo=false")
	url := s.After(t, "listening on ")
	require.NotContains(t, url, ":8080")
	require.Contains(t, get(t, url, ""), "No app yet")
	require.NoError(t, s.Stop())
	_, err = clitest.Output(t, run, "", "-data", t.TempDir(), "-addr", defaultAddr)
	require.ErrorContains(t, err, "address already in use", "a port that was asked for")
}

func TestBadInput(t *testing.T) {
	clitest.BadFlags(t, run, []string{"-h"}, []string{"-nope"}, []string{"arg"}, []string{"-addr", "0.0.0.0:0"}, []string{"-addr", ":8080"}, []string{"-addr", "nonsense"})
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	_, err := clitest.Output(t, run, "", "-data", file, "-addr", "127.0.0.1:0")
	require.ErrorContains(t, err, file)
	require.Len(t, strings.Split(err.Error(), "\n"), 1)
}
