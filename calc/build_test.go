package calc_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/calc"
)

func TestBuildAndOpen(t *testing.T) {
	modules := fstest.MapFS{"geo/area.calc": {Data: []byte("func square(x) => x * x")}}
	o := &calc.Options{Name: "main.calc", Modules: modules}
	var exe bytes.Buffer
	require.NoError(t, calc.Build(&exe, "import \"geo/area\"\nprint(area.square(3))\n1 div 0", calc.Target{Runner: strings.NewReader("ELF")}, o))
	require.True(t, bytes.HasPrefix(exe.Bytes(), []byte("ELF")))

	var out strings.Builder
	p, err := calc.Open(bytes.NewReader(exe.Bytes()), int64(exe.Len()), &calc.Options{Output: &out})
	require.NoError(t, err)
	_, err = p.Run(t.Context(), nil)
	require.Equal(t, "main.calc:3:3: runtime error: division by zero\n1 div 0\n  ^\n", calc.Report(err))
	require.Equal(t, "9\n", out.String())

	_, err = calc.Open(strings.NewReader("ELF"), 3, nil)
	require.ErrorIs(t, err, calc.ErrNoProgram)
	_, err = calc.Open(bytes.NewReader(make([]byte, 1000)), 1000, nil)
	require.ErrorIs(t, err, calc.ErrNoProgram)
}

func TestBuildErrors(t *testing.T) {
	runner := calc.Target{Runner: strings.NewReader("")}
	require.ErrorContains(t, calc.Build(&bytes.Buffer{}, "1 +", runner, nil), "syntax error")
	require.ErrorContains(t, calc.Build(&bytes.Buffer{}, "1", calc.Target{}, nil), "Runner is nil")
	require.ErrorContains(t, calc.Build(&bytes.Buffer{}, "x", runner, &calc.Options{Env: map[string]any{"x": 1}}), "no host values")
	require.ErrorIs(t, calc.Build(brokenWriter{}, "1", calc.Target{Runner: strings.NewReader("x")}, nil), errBroken)
	require.ErrorIs(t, calc.Build(brokenWriter{}, "1", runner, nil), errBroken)
}

// TestMain runs the program that a test has put behind this executable, if there is
// one, instead of the tests.
func TestMain(m *testing.M) {
	if status, ran := runSelf(); ran {
		os.Exit(status)
	}
	os.Exit(m.Run())
}

func runSelf() (status int, ran bool) {
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		return 0, false
	}
	defer self.Close() // it was only read
	info, err := self.Stat()
	if err != nil {
		return 0, false
	}
	p, err := calc.Open(self, info.Size(), &calc.Options{Output: os.Stdout, Limits: engineLimits})
	if errors.Is(err, calc.ErrNoProgram) {
		return 0, false
	}
	if err == nil {
		_, err = p.Run(context.Background(), nil)
	}
	if err != nil {
		fmt.Print(calc.Report(err))
		return 1, true
	}
	return 0, true
}

// TestExecutables runs all programs of the tables as executables. Each is this test
// with the program behind it.
func TestExecutables(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs some hundred processes")
	}
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc/self/exe")
	}
	self, err := os.ReadFile("/proc/self/exe")
	require.NoError(t, err)
	dir := t.TempDir()
	file := filepath.Join(dir, "program")
	require.NoError(t, os.WriteFile(file, self, 0o755))
	for _, src := range allSources() {
		var img bytes.Buffer
		err := calc.Build(&img, src, calc.Target{Runner: strings.NewReader("")}, &calc.Options{Limits: engineLimits})
		if err != nil { // none of the source
			continue
		}
		appendTo(t, file, int64(len(self)), img.Bytes())
		cmd := exec.Command(file)
		cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0") // with -race each would wait a second at its end
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil {
			require.ErrorAs(t, err, &exit, "%q", src)
		}
		want := printed(src)
		require.Equal(t, want, string(out), "%q", src)
		require.Equal(t, err != nil, strings.Contains(want, " error: "), "%q", src)
	}
}

