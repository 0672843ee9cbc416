package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/examples/internal/clitest"
)

func TestTable(t *testing.T) {
	out, err := clitest.Output(t, run, "", "-ops", "5000", "-seed", "7")
	require.NoError(t, err)
	for _, name := range []string{"first fit", "best fit", "next fit", "heap", "arena"} {
		require.Regexp(t, name+` +5000 `, out)
	}
	clitest.BadFlags(t, run, []string{"-h"}, []string{"-nope"}, []string{"-ops", "-1"}, []string{"arg"})
}
