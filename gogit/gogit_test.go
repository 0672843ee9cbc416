package gogit_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/gogit"
	"github.com/groundwork-go/groundwork/gogit/odb"
	"github.com/groundwork-go/groundwork/gogit/refs"
	"github.com/groundwork-go/groundwork/gogit/server"
)

// git runs the real git in a folder.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main", "-c", "protocol.version=2"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "HOME="+t.TempDir(), "GIT_TERMINAL_PROMPT=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "git %v: %s", args, out)
	return strings.TrimSpace(string(out))
}

func needGit(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

var who = gogit.Signature{Name: "Ann", Email: "ann@example.com", When: time.Unix(1_700_000_000, 0).UTC()}

// commit makes a commit of files, without a work tree.
func commit(t *testing.T, r *gogit.Repository, files map[string]string, parents ...gogit.OID) gogit.OID {
	t.Helper()
	var entries []gogit.TreeEntry
	for name, text := range files {
		id, err := r.Objects().Write(odb.Blob, []byte(text))
		require.NoError(t, err)
		entries = append(entries, gogit.TreeEntry{Mode: gogit.ModeFile, Name: name, ID: id})
	}
	tree, err := r.WriteTree(entries)
	require.NoError(t, err)
	id, err := r.WriteCommit(&gogit.Commit{Tree: tree, Parents: parents, Author: who, Committer: who, Message: "change\n"})
	require.NoError(t, err)
	return id
}

func TestHashesAreGits(t *testing.T) {
	require.Equal(t, "ce013625030ba8dba906f756967f9e9ca394464a", odb.Hash(odb.Blob, []byte("hello\n")).String())
	require.Equal(t, "4b825dc642cb6eb9a060e54bf8d69288fbee4904", odb.Hash(odb.Tree, nil).String())
}

func TestGitReadsWhatWeWrite(t *testing.T) {
	needGit(t)
	dir := t.TempDir()
	r, err := gogit.Init(dir, nil)
	require.NoError(t, err)
	defer r.Close()
	first := commit(t, r, map[string]string{"a": "1\n", "b.txt": "2\n", "b": "3\n"})
	second := commit(t, r, map[string]string{"a": "changed\n"}, first)
	require.NoError(t, r.Refs().Update("refs/heads/main", gogit.OID{}, second))
	require.Contains(t, git(t, dir, "fsck", "--strict"), "")
	require.Equal(t, second.String(), git(t, dir, "rev-parse", "HEAD"))
	require.Equal(t, "Ann <ann@example.com> 1700000000 +0000", git(t, dir, "log", "-1", "--format=%an <%ae> %ad", "--date=raw"))
	require.Equal(t, "changed", git(t, dir, "show", "HEAD:a"))
	again, err := gogit.Init(dir, nil)
	require.NoError(t, err, "Init of a repository leaves it as it is")
	defer again.Close()
	id, err := again.Resolve("main~1")
	require.NoError(t, err)
	require.Equal(t, first, id)
}

func TestWeReadWhatGitWrites(t *testing.T) {
	needGit(t)
	dir := t.TempDir()
	git(t, dir, "init", "-q")
	big := strings.Repeat("line of text that repeats\n", 2000)
	for i := range 20 {
		write(t, dir, "big.txt", big+fmt.Sprint(i))
		write(t, dir, fmt.Sprintf("d%d/f", i%3), fmt.Sprint(i))
		git(t, dir, "add", "-A")
		git(t, dir, "commit", "-qm", fmt.Sprint("commit ", i))
	}
	git(t, dir, "tag", "-a", "-m", "tag", "v1")
	git(t, dir, "branch", "other", "HEAD~3")
	check := func() {
		r, err := gogit.Open(filepath.Join(dir, "d0"), &gogit.OpenOptions{Discover: true})
		require.NoError(t, err)
		defer r.Close()
		for _, rev := range []string{"HEAD", "main", "HEAD~5", "HEAD^", "other", "v1", "v1^{}", "v1^{tree}", "HEAD~2^{tree}", "heads/main", "@"} {
			id, err := r.Resolve(rev)
			require.NoError(t, err, rev)
			require.Equal(t, git(t, dir, "rev-parse", rev), id.String(), rev)
			if rev == "HEAD~5" {
				short, err := r.Resolve(id.String()[:8])
				require.NoError(t, err)
				require.Equal(t, id, short)
			}
		}
		var got []string
		for c, err := range r.Log(t.Context(), nil) {
			require.NoError(t, err)
			got = append(got, c.ID.String())
		}
		require.Len(t, got, 20)
		require.Equal(t, git(t, dir, "rev-list", "--topo-order", "HEAD"), strings.Join(got, "\n"))
		out := filepath.Join(t.TempDir(), "out")
		id, err := r.Resolve("HEAD~3")
		require.NoError(t, err)
		require.NoError(t, r.Checkout(t.Context(), id, out))
		data, err := os.ReadFile(filepath.Join(out, "big.txt"))
		require.NoError(t, err)
		require.Equal(t, big+"16", string(data))
		list, err := r.Refs().List("refs/")
		require.NoError(t, err)
		require.Len(t, list, 3)
	}
	check()
	git(t, dir, "gc", "-q", "--aggressive")
	require.NoFileExists(t, filepath.Join(dir, ".git/refs/heads/main"), "packed")
	check()
	r, err := gogit.Open(dir, nil)
	require.NoError(t, err)
	defer r.Close()
	id, err := r.Resolve("other")
	require.NoError(t, err)
	require.NoError(t, r.Refs().Update("refs/heads/other", id, gogit.OID{}))
	require.NotContains(t, git(t, dir, "branch"), "other", "deleted from packed-refs")
	for _, rev := range []string{"nope", "HEAD~99", "HEAD^2", "v1^{blob}", "", "../x", "HEAD^{", "abcd"} {
		_, err := r.Resolve(rev)
		require.ErrorIs(t, err, gogit.ErrRevision, rev)
	}
}

// served starts our server over a folder with one bare repository.
func served(t *testing.T, o *server.Options) (url, repo string) {
	t.Helper()
	root := t.TempDir()
	repo = filepath.Join(root, "p.git")
	r, err := gogit.Init(repo, &gogit.InitOptions{Bare: true})
	require.NoError(t, err)
	require.NoError(t, r.Close())
	s := httptest.NewServer(server.NewHandler(server.Dir(root), o))
	t.Cleanup(s.Close)
	return s.URL + "/p.git", repo
}

// gitServed starts git's own HTTP server over such a folder.
func gitServed(t *testing.T, _ *server.Options) (url, repo string) {
	t.Helper()
	needGit(t)
	root := t.TempDir()
	repo = filepath.Join(root, "p.git")
	git(t, root, "init", "-q", "--bare", "p.git")
	git(t, repo, "config", "http.receivepack", "true")
	s := httptest.NewServer(&cgi.Handler{
		Path: filepath.Join(git(t, root, "--exec-path"), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "HOME=" + root},
	})
	t.Cleanup(s.Close)
	return s.URL + "/p.git", repo
}

func TestGitAgainstOurServer(t *testing.T) {
	needGit(t)
	url, repo := served(t, nil)
	work := t.TempDir()
	git(t, work, "clone", "-q", url, "a") // an empty one
	a := filepath.Join(work, "a")
	write(t, a, "file", "one\n")
	write(t, a, "big", strings.Repeat("some text\n", 5000))
	git(t, a, "add", "-A")
	git(t, a, "commit", "-qm", "one")
	git(t, a, "push", "-q", "origin", "main")
	git(t, work, "clone", "-q", url, "b")
	b := filepath.Join(work, "b")
	for i := range 5 {
		write(t, b, "big", strings.Repeat("some text\n", 5000)+fmt.Sprint(i)) // makes thin packs
		git(t, b, "commit", "-qam", fmt.Sprint(i))
		git(t, b, "push", "-q", "origin", "main")
		git(t, a, "pull", "-q")
		require.Equal(t, git(t, b, "rev-parse", "HEAD"), git(t, a, "rev-parse", "HEAD"))
	}
	git(t, b, "tag", "-a", "-m", "t", "v1")
	git(t, b, "push", "-q", "origin", "v1", "main:other")
	git(t, a, "fetch", "-q", "--tags")
	require.Equal(t, "v1", git(t, a, "tag"))
	git(t, a, "push", "-q", "origin", ":other")
	require.Equal(t, "main", strings.TrimPrefix(git(t, repo, "branch"), "* "))
	git(t, repo, "fsck", "--strict")
	git(t, repo, "gc", "-q")
	git(t, work, "clone", "-q", url, "c")
	require.Equal(t, git(t, b, "rev-parse", "HEAD"), git(t, filepath.Join(work, "c"), "rev-parse", "HEAD"))

	cmd := exec.Command("git", "push", "-q", "origin", "HEAD~2:main")
	cmd.Dir = b
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "non-fast-forward")
	git(t, b, "push", "-qf", "origin", "HEAD~2:main")
}

