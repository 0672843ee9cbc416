package main

import (
	"context"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"path"
	"slices"
	"strings"
)

// exportedAPI lists what the module exports at a revision: a line for each name,
// with its declaration, of every package that users can import.
func (r *repo) exportedAPI(ctx context.Context, m *moduleInfo, rev string) (map[string]string, error) {
	out, err := git(ctx, r.root, "ls-tree", "-r", "--name-only", rev, "--", m.dir+"/")
	if err != nil {
		return nil, err
	}
	api := make(map[string]string)
	for _, file := range strings.Split(out, "\n") {
		dirs := strings.Split(path.Dir(file), "/")
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") ||
			slices.Contains(dirs, "internal") || slices.Contains(dirs, "testdata") || slices.Contains(dirs, "bench") {
			continue
		}
		src, err := git(ctx, r.root, "show", rev+":"+file)
		if err != nil {
			return nil, err
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, file, src, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		if f.Name.Name != "main" && ast.FileExports(f) {
			addDecls(api, path.Dir(file), fset, f)
		}
	}
	return api, nil
}

func addDecls(api map[string]string, pkg string, fset *token.FileSet, f *ast.File) {
	text := func(n any) string {
		var b strings.Builder
		_ = printer.Fprint(&b, fset, n) // into memory; the node was parsed
		return strings.Join(strings.Fields(b.String()), " ")
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			d.Body, d.Doc = nil, nil
			name := d.Name.Name
			if d.Recv != nil {
				name = text(d.Recv.List[0].Type) + "." + name
			}
			api[pkg+"."+name] = text(d)
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					s.Doc, s.Comment = nil, nil
					api[pkg+"."+s.Name.Name] = text(s)
				case *ast.ValueSpec:
					s.Doc, s.Comment, s.Values = nil, nil, nil
					for _, n := range s.Names {
						api[pkg+"."+n.Name] = d.Tok.String() + " " + n.Name
						if s.Type != nil {
							api[pkg+"."+n.Name] += " " + text(s.Type)
						}
					}
				}
			}
		}
	}
}

// change says how one API differs from an older one.
type change int

const (
	same change = iota
	added
	broken
)

func compare(old, new map[string]string) change {
	c := same
	for name, decl := range old {
		if new[name] != decl {
			return broken
		}
	}
	if len(new) > len(old) {
		c = added
	}
	return c
}
