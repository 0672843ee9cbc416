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

// TestRefusedPages runs a program where the system lets no memory become executable:
// it runs on the VM, and so does a function.
func TestRefusedPages(t *testing.T) {
	if os.Getenv("CALC_REFUSED") != "" {
		const setMDWE, refuseExecGain = 65, 1
		if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, setMDWE, refuseExecGain, 0, 0, 0, 0); errno != 0 {
			t.Skip("the system cannot refuse: ", errno)
		}
		p, err := calc.Compile("let xs = [1, 2, 3]\nvar s = 0\nfor i in 0..len(xs) { s += xs[i] }\ns", &calc.Options{Backend: calc.JIT})
		require.NoError(t, err)
		require.Equal(t, calc.VM, p.Backend())
		v, err := p.Run(t.Context(), nil)
		require.NoError(t, err)
		require.EqualValues(t, 6, v.Int())
		f, err := calc.Func[func(a, b float64) float64]("a*b + 1", "a", "b")
		require.NoError(t, err)
		require.Equal(t, 7.0, f(2, 3))
		return
	}
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, "-test.run=^TestRefusedPages$", "-test.v")
	cmd.Env = append(os.Environ(), "CALC_REFUSED=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "TestRefusedPages")
}

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
