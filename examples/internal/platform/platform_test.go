package platform

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/container"
	"github.com/groundwork-go/groundwork/gogit"
)

// site is a platform that serves.
type site struct {
	*Platform
	addr string
	stop func()
}

func newSite(t *testing.T, dir string, o *Options) *site {
	t.Helper()
	if o == nil {
		o = &Options{}
	}
	o.HealthTimeout, o.StopTimeout = 15*time.Second, 500*time.Millisecond
	p, err := New(dir, o)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- p.Serve(l) }()
	s := &site{Platform: p, addr: l.Addr().String()}
	s.stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		require.NoError(t, p.Shutdown(ctx))
		require.ErrorIs(t, <-served, ErrClosed)
	})
	t.Cleanup(s.stop)
	return s
}

func (s *site) url(app string) string { return "http://" + s.addr + "/git/" + app + ".git" }

// get asks an app.
func (s *site) get(t *testing.T, app, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.addr+path, nil)
	require.NoError(t, err)
	if app != "" {
		req.Host = app + ".localhost"
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(body)
}

// work is a clone that pushes with the real git.
type work struct {
	dir, url string
}

func newWork(t *testing.T, url string) *work {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	w := &work{t.TempDir(), url}
	w.git(t, "init", "-q", "-b", "main")
	return w
}

func (w *work) run(args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
	cmd.Dir = w.dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (w *work) git(t *testing.T, args ...string) string {
	t.Helper()
	out, err := w.run(args...)
	require.NoError(t, err, "git %v: %s", args, out)
	return out
}

// push commits files, nil for deleted ones, and pushes.
func (w *work) push(t *testing.T, files map[string]string) (string, error) {
	t.Helper()
	w.git(t, "rm", "-rqf", "--ignore-unmatch", ".")
	for name, text := range files {
		path := filepath.Join(w.dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o755))
	}
	w.git(t, "add", "-A")
	w.git(t, "commit", "-q", "--allow-empty", "-m", "change")
	return w.run("push", w.url, "main")
}

// webApp is an app whose web process is this test binary.
func webApp(text string) map[string]string {
	return map[string]string{"Procfile": "web: ./serve\n", "text": text, "serve": "#!/bin/sh\nexec " + os.Args[0] + " -test.run=^TestServeHelper$\n"}
}

// TestServeHelper is the web process of the apps in these tests.
func TestServeHelper(t *testing.T) {
	port := os.Getenv("PORT")
	if port == "" || os.Getenv("APP") == "" {
		return // an ordinary run of the tests
	}
	text, err := os.ReadFile("text")
	require.NoError(t, err)
	fmt.Println("serving", string(text))
	_ = http.ListenAndServe("127.0.0.1:"+port, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // until it is killed
		if r.URL.Path == "/crash" {
			os.Exit(3)
		}
		fmt.Fprintf(w, "%s pid %d port %s", text, os.Getpid(), port)
	}))
}

func TestPushOfAStaticSite(t *testing.T) {
	s := newSite(t, t.TempDir(), nil)
	w := newWork(t, s.url("site"))
	out, err := w.push(t, map[string]string{"index.html": "one", ".secret": "no", "a/index.html": "sub"})
	require.NoError(t, err, out)
	require.Contains(t, out, "remote: release 1 of site serves")
	code, body := s.get(t, "site", "/")
	require.Equal(t, 200, code)
	require.Equal(t, "one", body)
	_, body = s.get(t, "site", "/a/")
	require.Equal(t, "sub", body)
	code, _ = s.get(t, "site", "/.secret")
	require.Equal(t, 404, code)
	code, body = s.get(t, "", "/")
	require.Equal(t, 200, code)
	require.Contains(t, body, "http://site.localhost:")
	_, err = w.push(t, map[string]string{"index.html": "two"})
	require.NoError(t, err)
	_, body = s.get(t, "site", "/")
	require.Equal(t, "two", body)
	clone := filepath.Join(t.TempDir(), "clone")
	w.git(t, "clone", "-q", s.url("site"), clone)
	data, err := os.ReadFile(filepath.Join(clone, "index.html"))
	require.NoError(t, err)
	require.Equal(t, "two", string(data))
}

