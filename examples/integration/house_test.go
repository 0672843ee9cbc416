package integration

import (
	"bytes"
	"flag"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/modfile"
)

var update = flag.Bool("update", false, "write the programs of the READMEs anew from their Examples")

const (
	root     = "../.."
	basePath = "github.com/groundwork-go/groundwork/"
)

var libraries = []string{"alloc", "pool", "kvstore", "gosh", "calc", "loadbalancer", "gogit", "container"}

// allowed are the modules that each module may require besides its siblings and
// what every module may use.
var allowed = map[string][]string{
	"kvstore":      {"github.com/yuin/gopher-lua", "github.com/redis/go-redis/v9", "github.com/redis/rueidis"}, // the clients in tests
	"loadbalancer": {"golang.org/x/net", "golang.org/x/time", "github.com/coder/websocket"},
	"gogit":        {"github.com/klauspost/compress", "github.com/pjbgf/sha1cd"},
	"gosh":         {"github.com/rivo/uniseg"},
	"calc":         {"golang.org/x/term", "golang.org/x/arch"},
	"container": {
		"github.com/opencontainers/runtime-spec", "github.com/opencontainers/image-spec", "github.com/opencontainers/go-digest",
		"github.com/klauspost/compress", "github.com/vishvananda/netlink", "github.com/google/nftables",
		"github.com/google/go-containerregistry",
	},
	"examples": {
		"github.com/coder/websocket", "github.com/fsnotify/fsnotify", "charm.land/bubbletea/v2", "golang.org/x/time",
		"golang.org/x/term", "golang.org/x/mod", "github.com/chromedp/chromedp", "github.com/chromedp/cdproto",
		"github.com/rogpeppe/go-internal", "golang.org/x/tools",
	},
	".github/release": {"golang.org/x/mod", "golang.org/x/tools"},
}

var allowedEverywhere = []string{
	"golang.org/x/sys", "golang.org/x/sync", "github.com/stretchr/testify",
	"pgregory.net/rapid", "go.uber.org/goleak", "github.com/anishathalye/porcupine",
}

// goFile is a parsed source file.
type goFile struct {
	path string // from the root, with slashes
	ast  *ast.File
	fset *token.FileSet
}

func (f goFile) dir() string    { return path.Dir(f.path) }
func (f goFile) isTest() bool   { return strings.HasSuffix(f.path, "_test.go") }
func (f goFile) module() string { return moduleOf(f.path) }

func moduleOf(name string) string {
	if strings.HasPrefix(name, ".github/release/") {
		return ".github/release"
	}
	module, _, _ := strings.Cut(name, "/")
	return module
}

func (f goFile) isPublic() bool {
	dirs := strings.Split(f.dir(), "/")
	return slices.Contains(libraries, dirs[0]) && !slices.Contains(dirs, "internal") && !slices.Contains(dirs, "bench")
}

// tracked calls visit for each file of the repository that is not generated.
func tracked(t *testing.T, visit func(name string)) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := filepath.ToSlash(strings.TrimPrefix(name, root+string(filepath.Separator)))
		if d.IsDir() {
			if base := d.Name(); base == ".git" || base == "testdata" || base == "node_modules" {
				return fs.SkipDir
			}
			return nil
		}
		visit(rel)
		return nil
	}))
}

func goFiles(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	tracked(t, func(name string) {
		if !strings.HasSuffix(name, ".go") {
			return
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, filepath.Join(root, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		require.NoError(t, err)
		files = append(files, goFile{name, f, fset})
	})
	require.NotEmpty(t, files)
	return files
}

func TestExportedNamesAreDocumented(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.isTest() || f.ast.Name.Name == "main" {
			continue
		}
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
					t.Errorf("%s: %s has no doc comment", f.path, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					checkSpec(t, f, d, s)
				}
			}
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	x := d.Recv.List[0].Type
	for {
		switch y := x.(type) {
		case *ast.StarExpr:
			x = y.X
		case *ast.IndexExpr:
			x = y.X
		case *ast.IndexListExpr:
			x = y.X
		case *ast.Ident:
			return y.IsExported()
		default:
			return true
		}
	}
}

func checkSpec(t *testing.T, f goFile, d *ast.GenDecl, s ast.Spec) {
	switch s := s.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && s.Doc == nil && d.Doc == nil {
			t.Errorf("%s: %s has no doc comment", f.path, s.Name.Name)
		}
	case *ast.ValueSpec:
		for _, n := range s.Names {
			if n.IsExported() && s.Doc == nil && s.Comment == nil && d.Doc == nil {
				t.Errorf("%s: %s has no doc comment", f.path, n.Name)
			}
		}
	}
}

