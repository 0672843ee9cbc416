//go:build !race

package calc_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/calc"
)

// TestMemoryOfTheProcess doubles a string and makes a list that is too long in a
// process of their own, and looks at what that has taken.
func TestMemoryOfTheProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes 64 MiB several times")
	}
	self, err := os.ReadFile("/proc/self/exe")
	require.NoError(t, err)
	file := t.TempDir() + "/program"
	require.NoError(t, os.WriteFile(file, self, 0o755))
	for _, src := range []string{
		"var s = \"x\"\nfor { s = s + s }", "list(1 << 40, 0)", "var xs = [0]\nfor { xs = xs + xs }",
		"var s = \"x\"\nfor { s = \"${s}${s}\" }", "let m = {}\nvar i = 0\nfor { m[i] = \"${i}\"\ni++ }", "\"x\".repeat(1 << 40)",
	} {
		var img bytes.Buffer
		require.NoError(t, calc.Build(&img, src, calc.Target{Runner: strings.NewReader("")}, nil))
		appendTo(t, file, int64(len(self)), img.Bytes())
		cmd := exec.Command(file)
		out, _ := cmd.CombinedOutput() // it fails
		require.Contains(t, string(out), "limit error: more than 67108864 bytes of memory", src)
		// In KiB: the limit counts what is alive, of which the collector may have let
		// several times as much pile up on a busy machine.
		require.Less(t, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss, int64(640<<10), src)
	}
}