// runners are the ways of running processes that work here.
func runners(t *testing.T) map[string]*Options {
	t.Helper()
	all := map[string]*Options{"process": {}}
	if err := Walls(t.Context()); err == nil {
		self := container.Mount{Source: filepath.Dir(os.Args[0]), ReadOnly: true} // the apps run it
		all["container"] = &Options{Runner: ContainerRunner{Mounts: []container.Mount{self}}, Builder: ContainerBuilder{}}
	} else {
		t.Logf("no containers here: %v", err)
	}
	return all
}

func TestProcessesAreBuiltRunAndReplaced(t *testing.T) {
	for name, o := range runners(t) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := newSite(t, dir, o)
			w := newWork(t, s.url("web"))
			app := webApp("ignored")
			app["Procfile"] = "# comment\r\nbuild: echo building; printf built-$RELEASE > text\r\nweb: ./serve\r\nscale: if release > 1 { 2 } else { 1 }\r\n"
			out, err := w.push(t, app)
			require.NoError(t, err, out)
			require.Contains(t, out, "remote: building")
			_, body := s.get(t, "web", "/")
			require.Contains(t, body, "built-1")
			out, err = w.push(t, app)
			require.NoError(t, err, out)
			require.Contains(t, out, "healthy: 2 of 2")
			_, first := s.get(t, "web", "/")
			_, second := s.get(t, "web", "/")
			require.Contains(t, first, "built-2")
			require.NotEqual(t, first, second, "two instances take turns")
			code, logs := s.get(t, "", "/apps/web/logs")
			require.Equal(t, 200, code)
			require.Equal(t, 2, strings.Count(logs, "serving built-2"))

			require.NoError(t, s.Scale(t.Context(), "web", 1))
			_, first = s.get(t, "web", "/")
			_, second = s.get(t, "web", "/")
			require.Equal(t, first, second)
			require.NoError(t, s.Rollback(t.Context(), "web", 1))
			_, body = s.get(t, "web", "/")
			require.Contains(t, body, "built-1")
			releases, err := s.Releases(t.Context(), "web")
			require.NoError(t, err)
			require.Len(t, releases, 3)
			require.ErrorIs(t, s.Rollback(t.Context(), "web", 99), ErrUnknownRelease)
			require.ErrorIs(t, s.Scale(t.Context(), "none", 1), ErrUnknownApp)
			require.Error(t, s.Scale(t.Context(), "web", 99))

			code, logs = s.get(t, "", "/apps/web/logs?release=2")
			require.Equal(t, 200, code)
			require.Contains(t, logs, "serving built-2", "kept after the end")
			code, _ = s.get(t, "", "/apps/web/logs?release=77")
			require.Equal(t, 404, code)

			s.stop()
			again := newSite(t, dir, o)
			_, body = again.get(t, "web", "/")
			require.Contains(t, body, "built-1", "a restart brings the app back")
			_, err = s.Deploy(t.Context(), "web", gogit.OID{})
			require.ErrorIs(t, err, ErrClosed)
		})
	}
}

func TestACrashedInstanceIsStartedAgain(t *testing.T) {
	s := newSite(t, t.TempDir(), nil)
	w := newWork(t, s.url("web"))
	out, err := w.push(t, webApp("alive"))
	require.NoError(t, err, out)
	_, before := s.get(t, "web", "/")
	s.get(t, "web", "/crash")
	require.Eventually(t, func() bool {
		code, after := s.get(t, "web", "/")
		return code == 200 && after != before
	}, 20*time.Second, 10*time.Millisecond)
}