func TestOurClientAgainstServers(t *testing.T) {
	needGit(t)
	for name, start := range map[string]func(*testing.T, *server.Options) (string, string){"git": gitServed, "gogit": served} {
		t.Run(name, func(t *testing.T) {
			url, bare := start(t, nil)
			ctx := t.Context()
			dir := t.TempDir()
			r, err := gogit.Init(dir, nil)
			require.NoError(t, err)
			defer r.Close()
			first := commit(t, r, map[string]string{"a": "1\n", "b": "2\n"})
			push := func(id gogit.OID, name string, force bool) error {
				return r.Push(ctx, url, []gogit.PushUpdate{{Name: name, ID: id, Force: force}}, nil)
			}
			require.NoError(t, push(first, "refs/heads/main", false))
			require.NoError(t, push(first, "refs/heads/main", false), "nothing to do")
			second := commit(t, r, map[string]string{"a": "changed\n"}, first)
			require.NoError(t, push(second, "refs/heads/main", false))
			require.Equal(t, second.String(), git(t, bare, "rev-parse", "main"))
			git(t, bare, "fsck", "--strict")
			require.ErrorContains(t, push(first, "refs/heads/main", false), "not a fast-forward")
			require.NoError(t, push(first, "refs/heads/side", false))
			require.NoError(t, push(gogit.OID{}, "refs/heads/side", false))
			list, err := gogit.ListRemote(ctx, url, nil)
			require.NoError(t, err)
			require.Equal(t, []refs.Ref{{Name: "HEAD", ID: second}, {Name: "refs/heads/main", ID: second}}, list)

			clone := filepath.Join(t.TempDir(), "clone")
			c, err := gogit.Clone(ctx, url, clone, nil)
			require.NoError(t, err)
			defer c.Close()
			data, err := os.ReadFile(filepath.Join(clone, "a"))
			require.NoError(t, err)
			require.Equal(t, "changed\n", string(data))
			git(t, clone, "fsck", "--strict")
			require.Equal(t, "main", git(t, clone, "branch", "--show-current"))
			third := commit(t, r, map[string]string{"a": "third\n"}, second)
			require.NoError(t, push(third, "refs/heads/main", false))
			require.NoError(t, c.Fetch(ctx, "origin", url, nil))
			id, err := c.Resolve("origin/main")
			require.NoError(t, err)
			require.Equal(t, third, id)
			_, err = gogit.Clone(ctx, url, clone, nil)
			require.ErrorContains(t, err, "not empty")
			_, err = gogit.Clone(ctx, strings.Replace(url, "p.git", "none.git", 1), filepath.Join(t.TempDir(), "x"), nil)
			var re *gogit.RemoteError
			require.ErrorAs(t, err, &re)
			require.Equal(t, http.StatusNotFound, re.Status)
		})
	}
}

