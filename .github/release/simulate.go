package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"
)

// simulation uses the modules at HEAD as if they had been published: from a file
// proxy, with nothing else but what the real module cache has downloaded.
type simulation struct {
	repo     *repo
	dir      string // for everything that is written
	proxy    string
	goProxy  string // GOPROXY
	versions map[string]string
	out      io.Writer
}

func simulate(ctx context.Context, r *repo, mods []*moduleInfo, stdout io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "release-")
	if err != nil {
		return err
	}
	defer func() { // module caches are read-only, so they go by go clean
		if rmErr := removeAll(dir); err == nil {
			err = rmErr
		}
	}()
	cache, err := goEnv(ctx, "GOMODCACHE")
	if err != nil {
		return err
	}
	s := &simulation{repo: r, dir: dir, proxy: filepath.Join(dir, "proxy"), versions: make(map[string]string), out: stdout}
	s.goProxy = "file://" + filepath.ToSlash(s.proxy) + ",file://" + filepath.ToSlash(filepath.Join(cache, "cache", "download")) + ",off"
	for _, m := range r.mods {
		rel, err := r.nextRelease(ctx, m)
		if err != nil {
			return err
		}
		s.versions[m.path] = rel.next
		if rel.next == "" {
			s.versions[m.path] = rel.last
		}
		if err := s.publish(ctx, m); err != nil {
			return fmt.Errorf("pack %s: %w", m.dir, err)
		}
	}
	for _, m := range mods {
		if err := s.use(ctx, m); err != nil {
			return fmt.Errorf("%s: %w", m.dir, err)
		}
	}
	return nil
}

func goEnv(ctx context.Context, name string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", name).Output()
	return strings.TrimSpace(string(out)), err
}