func TestBadPushesAreRefusedAndTheOldVersionGoesOn(t *testing.T) {
	s := newSite(t, t.TempDir(), nil)
	w := newWork(t, s.url("web"))
	out, err := w.push(t, webApp("good"))
	require.NoError(t, err, out)
	static := map[string]string{"index.html": "x"}
	with := func(procfile string) map[string]string {
		app := webApp("bad")
		app["Procfile"] = procfile
		return app
	}
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"nothing to run":  {map[string]string{"README": "x"}, "nothing to run: add a Procfile"},
		"no web":          {with("build: true"), "Procfile has no line 'web: COMMAND'"},
		"unknown name":    {with("web: x\nworker: y"), `Procfile:2: unknown name "worker"`},
		"twice":           {with("web: x\nweb: y"), "Procfile:2: web comes twice"},
		"no colon":        {with("web x"), "Procfile:1: expected 'name: command'"},
		"build fails":     {with("build: echo output; exit 4\nweb: ./serve"), "build: exit status 4"},
		"build syntax":    {with("build: if\nweb: ./serve"), "unexpected end of script"},
		"exits at once":   {with("web: echo goodbye; exit 5"), "it ended before it answered: exit status 5"},
		"no such command": {with("web: ./no-such"), "exit status 127"},
		"bad rule":        {with("web: ./serve\nscale: 1 +"), "syntax error"},
		"rule's type":     {with("web: ./serve\nscale: true"), "scale gives a bool, not an int"},
		"rule's value":    {with("web: ./serve\nscale: 99"), "scale gives 99, not 1 to 8"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := w.push(t, c.files)
			require.Error(t, err)
			require.Contains(t, out, c.want)
			require.Contains(t, out, "! [remote rejected]")
			_, body := s.get(t, "web", "/")
			require.Contains(t, body, "good")
			w.git(t, "reset", "-q", "--hard", "HEAD~1")
		})
	}
	out, err = w.run("push", w.url, ":main")
	require.Error(t, err)
	require.Contains(t, out, "main cannot be deleted")
	out, err = w.run("push", w.url, "main:side")
	require.NoError(t, err)
	require.Contains(t, out, "only main is deployed")
	for _, bad := range []string{"Web", "a_b", "-a", "a-", strings.Repeat("a", 41), "ä", ".."} {
		w := newWork(t, s.url(bad))
		_, err := w.push(t, static)
		require.Error(t, err, bad)
		require.Error(t, CheckName(bad))
	}
	// A link that leads out of the app.
	link := newWork(t, s.url("link"))
	require.NoError(t, os.Symlink("../../../../etc/passwd", filepath.Join(link.dir, "link")))
	out, err = link.push(t, map[string]string{"index.html": "x"})
	require.Error(t, err)
	require.Contains(t, out, "out of the tree")
	leftovers, err := filepath.Glob(filepath.Join(s.dir, "releases", "link", "*"))
	require.NoError(t, err)
	require.Empty(t, leftovers)
	releases, err := s.Releases(t.Context(), "web")
	require.NoError(t, err)
	require.Len(t, releases, 1)
}

func TestAWebProcessThatNeverListens(t *testing.T) {
	dir := t.TempDir()
	s := newSite(t, dir, nil)
	s.o.HealthTimeout = 300 * time.Millisecond
	w := newWork(t, s.url("web"))
	out, err := w.push(t, map[string]string{"Procfile": "web: sleep 54321\n"})
	require.Error(t, err)
	require.Contains(t, out, "did not become healthy within 300ms: nothing listens on $PORT")
	pids, _ := exec.Command("pgrep", "-f", "sleep 54321").Output() // fails if there is none
	require.Empty(t, string(pids))
}

