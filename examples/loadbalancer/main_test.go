package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/examples/internal/clitest"
)

func TestBackendsTakeTurns(t *testing.T) {
	var args []string
	for _, name := range []string{"a", "b"} {
		b := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) }))
		defer b.Close()
		args = append(args, "-backend", b.URL)
	}
	s := clitest.Start(t, run, append(args, "-listen", "127.0.0.1:0")...)
	url := s.After(t, "listening on ")
	got := ""
	for range 4 {
		res, err := http.Get(url)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		res.Body.Close()
		got += string(body)
	}
	require.Contains(t, []string{"abab", "baba"}, got)
	require.NoError(t, s.Stop())
}

func TestFlags(t *testing.T) {
	clitest.BadFlags(t, run, []string{"-h"}, []string{"-nope"}, nil, []string{"-backend", "ftp://x"}, []string{"-backend", "http://x", "-policy", "best"},
		[]string{"-backend", "http://x", "arg"}, []string{"-backend", "http://x", "-health-interval", "0s"})
}
