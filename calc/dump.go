package calc

import (
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/groundwork-go/groundwork/calc/internal/ir"
	"github.com/groundwork-go/groundwork/calc/internal/native"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/internal/vm"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// Stage is a form that a program goes through.
type Stage int

// The stages, in their order.
const (
	AST      Stage = iota // as it is written
	Types                 // with types; functions once for each combination of them
	IR                    // blocks of instructions, improved
	Bytecode              // of the VM
	Asm                   // machine code
)

// Dump writes a stage of the program for a reader. That of Asm fails for a program
// that cannot be machine code, with the reason. The form may change at any time.
func (p *Program) Dump(w io.Writer, s Stage) error {
	prog := p.image.prog
	if p.opened && s != AST { // the tree is not in the image
		c, err := newCompiler(&p.compiler.o)
		if err != nil {
			return err
		}
		if prog, err = c.compile(c.o.Name, p.compiler.sources[c.o.Name]); err != nil {
			return err
		}
	}
	return p.compiler.dump(w, p.compiler.o.Name, prog, s, false)
}

// Dump writes a stage of an input, as [Program.Dump] does, without running it. Of
// the stages behind the first it writes all functions of the session that there are.
func (r *REPL) Dump(w io.Writer, src string, s Stage) error {
	defer r.compiler.check.Forget()()
	prog, err := r.compiler.compile("dump", src)
	if err != nil {
		return err
	}
	return r.compiler.dump(w, "dump", prog, s, true)
}

func (c *compiler) dump(w io.Writer, name string, prog *typed.Program, s Stage, session bool) (err error) {
	defer c.sources.internal(name, &err)
	d := &dumper{w: w}
	switch s {
	case AST:
		file, err := syntax.Parse(name, c.sources[name])
		if err != nil {
			return fmt.Errorf("calc: %w", err)
		}
		for _, n := range file.Stmts {
			d.node("", reflect.ValueOf(n), 0)
		}
	case Types:
		for _, f := range prog.Funcs {
			d.line(0, "func %s#%d(%s) %v", f.Name, f.Index, variables(f.Params), f.Result)
			d.node("", reflect.ValueOf(f.Body), 1)
		}
	case IR, Bytecode, Asm:
		code := ir.Build(prog, nil, ir.Options{Session: session})
		code.Optimize(0, ir.Passes{Verify: true})
		return d.code(code, s)
	default:
		return fmt.Errorf("calc: Dump: there is no stage %d", s)
	}
	return d.err
}

// dumper writes lines until one fails.
type dumper struct {
	w   io.Writer
	err error
}

// Write keeps the first error.
func (d *dumper) Write(b []byte) (int, error) {
	if d.err == nil {
		_, d.err = d.w.Write(b)
	}
	return len(b), d.err
}

func (d *dumper) line(depth int, format string, args ...any) {
	fmt.Fprintf(d, strings.Repeat("  ", depth)+format+"\n", args...)
}

func (d *dumper) code(p *ir.Program, s Stage) error {
	switch s {
	case IR:
		p.Print(d)
	case Bytecode:
		code, err := vm.Compile(p, nil)
		if err != nil {
			return fmt.Errorf("calc: Dump: %w", err)
		}
		code.Print(d)
	default:
		img, err := native.Compile(p, native.Options{List: true})
		if err != nil {
			return fmt.Errorf("calc: Dump: %w", err)
		}
		img.Print(d)
	}
	return d.err
}

func variables(list []*typed.Var) string {
	names := make([]string, len(list))
	for i, v := range list {
		names[i] = fmt.Sprintf("%s %v", v.Name, v.Type)
	}
	return strings.Join(names, ", ")
}

// node writes a node with its fields: simple ones in its line, nodes below it.
func (d *dumper) node(label string, v reflect.Value, depth int) {
	for v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		if v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Struct {
			break
		}
		v = v.Elem()
	}
	if label != "" {
		label += ": "
	}
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			d.node(strings.TrimSuffix(label, ": "), v.Index(i), depth)
		}
		return
	case reflect.Pointer:
	case reflect.Struct:
		d.fields(label, v, "", depth)
		return
	default:
		return
	}
	extra := ""
	if n, ok := v.Interface().(typed.Node); ok {
		extra = " " + n.Type().String()
	}
	d.fields(label, v.Elem(), extra, depth)
}

// fields writes a struct: its name with the fields that are no nodes, then those
// that are.
func (d *dumper) fields(label string, v reflect.Value, extra string, depth int) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s%s", label, v.Type().Name(), extra)
	var below []int
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		if !v.Type().Field(i).IsExported() {
			continue
		}
		switch x := f.Interface().(type) {
		case syntax.At:
			fmt.Fprintf(&b, " @%d:%d", x.Pos.Line, x.Pos.Col)
		case syntax.Pos:
			if x.Line > 0 {
				fmt.Fprintf(&b, " @%d:%d", x.Line, x.Col)
			}
		case *types.Type:
			if extra == "" && x != nil {
				fmt.Fprintf(&b, " %v", x)
			}
		case *typed.Var:
			if x != nil {
				fmt.Fprintf(&b, " %s", x.Name)
			}
		case *typed.Func:
			if x != nil {
				fmt.Fprintf(&b, " %s#%d", x.Name, x.Index)
			}
		case *typed.Builtin:
			fmt.Fprintf(&b, " %s", x.Name)
		case value.Value:
			d.value(&b, v, x)
		case bool:
			if x {
				fmt.Fprintf(&b, " %s", name)
			}
		case string:
			fmt.Fprintf(&b, " %q", x)
		case fmt.Stringer:
			if f.Kind() != reflect.Pointer && f.Kind() != reflect.Interface {
				fmt.Fprintf(&b, " %v", x)
				continue
			}
			below = append(below, i)
		default:
			switch f.Kind() {
			case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
				fmt.Fprintf(&b, " %s=%v", name, x)
			default:
				below = append(below, i)
			}
		}
	}
	d.line(depth, "%s", b.String())
	for _, i := range below {
		d.node(v.Type().Field(i).Name, v.Field(i), depth+1)
	}
}

// value writes a constant.
func (d *dumper) value(b *strings.Builder, node reflect.Value, x value.Value) {
	if c, ok := node.Addr().Interface().(*typed.Const); ok && (c.T.IsWord() || c.T.Is(types.KString)) {
		s, _ := value.Text(c.T, x, 1000) // a longer one is cut
		fmt.Fprintf(b, " %q", s)
	}
}