func TestRolloutsUnderLoadLoseNoRequest(t *testing.T) {
	s := newSite(t, t.TempDir(), nil)
	w := newWork(t, s.url("site"))
	_, err := w.push(t, map[string]string{"index.html": "0"})
	require.NoError(t, err)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var sent, failed atomic.Int64
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				req, _ := http.NewRequest(http.MethodGet, "http://"+s.addr, nil) // a constant URL
				req.Host = "site.localhost"
				res, err := http.DefaultClient.Do(req)
				sent.Add(1)
				if err != nil {
					failed.Add(1)
					continue
				}
				_, err = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if err != nil || res.StatusCode != 200 {
					failed.Add(1)
				}
			}
		})
	}
	for i := 1; i <= 5; i++ {
		out, err := w.push(t, map[string]string{"index.html": fmt.Sprint(i)})
		require.NoError(t, err, out)
		_, body := s.get(t, "site", "/")
		require.Equal(t, fmt.Sprint(i), body)
	}
	close(stop)
	wg.Wait()
	require.Zero(t, failed.Load(), "of %d", sent.Load())
	require.Greater(t, sent.Load(), int64(50))
}

func TestTwoPushesAtTheSameTime(t *testing.T) {
	s := newSite(t, t.TempDir(), nil)
	a := newWork(t, s.url("site"))
	_, err := a.push(t, map[string]string{"index.html": "0"})
	require.NoError(t, err)
	b := newWork(t, s.url("site"))
	b.git(t, "pull", "-q", s.url("site"), "main")
	var wg sync.WaitGroup
	errs := make([]error, 2)
	outs := make([]string, 2)
	for i, w := range []*work{a, b} {
		require.NoError(t, os.WriteFile(filepath.Join(w.dir, "index.html"), fmt.Append(nil, i+1), 0o644))
		w.git(t, "commit", "-qam", "change")
		wg.Go(func() { outs[i], errs[i] = w.run("push", w.url, "main") })
	}
	wg.Wait()
	won := 0
	for i, err := range errs {
		if err == nil {
			won++
		} else {
			require.Regexp(t, "fetch first|non-fast-forward|changed meanwhile", outs[i])
		}
	}
	require.Equal(t, 1, won)
	releases, err := s.Releases(t.Context(), "site")
	require.NoError(t, err)
	require.Len(t, releases, 2)
}

func TestTokenGuardsEverything(t *testing.T) {
	s := newSite(t, t.TempDir(), &Options{Token: "secret"})
	url := "http://x:secret@" + s.addr + "/git/site.git"
	require.NoError(t, PushFiles(t.Context(), url, map[string]string{"index.html": "guarded"}, nil))
	for _, c := range []struct{ app, path string }{{"", "/"}, {"site", "/"}, {"", "/git/site.git/info/refs?service=git-upload-pack"}, {"", "/apps/site/logs"}} {
		code, _ := s.get(t, c.app, c.path)
		require.Equal(t, http.StatusUnauthorized, code, c)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.addr, nil)
	require.NoError(t, err)
	req.Host = "site.localhost"
	req.Header.Set("Authorization", "Bearer secret")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, 200, res.StatusCode)
	var re *gogit.RemoteError
	require.ErrorAs(t, PushFiles(t.Context(), s.url("site"), nil, nil), &re)
	require.Equal(t, http.StatusUnauthorized, re.Status)
}

func TestTheSamplesDeploy(t *testing.T) {
	s := newSite(t, t.TempDir(), nil)
	var progress bytes.Buffer
	require.NoError(t, PushFiles(t.Context(), s.url("static"), Sample(false), &gogit.RemoteOptions{Progress: &progress}))
	require.Contains(t, progress.String(), "release 1 of static serves")
	require.NoError(t, PushFiles(t.Context(), s.url("hello"), Sample(true), nil))
	_, body := s.get(t, "hello", "/")
	require.Equal(t, "Hello from release 1.\n", body)
}