func TestEveryPackageHasOneComment(t *testing.T) {
	comments := make(map[string][]string)
	for _, f := range goFiles(t) {
		if f.isTest() {
			continue
		}
		if _, ok := comments[f.dir()]; !ok {
			comments[f.dir()] = nil
		}
		if f.ast.Doc != nil {
			comments[f.dir()] = append(comments[f.dir()], f.path)
		}
	}
	for dir, list := range comments {
		if len(list) != 1 {
			t.Errorf("%s has %d package comments, in %q", dir, len(list), list)
		}
	}
}

func TestPublicPackagesHaveRunnableExamples(t *testing.T) {
	runnable := make(map[string]bool)
	for _, f := range goFiles(t) {
		if !f.isPublic() {
			continue
		}
		if !f.isTest() {
			if _, ok := runnable[f.dir()]; !ok && f.ast.Name.Name != "main" {
				runnable[f.dir()] = false
			}
			continue
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if ok && fn.Name.Name == "Example" && outputComment(f, fn) != nil {
				runnable[f.dir()] = true
			}
		}
	}
	for dir, ok := range runnable {
		if !ok {
			t.Errorf("%s has no func Example with an Output comment", dir)
		}
	}
}

// outputComment returns the "// Output:" comment of an Example.
func outputComment(f goFile, fn *ast.FuncDecl) *ast.CommentGroup {
	for _, c := range f.ast.Comments {
		if c.Pos() > fn.Body.Pos() && c.End() < fn.Body.End() && strings.HasPrefix(strings.ToLower(c.Text()), "output:") {
			return c
		}
	}
	return nil
}

func TestNoInitAndNoMutableVariables(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.isTest() {
			continue
		}
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.Name == "init" && d.Recv == nil {
					t.Errorf("%s has an init function", f.path)
				}
			case *ast.GenDecl:
				if d.Tok != token.VAR {
					continue
				}
				for _, s := range d.Specs {
					if v := s.(*ast.ValueSpec); !variableIsConstant(d, v) {
						t.Errorf("%s: variable %s is neither a sentinel error, embedded, nor a table", f.path, v.Names[0].Name)
					}
				}
			}
		}
	}
}

// variableIsConstant tells whether a package variable has one of the forms that
// never change.
func variableIsConstant(d *ast.GenDecl, v *ast.ValueSpec) bool {
	if v.Names[0].Name == "_" {
		return true
	}
	for _, doc := range []*ast.CommentGroup{d.Doc, v.Doc} {
		if doc != nil && strings.Contains(doc.List[len(doc.List)-1].Text, "//go:embed") {
			return true
		}
	}
	for _, x := range v.Values {
		switch x := x.(type) {
		case *ast.CompositeLit:
			continue
		case *ast.UnaryExpr: // &T{...}
			if _, ok := x.X.(*ast.CompositeLit); ok {
				continue
			}
		case *ast.CallExpr:
			if fun, ok := x.Fun.(*ast.SelectorExpr); ok && fun.Sel.Name == "OnceValue" { // a table made when it is first needed
				continue
			}
			if fun, ok := x.Fun.(*ast.SelectorExpr); ok && strings.HasPrefix(strings.ToLower(v.Names[0].Name), "err") {
				if pkg, ok := fun.X.(*ast.Ident); ok && (pkg.Name == "errors" || pkg.Name == "fmt") {
					continue
				}
			}
		case *ast.SelectorExpr: // an error of another package under our name
			if strings.HasPrefix(v.Names[0].Name, "Err") {
				continue
			}
		}
		return false
	}
	return len(v.Values) > 0
}

func TestImportsFollowTheArchitecture(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.module() == "examples" || strings.Contains(f.path, "/bench/") {
			continue
		}
		for _, imp := range f.ast.Imports {
			name, err := strconv.Unquote(imp.Path.Value)
			require.NoError(t, err)
			if rest, ok := strings.CutPrefix(name, basePath); ok && moduleOf(rest+"/") != f.module() {
				t.Errorf("%s imports its sibling %s", f.path, name)
			}
			if name == "C" {
				t.Errorf("%s uses cgo", f.path)
			}
		}
	}
}

