package calc_test

import (
	"os"
	"os/exec"
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