// TestKill kills a platform in the middle of push, build and switch. After each
// restart the last good release serves, and history has no half one.
func TestKill(t *testing.T) {
	if dir := os.Getenv("PLATFORM_KILL_DIR"); dir != "" {
		serveUntilKilled(dir)
		return
	}
	dir := t.TempDir()
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	var w *work
	app := webApp("ignored")
	for round := range rounds {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKill$")
		cmd.Env = append(os.Environ(), "PLATFORM_KILL_DIR="+dir)
		cmd.SysProcAttr = &syscall.SysProcAttr{}
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		line := make([]byte, 64)
		n, err := out.Read(line)
		require.NoError(t, err)
		s := &site{addr: strings.TrimSpace(string(line[:n]))}
		if w == nil {
			w = newWork(t, s.url("web"))
		}
		w.url = s.url("web")
		if round > 0 {
			_, body := s.get(t, "web", "/")
			require.Contains(t, body, "good")
		}
		app["Procfile"] = "build: printf good > text\nweb: ./serve\n"
		text, err := w.push(t, app)
		require.NoError(t, err, text)
		// Now one that is cut: at a later point in each round.
		app["Procfile"] = "build: sleep 0.2; printf good-too > text\nweb: ./serve\n"
		pushed := make(chan struct{})
		go func() {
			defer close(pushed)
			_, _ = w.push(t, app) // cut, or not
		}()
		select {
		case <-pushed:
		case <-time.After(time.Duration(round) * 100 * time.Millisecond):
		}
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait() // killed
		<-pushed
		w.git(t, "fetch", "-q", filepath.Join(dir, "git", "web.git"), "main")
		w.git(t, "reset", "-q", "--hard", "FETCH_HEAD")
	}
	s := newSite(t, dir, nil)
	_, body := s.get(t, "web", "/")
	require.Contains(t, body, "good")
	releases, err := s.Releases(t.Context(), "web")
	require.NoError(t, err)
	for _, rel := range releases[max(0, len(releases)-keepReleases+1):] {
		data, err := os.ReadFile(filepath.Join(s.releaseDir("web", rel.Dir), "text"))
		require.NoError(t, err)
		require.Contains(t, string(data), "good", "release %d is half", rel.N)
	}
}

// TestLocksOfTheKilled stages a crash while a ref was being changed.
func TestLocksOfTheKilled(t *testing.T) {
	dir := t.TempDir()
	s := newSite(t, dir, nil)
	w := newWork(t, s.url("web"))
	out, err := w.push(t, map[string]string{"index.html": "one"})
	require.NoError(t, err, out)
	require.NoError(t, s.Shutdown(t.Context()))
	for _, name := range []string{"refs/heads/main.lock", "packed-refs.lock"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "git", "web.git", name), nil, 0o600))
	}
	s = newSite(t, dir, nil)
	w.url = s.url("web")
	out, err = w.push(t, map[string]string{"index.html": "two"})
	require.NoError(t, err, out)
	_, body := s.get(t, "web", "/")
	require.Equal(t, "two", body)
}

// TestHalfRecordedRelease stages the crash between the two steps of record.
func TestHalfRecordedRelease(t *testing.T) {
	dir := t.TempDir()
	s := newSite(t, dir, nil)
	w := newWork(t, s.url("web"))
	out, err := w.push(t, map[string]string{"index.html": "one"})
	require.NoError(t, err, out)
	list, err := s.Releases(t.Context(), "web")
	require.NoError(t, err)
	require.Len(t, list, 1)
	half := list[0]
	half.N, half.Dir = 2, 2
	require.NoError(t, store(t.Context(), s.state, releaseKey("web", 2), half, 0))
	list, err = s.Releases(t.Context(), "web")
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.ErrorIs(t, s.Rollback(t.Context(), "web", 2), ErrUnknownRelease)

	out, err = w.push(t, map[string]string{"index.html": "two"})
	require.NoError(t, err, out)
	_, body := s.get(t, "web", "/")
	require.Equal(t, "two", body)
	list, err = s.Releases(t.Context(), "web")
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.NotEqual(t, half.Commit, list[1].Commit)
}

