package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/container"
	"github.com/groundwork-go/groundwork/examples/internal/clitest"
)

func TestRun(t *testing.T) {
	out, err := clitest.Output(t, run, "", "run", "sh", "-c", "hostname; exit 6")
	var refused *container.Error
	if errors.As(err, &refused) {
		require.NotEmpty(t, refused.Op) // this system has no namespaces for us
		return
	}
	require.Equal(t, "container\n", out)
	require.Equal(t, 6, clitest.Status(t, err))
	_, err = clitest.Output(t, run, "", "run", "sh", "-c", "sh -c 'kill -9 $$'; exit $?")
	require.Equal(t, 137, clitest.Status(t, err))
	_, err = clitest.Output(t, run, "", "run", "no-such-program")
	require.Equal(t, 127, clitest.Status(t, err))
	_, err = clitest.Output(t, run, "", "run", "/etc/passwd")
	require.Equal(t, 126, clitest.Status(t, err))
	dir := t.TempDir()
	out, err = clitest.Output(t, run, "line\n", "run", "-hostname", "box", "-dir", dir, "-mount", dir, "sh", "-c", "hostname; pwd; cat >f; cat f")
	require.NoError(t, err)
	require.Equal(t, "box\n"+dir+"\nline\n", out)
}

func TestBundle(t *testing.T) {
	dir := t.TempDir()
	config := `{"ociVersion": "1.0.2", "process": {"args": ["sh", "-c", "echo $WHO; exit 4"], "cwd": "/", "env": ["WHO=bundle", "PATH=/usr/bin:/bin"]},
		"root": {"path": "/", "readonly": false}, "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}]}`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o644))
	out, err := clitest.Output(t, run, "", "run", "-b", dir, "some-id")
	var refused *container.Error
	if errors.As(err, &refused) {
		require.NotEmpty(t, refused.Op) // this system has no namespaces for us
		return
	}
	require.Equal(t, "bundle\n", out)
	require.Equal(t, 4, clitest.Status(t, err))
	t.Chdir(dir)
	out, err = clitest.Output(t, run, "", "run", "id2")
	require.Equal(t, "bundle\n", out)
	require.Equal(t, 4, clitest.Status(t, err))
	clitest.BadFlags(t, run, []string{"-h"}, []string{"run", ".."}, []string{"run", "a/b"}, []string{"run", "a", "b"}, []string{"run", strings.Repeat("a", 2000)})
	_, err = clitest.Output(t, run, "", "run", "-b", t.TempDir(), "id")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestFlags(t *testing.T) {
	clitest.BadFlags(t, run, []string{"-h"}, nil, []string{"start"}, []string{"run"}, []string{"run", "-nope", "x"})
}
