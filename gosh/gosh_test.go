package gosh_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/groundwork-go/groundwork/gosh"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripts returns those of testdata/scripts.txt, which lines with a dash divide.
func scripts(t testing.TB) []string {
	t.Helper()
	data, err := os.ReadFile("testdata/scripts.txt")
	require.NoError(t, err)
	return strings.Split(string(data), "\n-\n")
}

// playground makes the files that the scripts use.
func playground(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.txt": "A\n", "b.txt": "B\n", "d1": "", "d2": "", ".hidden": "", "sub/inner": "",
		"lib.sh": "libvar=lib\nlibfunc() { echo lib $1; }\n",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	return dir
}

func status(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return 0
	}
	var mine *gosh.ExitError
	var other *exec.ExitError
	switch {
	case errors.As(err, &mine):
		return mine.Status
	case errors.As(err, &other):
		return other.ExitCode()
	}
	t.Fatal(err)
	return -1
}

func env(dir string) []string { return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir} }

func TestScriptsDoWhatTheyDoInDash(t *testing.T) {
	dash, err := exec.LookPath("dash")
	if err != nil {
		t.Skip("dash is not installed")
	}
	for i, script := range scripts(t) {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			dir := playground(t)
			cmd := exec.Command(dash, "-c", script)
			cmd.Dir, cmd.Env = dir, env(dir)
			want, wantErr := cmd.Output()

			dir = playground(t)
			got, gotErr := gosh.Output(t.Context(), script, &gosh.Options{Dir: dir, Env: env(dir)})
			require.Equal(t, string(want), string(got), script)
			require.Equal(t, status(t, wantErr), status(t, gotErr), script)
		})
	}
}

func TestSyntaxErrors(t *testing.T) {
	for _, c := range []struct {
		src        string
		pos        string
		incomplete bool
	}{
		{"echo 'abc", "1:6", true}, {`echo "abc`, "1:6", true}, {"echo $(ls", "1:6", true}, {"echo `ls", "1:6", true}, {"echo ${x", "1:6", true},
		{"if true; then echo", "1:1", true}, {"while true", "1:1", true}, {"case x in", "1:1", true}, {"cat <<E\nx", "1:5", true}, {"{ echo", "1:1", true}, {"a &&", "1:5", true},
		{"f() {", "1:6", true}, {"echo $((1+", "1:6", true},
		{")", "1:1", false}, {"echo a\n;; b", "2:1", false}, {"fi", "1:1", false}, {"if; then", "1:3", false}, {"echo ${}", "1:6", false}, {"for 1 in a; do :; done", "1:5", false},
		{"a | | b", "1:5", false}, {"echo >", "1:7", true}, {"echo > ;", "1:8", false}, {"f-g() { :; }", "1:1", false}, {"f() echo", "1:5", false}, {"( )", "1:3", false}, {"&", "1:1", false},
		{strings.Repeat("(", 10_000), "1:", false}, {strings.Repeat("$(", 10_000), "1:", false}, {strings.Repeat("${x-", 10_000), "1:", false}, {strings.Repeat("\"$(", 10_000), "1:", false},
	} {
		err := gosh.Run(t.Context(), c.src, nil)
		var se *gosh.SyntaxError
		require.ErrorAs(t, err, &se, "%.40q", c.src)
		require.Equal(t, c.incomplete, se.Incomplete, "%.40q: %v", c.src, err)
		require.True(t, strings.HasPrefix(se.Pos.String(), c.pos), "%.40q: %v", c.src, err)
	}
}

func TestLimits(t *testing.T) {
	for name, src := range map[string]string{
		"recursion":    "f() { f; }; f",
		"eval":         "e='eval \"$e\"'; eval \"$e\"",
		"substitution": "f() { echo $(f); }; f",
		"subshells":    "f() { (f); }; f",
		"source":       ". ./self.sh",
		"loop":         "while :; do :; done",
		"for":          "f() { for i in 1 2 3; do f; done; }; f",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "self.sh"), []byte(". ./self.sh\n"), 0o644))
			err := gosh.Run(t.Context(), src, &gosh.Options{Dir: dir, Limits: gosh.Limits{Steps: 20_000, Depth: 200}})
			require.ErrorIs(t, err, gosh.ErrLimit)
		})
	}
}

func TestContextEndsEverything(t *testing.T) {
	for _, src := range []string{"sleep 100", "sleep 100 | sleep 100", "while :; do :; done", "sleep 100 & wait", "sleep 100 &", "sh -c 'sleep 100; :'", "x=$(sleep 100)"} {
		t.Run(src, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			err := gosh.Run(ctx, src, &gosh.Options{Env: env("/")}) // the test's own deadline tells if it hangs
			if src != "sleep 100 &" {
				require.ErrorIs(t, err, context.DeadlineExceeded)
			}
		})
	}
}

func TestExitErrors(t *testing.T) {
	var e *gosh.ExitError
	require.ErrorAs(t, gosh.Run(t.Context(), "exit 3", nil), &e)
	require.Equal(t, 3, e.Status)
	require.ErrorAs(t, gosh.Run(t.Context(), "sh -c 'kill -9 $$'", &gosh.Options{Env: env("/")}), &e)
	require.Equal(t, 137, e.Status)
	require.Equal(t, syscall.SIGKILL, e.Signal)
	require.NoError(t, gosh.Run(t.Context(), "false; true", nil))
}