func serveUntilKilled(dir string) {
	p, err := New(dir, nil)
	if err != nil {
		panic(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	panic(p.Serve(l))
}

func TestStateContract(t *testing.T) {
	s := newSite(t, t.TempDir(), nil)
	var state State = s.state
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	watched := make(chan string, 10)
	seq := state.Watch(ctx, "k")
	go func() {
		for key := range seq {
			watched <- key
		}
		close(watched)
	}()
	_, rev, err := state.Get(ctx, "k")
	require.NoError(t, err)
	require.Zero(t, rev)
	rev, err = state.Put(ctx, "k", []byte("one two"), 0)
	require.NoError(t, err)
	_, err = state.Put(ctx, "k", []byte("late"), 0)
	require.ErrorIs(t, err, ErrConflict)
	v, got, err := state.Get(ctx, "k")
	require.NoError(t, err)
	require.Equal(t, "one two", string(v))
	require.Equal(t, rev, got)
	_, err = state.Put(ctx, "k2", nil, 0)
	require.NoError(t, err)
	var keys []string
	for k := range state.List(ctx, "k") {
		keys = append(keys, k)
	}
	require.Equal(t, []string{"k", "k2"}, keys)
	require.Equal(t, "k", <-watched)
	require.Equal(t, "k2", <-watched)
	cancel()
	_, open := <-watched
	require.False(t, open)
}

// TestRunnerContract is what every Runner does.
func TestRunnerContract(t *testing.T) {
	dir := t.TempDir()
	for name, text := range webApp("contract") {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755))
	}
	all := map[string]Runner{"static": StaticRunner{}}
	for name, o := range runners(t) {
		if all[name] = o.Runner; o.Runner == nil {
			all[name] = ProcessRunner{}
		}
	}
	for name, r := range all {
		t.Run(name, func(t *testing.T) {
			spec := Spec{App: "web", Release: 1, Kind: KindProcess, Dir: dir, Command: "./serve", Env: append(hostEnv(), "APP=web"), Output: io.Discard}
			ctx, cancel := context.WithCancel(t.Context())
			in, err := r.Start(ctx, spec)
			require.NoError(t, err)
			cancel() // the instance goes on
			require.NoError(t, waitHealthy(t.Context(), in, 20*time.Second))
			require.NoError(t, in.Err())
			select {
			case <-in.Done():
				t.Fatal("it has ended")
			default:
			}
			end, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer stop()
			in.Stop(end)
			<-in.Done()
			require.Error(t, in.Err())
			_, err = net.Dial("tcp", in.Addr())
			require.Error(t, err, "nothing is left of it")
		})
	}
}

// brokenRunner starts a few instances and then no more.
type brokenRunner struct{ left *int }

func (b brokenRunner) Start(ctx context.Context, s Spec) (Instance, error) {
	if *b.left == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	*b.left--
	return StaticRunner{}.Start(ctx, s)
}

func TestSchedulerContract(t *testing.T) {
	dir := t.TempDir()
	specs := []Spec{{Dir: dir}, {Dir: dir}, {Dir: dir}}
	three := 3
	list, err := localScheduler{brokenRunner{&three}, time.Second}.Place(t.Context(), specs)
	require.NoError(t, err)
	require.Len(t, list, 3)
	stopAll(list, time.Second)
	for _, in := range list {
		<-in.Done()
	}
	two := 2
	list, err = localScheduler{brokenRunner{&two}, time.Second}.Place(t.Context(), specs)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Empty(t, list, "all or none")
}

func FuzzProcfile(f *testing.F) {
	f.Add("web: ./web\nbuild: go build\nscale: if release > 3 { 2 } else { 1 }\n# x\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseProcfile(text)
		if err == nil {
			require.NotEmpty(t, r.Web)
		}
	})
}