func TestHooks(t *testing.T) {
	needGit(t)
	var mu sync.Mutex // of refuse and posted, which the server's goroutines use
	var refuse error
	var posted []server.Update
	setRefuse := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		refuse = err
	}
	url, repo := served(t, &server.Options{
		PreReceive: func(_ context.Context, p *server.Push) error {
			for i := range 3 {
				fmt.Fprintf(p.Progress, "step %d\n", i)
			}
			for _, u := range p.Updates {
				if _, _, err := p.Objects.Read(u.New); err != nil {
					return err
				}
				if p.Repo.Objects().Has(u.New) {
					return fmt.Errorf("%v is visible too early", u.New)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			return refuse
		},
		PostReceive: func(_ context.Context, p *server.Push) {
			mu.Lock()
			defer mu.Unlock()
			posted = append(posted, p.Updates...)
		},
	})
	work := t.TempDir()
	git(t, work, "init", "-q")
	write(t, work, "f", "1")
	git(t, work, "add", "-A")
	git(t, work, "commit", "-qm", "one")
	setRefuse(fmt.Errorf("tests failed:\nline two"))
	cmd := exec.Command("git", "push", url, "main")
	cmd.Dir = work
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "remote: step 0")
	require.Contains(t, string(out), "(tests failed: line two)")
	require.Empty(t, git(t, repo, "branch"))
	leftovers, err := filepath.Glob(filepath.Join(repo, "objects", "incoming-*"))
	require.NoError(t, err)
	require.Empty(t, leftovers)
	setRefuse(nil)
	require.Contains(t, git(t, work, "push", url, "main"), "remote: step 2")
	mu.Lock()
	first := posted[0].New
	require.Len(t, posted, 1)
	mu.Unlock()
	require.Equal(t, git(t, work, "rev-parse", "HEAD"), first.String())

	r, err := gogit.Open(work, nil)
	require.NoError(t, err)
	defer r.Close()
	setRefuse(fmt.Errorf("no"))
	var progress bytes.Buffer
	id := commit(t, r, map[string]string{"f": "2"}, first)
	err = r.Push(t.Context(), url, []gogit.PushUpdate{{Name: "refs/heads/main", ID: id}}, &gogit.RemoteOptions{Progress: &progress})
	require.ErrorContains(t, err, "refs/heads/main no")
	require.Equal(t, "step 0\nstep 1\nstep 2\n", progress.String())
}

