package ir

import (
	"fmt"
	"io"
	"strings"

	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

var typeNames = [...]string{None: "none", Int: "int", Float: "float", Bool: "bool", Ref: "ref"}

// String returns the name of the type.
func (t Type) String() string { return typeNames[t] }

// Print writes the functions of a program.
func (p *Program) Print(w io.Writer) {
	for _, f := range p.Funcs {
		f.Print(w)
	}
}

// Print writes a function.
func (f *Func) Print(w io.Writer) {
	fmt.Fprintf(w, "func %s#%d", f.Name(), f.Typed.Index)
	if f.Result != None {
		fmt.Fprintf(w, " %v", f.Result)
	}
	fmt.Fprintln(w)
	for _, b := range f.Blocks {
		fmt.Fprintf(w, "b%d:", b.ID)
		if len(b.Preds) > 0 {
			fmt.Fprint(w, " <-")
			for _, p := range b.Preds {
				fmt.Fprintf(w, " b%d", p.ID)
			}
		}
		fmt.Fprintln(w)
		for _, v := range b.Values {
			fmt.Fprintf(w, "    %s\n", v.LongString())
		}
		switch b.Kind {
		case Stop:
			fmt.Fprintln(w, "    stop")
		case Jump:
			fmt.Fprintf(w, "    jump b%d\n", b.Succs[0].ID)
		case If:
			fmt.Fprintf(w, "    if v%d b%d else b%d\n", b.Control.ID, b.Succs[0].ID, b.Succs[1].ID)
		case Return:
			if b.Control == nil {
				fmt.Fprintln(w, "    return")
			} else {
				fmt.Fprintf(w, "    return v%d\n", b.Control.ID)
			}
		}
	}
}

// LongString returns an instruction as Print writes it.
func (v *Value) LongString() string {
	var b strings.Builder
	if v.Type != None {
		fmt.Fprintf(&b, "v%d %v = ", v.ID, v.Type)
	}
	b.WriteString(v.Op.String())
	switch {
	case v.Op == Const && v.Type == Float:
		fmt.Fprintf(&b, " %s", value.AppendFloat(nil, value.Value{N: v.Bits}.Float()))
	case v.Op == Const:
		fmt.Fprintf(&b, " %d", int64(v.Bits))
	case v.Bits != 0 || v.Op == Param:
		fmt.Fprintf(&b, " [%d]", v.Bits)
	}
	switch aux := v.Aux.(type) {
	case *Func:
		fmt.Fprintf(&b, " %s#%d", aux.Name(), aux.Typed.Index)
	case *typed.Builtin:
		fmt.Fprintf(&b, " %s", aux.Name)
	case *typed.Var:
		fmt.Fprintf(&b, " %s", aux.Name)
	case *value.Obj:
		if aux == nil {
			b.WriteString(" nil")
		} else if aux.Kind == value.KStr {
			fmt.Fprintf(&b, " %s", value.Quote(aux.Str()))
		}
	}
	for _, a := range v.Args {
		fmt.Fprintf(&b, " v%d", a.ID)
	}
	if v.Safe && opInfo[v.Op].traits&fails != 0 {
		b.WriteString(" safe")
	}
	if v.CanFail() && v.Site != nil && v.Site.Pos.Line > 0 {
		fmt.Fprintf(&b, " @%d:%d", v.Site.Pos.Line, v.Site.Pos.Col)
		for s := v.Site.Parent; s != nil; s = s.Parent {
			fmt.Fprintf(&b, "<%d:%d", s.Pos.Line, s.Pos.Col)
		}
	}
	return b.String()
}