// publish writes the module at HEAD into the proxy's folder (the layout is that
// of the GOPROXY protocol).
func (s *simulation) publish(ctx context.Context, m *moduleInfo) error {
	mod := module.Version{Path: m.path, Version: s.versions[m.path]}
	escaped, err := module.EscapePath(m.path)
	if err != nil {
		return err
	}
	dir := filepath.Join(s.proxy, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var archive bytes.Buffer
	if err := modzip.CreateFromVCS(&archive, mod, s.repo.root, "HEAD", m.dir); err != nil {
		return err
	}
	goMod, err := git(ctx, s.repo.root, "show", "HEAD:"+m.dir+"/go.mod")
	if err != nil {
		return err
	}
	info, err := json.Marshal(map[string]any{"Version": mod.Version, "Time": time.Now().UTC().Format(time.RFC3339)})
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{
		mod.Version + ".zip":  archive.Bytes(),
		mod.Version + ".mod":  []byte(goMod + "\n"),
		mod.Version + ".info": info,
		"list":                []byte(mod.Version + "\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// use does what a user of the module does, in an empty program with an empty
// module cache.
func (s *simulation) use(ctx context.Context, m *moduleInfo) error {
	start := time.Now()
	dir, err := os.MkdirTemp(s.dir, filepath.Base(m.dir)+"-")
	if err != nil {
		return err
	}
	cache := filepath.Join(dir, "modcache")
	defer func() { _ = removeAll(cache) }() // the whole folder goes at the end
	program := filepath.Join(dir, "program")
	if err := os.Mkdir(program, 0o755); err != nil {
		return err
	}
	bin := filepath.Join(dir, "bin")
	goCmd := func(in string, args ...string) error { return s.goCommand(ctx, in, cache, bin, args...) }
	at := m.path + "@" + s.versions[m.path]
	steps := [][]string{
		{"mod", "init", "example.com/program"},
		{"get", "-t", m.path + "/...@" + s.versions[m.path]},
		{"build", m.path + "/..."},
		{"vet", m.path + "/..."},
	}
	if m.dir == "examples" {
		// Its tests drive git and browsers against this checkout: they belong to
		// the repository. What users get are the programs.
		mains, err := filepath.Glob(filepath.Join(s.repo.root, m.dir, "*", "main.go"))
		if err != nil {
			return err
		}
		for _, main := range mains {
			name := filepath.Base(filepath.Dir(main))
			steps = append(steps, []string{"install", m.path + "/" + name + "@" + s.versions[m.path]})
		}
	} else {
		steps = append(steps, []string{"test", "-short", m.path + "/..."})
	}
	for _, args := range steps {
		if err := goCmd(program, args...); err != nil {
			return err
		}
	}
	if err := s.tidy(ctx, m, dir, goCmd); err != nil {
		return err
	}
	if err := s.checkRequirements(m, program); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "ok  %s  %.1fs\n", at, time.Since(start).Seconds())
	return nil
}

// maxAdded is how many modules the root package of a library may add to a user's
// go.mod besides itself (architecture.md of the project).
func maxAdded(dir string) int {
	if dir == "loadbalancer" || dir == "gogit" {
		return 5
	}
	return 3
}

// checkRequirements counts what the root package alone adds to a program.
func (s *simulation) checkRequirements(m *moduleInfo, program string) error {
	if m.dir == "examples" {
		return nil
	}
	dir := filepath.Join(filepath.Dir(program), "minimal")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	cache := filepath.Join(filepath.Dir(program), "modcache")
	src := fmt.Sprintf("package main\n\nimport _ %q\n\nfunc main() {}\n", m.path)
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(src), 0o644); err != nil {
		return err
	}
	ctx := context.Background()
	for _, args := range [][]string{
		{"mod", "init", "example.com/minimal"},
		{"get", m.path + "@" + s.versions[m.path]},
		{"mod", "tidy"},
		{"build", "./..."},
	} {
		if err := s.goCommand(ctx, dir, cache, "", args...); err != nil {
			return err
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return err
	}
	mod, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		return err
	}
	if n := len(mod.Require) - 1; n > maxAdded(m.dir) {
		return fmt.Errorf("its root package adds %d modules to a user's go.mod, more than %d", n, maxAdded(m.dir))
	}
	return nil
}

// tidy checks that the module's go.mod is what go mod tidy makes of it.
func (s *simulation) tidy(ctx context.Context, m *moduleInfo, dir string, goCmd func(string, ...string) error) error {
	copied := filepath.Join(dir, "copy")
	if err := os.Mkdir(copied, 0o755); err != nil {
		return err
	}
	archive := filepath.Join(dir, "head.tar")
	if _, err := git(ctx, s.repo.root, "archive", "-o", archive, "HEAD:"+m.dir); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "tar", "-xf", archive, "-C", copied).CombinedOutput(); err != nil {
		return fmt.Errorf("tar: %v: %s", err, out)
	}
	before, err := os.ReadFile(filepath.Join(copied, "go.mod"))
	if err != nil {
		return err
	}
	if err := goCmd(copied, "mod", "tidy"); err != nil {
		return err
	}
	after, err := os.ReadFile(filepath.Join(copied, "go.mod"))
	if err != nil {
		return err
	}
	if !bytes.Equal(before, after) {
		return fmt.Errorf("go.mod is not tidy; go mod tidy makes it\n%s", after)
	}
	return nil
}

func (s *simulation) goCommand(ctx context.Context, dir, cache, bin string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(),
		"GOWORK=off", "GOPROXY="+s.goProxy, "GOSUMDB=off", "GONOSUMDB=", "GOPRIVATE=", "GOFLAGS=-trimpath -buildvcs=false",
		"GOMODCACHE="+cache, "GOBIN="+bin, "GOTOOLCHAIN=local")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// removeAll removes a folder that may hold read-only module caches.
func removeAll(dir string) error {
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(path, 0o755) // if this fails RemoveAll tells
		}
		return nil
	})
	return os.RemoveAll(dir)
}