func TestShellKeepsItsState(t *testing.T) {
	var out bytes.Buffer
	s, err := gosh.New(&gosh.Options{Stdout: &out})
	require.NoError(t, err)
	for _, src := range []string{"x=1; f() { echo f$x; }; cd /", "x=2; f", "pwd", "(exit 5)", "echo $?"} {
		p, err := gosh.Parse(strings.NewReader(src), "t")
		require.NoError(t, err)
		_ = s.Run(t.Context(), p) // one of them fails on purpose
	}
	require.Equal(t, "f2\n/\n5\n", out.String())
	require.Zero(t, s.Status())
}

func TestHandlersAndCommands(t *testing.T) {
	var out bytes.Buffer
	var seen [][]string
	err := gosh.Run(t.Context(), "greet you | cat; sh -c 'exit 4'; echo $?; fail; echo $?; type greet; command -v greet", &gosh.Options{
		Stdout: &out, Env: env("/"),
		Exec: func(ctx context.Context, c *gosh.Cmd) error {
			seen = append(seen, c.Args)
			return gosh.RunProcess(ctx, c)
		},
		Commands: map[string]func(context.Context, *gosh.Cmd) error{
			"greet": func(_ context.Context, c *gosh.Cmd) error {
				_, err := fmt.Fprintln(c.Stdout, "hello", c.Args[1])
				return err
			},
			"fail": func(context.Context, *gosh.Cmd) error { return &gosh.ExitError{Status: 9} },
		},
	})
	require.NoError(t, err)
	require.Equal(t, "hello you\n4\n9\ngreet is a command of the program\ngreet\n", out.String())
	require.Equal(t, [][]string{{"cat"}, {"sh", "-c", "exit 4"}}, seen)
}

func TestNothingOfTheProcessIsChanged(t *testing.T) {
	dir, err := os.Getwd()
	require.NoError(t, err)
	require.NoError(t, gosh.Run(t.Context(), "cd /; export GOSH_TEST=1; exec 2>/dev/null", nil))
	after, err := os.Getwd()
	require.NoError(t, err)
	require.Equal(t, dir, after)
	require.Empty(t, os.Getenv("GOSH_TEST"))
	out, err := gosh.Output(t.Context(), "echo \"[$HOME]\"", nil)
	require.NoError(t, err)
	require.Equal(t, "[]\n", string(out))
}

func TestWriteErrorsAreFailures(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	var stderr bytes.Buffer
	err := gosh.Run(t.Context(), "echo x >/dev/full", &gosh.Options{Stderr: &stderr})
	require.Equal(t, 1, status(t, err))
	require.Equal(t, "gosh: echo: write error: no space left on device\n", stderr.String())
}

func TestInteract(t *testing.T) {
	var out bytes.Buffer
	s, err := gosh.New(&gosh.Options{Stdout: &out, Stderr: &out, Name: "gosh"})
	require.NoError(t, err)
	err = s.Interact(t.Context(), strings.NewReader("x=1\nif true\nthen echo $x\nfi\n)\ntrap 'echo bye' EXIT\nexit 3\necho never\n"))
	require.Equal(t, 3, status(t, err))
	require.Equal(t, "gosh$ gosh$ > > 1\ngosh$ gosh: gosh:1:1: unexpected \")\"\ngosh$ gosh$ bye\n", out.String())
	s, err = gosh.New(nil)
	require.NoError(t, err)
	require.NoError(t, s.Interact(t.Context(), strings.NewReader("echo no newline at the end")))
}

func TestManyShellsAtOnce(t *testing.T) {
	p, err := gosh.Parse(strings.NewReader("i=0; while [ $i -lt 20 ]; do i=$((i+1)); done; echo $i | cat; (x=$i; echo $x)"), "p")
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			var out bytes.Buffer
			s, err := gosh.New(&gosh.Options{Stdout: &out, Env: env("/")})
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Run(context.Background(), p); err != nil || out.String() != "20\n20\n" {
				t.Errorf("%q, %v", out.String(), err)
			}
		})
	}
	wg.Wait()
}

func FuzzRun(f *testing.F) {
	for _, c := range scripts(f) {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, src string) {
		dir := t.TempDir()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = gosh.Run(ctx, src, &gosh.Options{ // whatever it does, it must end
			Dir: dir, Limits: gosh.Limits{Steps: 500, Depth: 30},
			Exec: func(context.Context, *gosh.Cmd) error { return nil },
		})
		require.NoError(t, ctx.Err(), "%q", src)
	})
}

func Example() {
	out, err := gosh.Output(context.Background(), `for n in 1 2 3; do echo "$((n * n))"; done`, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(out))
	// Output:
	// 1
	// 4
	// 9
}

func ExampleOptions() {
	err := gosh.Run(context.Background(), `greet "$USER" && exit 3`, &gosh.Options{
		Stdout: os.Stdout,
		Env:    []string{"USER=ann"},
		Commands: map[string]func(context.Context, *gosh.Cmd) error{
			"greet": func(_ context.Context, c *gosh.Cmd) error {
				_, err := fmt.Fprintln(c.Stdout, "hello,", c.Args[1])
				return err
			},
		},
	})
	var exit *gosh.ExitError
	fmt.Println(errors.As(err, &exit), err)
	// Output:
	// hello, ann
	// true exit status 3
}