func TestModuleFiles(t *testing.T) {
	goLines := make(map[string][]string)
	for _, dir := range append(slices.Clone(libraries), "examples", ".github/release") {
		name := filepath.Join(root, dir, "go.mod")
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		mod, err := modfile.Parse(name, data, nil)
		require.NoError(t, err)
		goLines[mod.Go.Version] = append(goLines[mod.Go.Version], dir)
		require.Empty(t, mod.Replace, name)
		require.Empty(t, mod.Exclude, name)
		for _, r := range mod.Require {
			switch {
			case r.Indirect, slices.Contains(allowedEverywhere, r.Mod.Path), slices.Contains(allowed[dir], r.Mod.Path):
			case dir == "examples" && strings.HasPrefix(r.Mod.Path, basePath):
			default:
				t.Errorf("%s requires %s", name, r.Mod.Path)
			}
		}
		if dir == ".github/release" {
			continue
		}
		require.Equal(t, basePath+dir, mod.Module.Mod.Path)
		for _, file := range []string{"LICENSE", "README.md", "CHANGELOG.md"} {
			require.FileExists(t, filepath.Join(root, dir, file))
		}
	}
	require.Len(t, goLines, 1, "go lines differ: %v", goLines)
	work, err := os.ReadFile(filepath.Join(root, "go.work"))
	require.NoError(t, err)
	for version := range goLines {
		require.Contains(t, string(work), "go "+version+"\n")
	}
}

var codeBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

func TestReadmeProgramsAreTheExamples(t *testing.T) {
	files := goFiles(t)
	for _, lib := range libraries {
		t.Run(lib, func(t *testing.T) {
			name := filepath.Join(root, lib, "README.md")
			readme, err := os.ReadFile(name)
			require.NoError(t, err)
			want := exampleProgram(t, files, lib)
			blocks := codeBlock.FindAllSubmatchIndex(readme, -1)
			require.Len(t, blocks, 1, "%s has one Go program", name)
			start, end := blocks[0][2], blocks[0][3]
			if *update {
				readme = slices.Concat(readme[:start], want, readme[end:])
				require.NoError(t, os.WriteFile(name, readme, 0o644))
				return
			}
			require.Equal(t, string(want), string(readme[start:end]), "run the test with -update")
		})
	}
}

// exampleProgram makes a program of a library's Example.
func exampleProgram(t *testing.T, files []goFile, lib string) []byte {
	t.Helper()
	for _, f := range files {
		if f.dir() != lib || !f.isTest() {
			continue
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Name.Name != "Example" {
				continue
			}
			src, err := os.ReadFile(filepath.Join(root, f.path))
			require.NoError(t, err)
			at := func(p token.Pos) int { return f.fset.Position(p).Offset }
			out := outputComment(f, fn)
			require.NotNil(t, out)
			var b bytes.Buffer
			b.WriteString("package main\n\nimport (\n")
			writeImports(&b, f, fn)
			b.WriteString(")\n\nfunc main() ")
			b.Write(bytes.TrimRight(src[at(fn.Body.Pos()):at(out.Pos())], " \t\n"))
			b.WriteString("\n}\n")
			text, err := format.Source(b.Bytes())
			require.NoError(t, err)
			return text
		}
	}
	t.Fatalf("%s has no Example", lib)
	return nil
}

// writeImports writes the imports of f that fn uses, the standard library first.
func writeImports(b *bytes.Buffer, f goFile, fn *ast.FuncDecl) {
	used := make(map[string]bool)
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok {
				used[x.Name] = true
			}
		}
		return true
	})
	lines := make(map[bool][]string)
	for _, imp := range f.ast.Imports {
		name := path.Base(strings.Trim(imp.Path.Value, `"`))
		if used[name] {
			ours := strings.Contains(imp.Path.Value, ".")
			lines[ours] = append(lines[ours], "\t"+imp.Path.Value+"\n")
		}
	}
	b.WriteString(strings.Join(lines[false], ""))
	if len(lines) == 2 {
		b.WriteString("\n")
	}
	b.WriteString(strings.Join(lines[true], ""))
}

var fenced = regexp.MustCompile("(?ms)^```.*?^```")

var markdownLink = regexp.MustCompile(`\]\(([^)#][^)]*)\)`)

func TestMarkdownLinksResolve(t *testing.T) {
	seen := make(map[string]bool)
	tracked(t, func(name string) {
		if !strings.HasSuffix(name, ".md") {
			return
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		seen[name] = true
		text = fenced.ReplaceAll(text, nil)
		for _, m := range markdownLink.FindAllSubmatch(text, -1) {
			link, _, _ := strings.Cut(string(m[1]), "#")
			if strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
				continue
			}
			require.FileExists(t, filepath.Join(root, path.Dir(name), link), "link in %s", name)
		}
	})
	require.Contains(t, slices.Collect(maps.Keys(seen)), "README.md")
}