func TestBadRequests(t *testing.T) {
	url, repo := served(t, nil)
	post := func(service, body string) (int, string) {
		res, err := http.Post(url+"/"+service, "application/x-"+service+"-request", strings.NewReader(body))
		require.NoError(t, err)
		defer res.Body.Close()
		var b bytes.Buffer
		_, err = b.ReadFrom(res.Body)
		require.NoError(t, err)
		return res.StatusCode, b.String()
	}
	line := func(s string) string { return fmt.Sprintf("%04x%s", len(s)+4, s) }
	zero, some := strings.Repeat("0", 40), strings.Repeat("1", 40)
	for _, c := range []struct {
		service, body string
		status        int
		text          string
	}{
		{"git-upload-pack", "0003", 400, "malformed"},
		{"git-upload-pack", "fffg", 400, "malformed"},
		{"git-upload-pack", line("give me") + "0000", 400, "malformed"},
		{"git-upload-pack", line("want "+some) + "0000", 200, "not our ref"},
		{"git-upload-pack", "0000", 200, ""},
		{"git-receive-pack", line("x"), 400, "malformed"},
		{"git-receive-pack", line(zero+" "+some+" refs/heads/main\x00report-status") + "0000", 200, "unpack odb: received pack is corrupt at offset 0: not a pack"},
		{"git-receive-pack", line(zero+" "+some+" refs/heads/main\x00report-status") + "0000PACK\x00\x00\x00\x02\x00\x00\x00\x01xxxxxxxxxxxxxxxxxxxxxxxx", 200, "checksum is wrong"},
		{"git-receive-pack", line(some+" "+zero+" refs/heads/../x\x00report-status") + "0000", 200, "bad ref name"},
		{"git-receive-pack", line(some+" "+zero+" refs/heads/main\x00report-status") + "0000", 200, "changed meanwhile"},
		{"git-receive-pack", "0000", 200, ""},
	} {
		status, text := post(c.service, c.body)
		require.Equal(t, c.status, status, "%q", c.body)
		require.Contains(t, text, c.text, "%q", c.body)
	}
	for path, want := range map[string]int{
		"/info/refs": 403, "/info/refs?service=git-nope": 403, "/HEAD": 404, "/../../etc/info/refs?service=git-upload-pack": 404,
		"/git-upload-pack": 405,
	} {
		res, err := http.Get(url + path)
		require.NoError(t, err)
		res.Body.Close()
		require.Equal(t, want, res.StatusCode, path)
	}
	leftovers, err := filepath.Glob(filepath.Join(repo, "objects", "incoming-*"))
	require.NoError(t, err)
	require.Empty(t, leftovers)
}

func TestCheckoutStaysInside(t *testing.T) {
	r, err := gogit.Init(t.TempDir(), nil)
	require.NoError(t, err)
	defer r.Close()
	blob, err := r.Objects().Write(odb.Blob, []byte("../../etc/passwd"))
	require.NoError(t, err)
	raw := func(mode, name string, id gogit.OID) []byte {
		return append([]byte(mode+" "+name+"\x00"), id.Bytes()...)
	}
	for _, tree := range [][]byte{
		raw("100644", "..", blob), raw("100644", ".git", blob), raw("100644", ".GIT", blob), raw("100644", "a/b", blob), raw("100644", "git~1", blob),
		append(raw("120000", "x", blob), raw("100644", "x", blob)...), raw("120000", "link", blob), raw("100644", "", blob), []byte("100644 x\x00short"),
	} {
		id, err := r.Objects().Write(odb.Tree, tree)
		require.NoError(t, err)
		out := filepath.Join(t.TempDir(), "out")
		require.ErrorIs(t, r.Checkout(t.Context(), id, out), gogit.ErrBadObject, "%q", tree)
	}
	_, err = r.WriteTree([]gogit.TreeEntry{{Mode: gogit.ModeFile, Name: "..", ID: blob}})
	require.ErrorIs(t, err, gogit.ErrBadObject)
	full := t.TempDir()
	write(t, full, "x", "")
	require.ErrorContains(t, r.Checkout(t.Context(), blob, full), "not empty")
}

func TestOpenErrors(t *testing.T) {
	_, err := gogit.Open(t.TempDir(), nil)
	require.ErrorIs(t, err, gogit.ErrNotRepository)
	_, err = gogit.Init(t.TempDir(), &gogit.InitOptions{Branch: "a..b"})
	require.ErrorIs(t, err, refs.ErrBadName)
}

func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	repo, err := gogit.Init(dir, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer repo.Close()

	id, err := repo.Objects().Write(odb.Blob, []byte("hello\n"))
	fmt.Println(id, err)
	data, err := repo.Blob(id)
	fmt.Printf("%s%v\n", data, err)
	// Output:
	// ce013625030ba8dba906f756967f9e9ca394464a <nil>
	// hello
	// <nil>
}
