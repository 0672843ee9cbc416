package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/examples/internal/clitest"
)

func TestClientsShareConnections(t *testing.T) {
	out, err := clitest.Output(t, run, "", "-clients", "30", "-size", "3", "-requests", "2", "-hold", "1ms", "-every", "1ms")
	require.NoError(t, err)
	require.Regexp(t, `(?m)^pool: [123] of 3 resources: \d in use, `, out, "a dump")
	require.Regexp(t, `(?m)^resource \d lent for `, out)
	require.Regexp(t, `\n30 clients, [123] connections made, `, out)
	clitest.BadFlags(t, run, []string{"-h"}, []string{"-nope"}, []string{"-size", "0"}, []string{"-every", "0s"}, []string{"arg"})
}
