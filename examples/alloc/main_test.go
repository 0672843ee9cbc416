package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/examples/internal/clitest"
)

func TestTable(t *testing.T) {
	dir := t.TempDir()
	trace, svg := filepath.Join(dir, "trace"), filepath.Join(dir, "heap.svg")
	for workload := range workloads {
		out, err := clitest.Output(t, run, "", "-workload", workload, "-ops", "3000", "-seed", "7", "-save", trace, "-svg", svg)
		require.NoError(t, err)
		for _, name := range []string{"heap", "cache", "slabs", "arena", "first fit", "next fit", "best fit", "worst fit", "buddy", "tlsf"} {
			require.Regexp(t, name+` +[0-9.]+ +[0-9]+ `, out)
		}
		picture, err := os.ReadFile(svg)
		require.NoError(t, err)
		require.Contains(t, string(picture), "blocks of")
		out, err = clitest.Output(t, run, "", "-trace", trace)
		require.NoError(t, err)
		require.Contains(t, out, "tlsf")
	}
	require.NoError(t, os.WriteFile(trace, []byte("nonsense"), 0o600))
	_, err := clitest.Output(t, run, "", "-trace", trace)
	require.ErrorContains(t, err, "bad trace")
	_, err = clitest.Output(t, run, "", "-trace", filepath.Join(dir, "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
	clitest.BadFlags(t, run, []string{"-h"}, []string{"-nope"}, []string{"-ops", "-1"}, []string{"arg"}, []string{"-workload", "x"}, []string{"-buffer", "1"})
}
