package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/examples/internal/clitest"
)

func TestClientsShareConnections(t *testing.T) {
	out, err := clitest.Output(t, run, "", "-clients", "30", "-size", "3")
	require.NoError(t, err)
	require.Regexp(t, `^30 clients, [123] connections made, `, out)
	clitest.BadFlags(t, run, []string{"-h"}, []string{"-nope"}, []string{"-size", "0"}, []string{"arg"})
}