// appendTo makes the file its first size bytes and an image.
func appendTo(t *testing.T, name string, size int64, img []byte) {
	t.Helper()
	require.NoError(t, os.Truncate(name, size))
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	require.NoError(t, err)
	_, err = f.Write(img)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// printed is what a program prints on the tree, with the report of its error.
func printed(src string) string {
	var out strings.Builder
	p, err := calc.Compile(src, &calc.Options{Output: &out, Backend: calc.Tree, Limits: engineLimits})
	if err == nil {
		_, err = p.Run(context.Background(), nil)
	}
	if err != nil {
		return out.String() + calc.Report(err)
	}
	return out.String()
}

// TestImagesAgree opens images of all programs, on each engine, and makes sure that a
// program that was read is what was written.
func TestImagesAgree(t *testing.T) {
	list := sources()
	if !testing.Short() {
		list = allSources()
	}
	for _, src := range list {
		var exe bytes.Buffer
		if calc.Build(&exe, src, calc.Target{Runner: strings.NewReader("")}, nil) != nil {
			continue
		}
		want := printed(src)
		for _, b := range []calc.Backend{calc.Tree, calc.VM, calc.JIT} {
			var out strings.Builder
			p, err := calc.Open(bytes.NewReader(exe.Bytes()), int64(exe.Len()), calc.WithVerify(calc.Options{Output: &out, Backend: b, Limits: engineLimits}))
			require.NoError(t, err, "%q", src)
			if _, err = p.Run(t.Context(), nil); err != nil {
				out.WriteString(calc.Report(err))
			}
			require.Equal(t, want, out.String(), "%v: %q", b, src)
		}
	}
}

func TestOpenedProgramDumps(t *testing.T) {
	var exe bytes.Buffer
	require.NoError(t, calc.Build(&exe, "func f(x) => x + 1\nprint(f(2))", calc.Target{Runner: strings.NewReader("")}, nil))
	p, err := calc.Open(bytes.NewReader(exe.Bytes()), int64(exe.Len()), nil)
	require.NoError(t, err)
	for _, stage := range []calc.Stage{calc.AST, calc.Types, calc.IR, calc.Bytecode} {
		var out strings.Builder
		require.NoError(t, p.Dump(&out, stage))
		require.NotEmpty(t, out.String())
	}
	in, err := p.NewInstance(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, in.Close())
}

// TestDamagedImage cuts an executable everywhere and changes each byte of its image.
func TestDamagedImage(t *testing.T) {
	runner := elfHead(1000)
	var exe bytes.Buffer
	require.NoError(t, calc.Build(&exe, "let xs = [1, 2]\nprint(xs.map(x => x * 2))", calc.Target{Runner: bytes.NewReader(runner)}, nil))
	whole := exe.Bytes()
	open := func(b []byte) error {
		_, err := calc.Open(bytes.NewReader(b), int64(len(b)), nil)
		return err
	}
	require.NoError(t, open(whole))
	require.ErrorIs(t, open(runner), calc.ErrNoProgram)
	for n := len(runner) + 1; n < len(whole); n++ {
		require.ErrorContains(t, open(whole[:n]), "calc: Open: ", "of %d bytes the first %d", len(whole), n)
		require.NotErrorIs(t, open(whole[:n]), calc.ErrNoProgram)
	}
	for i := len(runner); i < len(whole); i++ {
		b := bytes.Clone(whole)
		b[i] ^= 0x20
		require.ErrorContains(t, open(b), "calc: Open: ", "byte %d", i)
	}
	older := bytes.Replace(whole, []byte("calc program v2"), []byte("calc program v1"), 1)
	require.ErrorContains(t, open(older), `is of "calc program v1", not "calc program v2"`)
}

// elfHead is an ELF executable of n bytes without anything in it.
func elfHead(n int) []byte {
	b := make([]byte, n)
	copy(b, "\x7fELF\x02\x01\x01")
	binary.LittleEndian.PutUint64(b[40:], 64)
	binary.LittleEndian.PutUint16(b[58:], 64)
	binary.LittleEndian.PutUint16(b[60:], 1)
	binary.LittleEndian.PutUint32(b[64+4:], 1)
	binary.LittleEndian.PutUint64(b[64+24:], 128)
	binary.LittleEndian.PutUint64(b[64+32:], uint64(n-128))
	return b
}

// FuzzImage looks at what becomes of the inside of images, checksum or not.
func FuzzImage(f *testing.F) {
	for i, src := range engineSources {
		if i%4 == 0 {
			if img, err := calc.Encode(src); err == nil {
				f.Add(img)
			}
		}
	}
	f.Fuzz(func(t *testing.T, img []byte) {
		if len(img) > 20_000 {
			return
		}
		p, err := calc.OpenImage(img)
		require.Equal(t, err == nil, p != nil)
	})
}

func FuzzOpen(f *testing.F) {
	var exe bytes.Buffer
	require.NoError(f, calc.Build(&exe, "1 + 1", calc.Target{Runner: strings.NewReader("x")}, nil))
	f.Add(exe.Bytes())
	huge := binary.LittleEndian.AppendUint64([]byte("text"), 1<<62)
	f.Add(append(huge, "calc program v2\n"...))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := calc.Open(bytes.NewReader(data), int64(len(data)), &calc.Options{Limits: calc.Limits{Source: 1000}})
		require.Equal(t, err == nil, p != nil)
	})
}
