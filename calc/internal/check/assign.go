package check

import (
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

func (c *Checker) assign(s *syntax.AssignStmt) typed.Node {
	switch x := s.Target.(type) {
	case *syntax.Name:
		return c.assignName(s, x)
	case *syntax.Index:
		return c.assignIndex(s, x)
	case *syntax.Selector:
		return c.assignField(s, x)
	}
	return invalid() // the parser lets nothing else through
}

func (c *Checker) assignName(s *syntax.AssignStmt, x *syntax.Name) typed.Node {
	sym := c.scope.lookup(x.Name, false)
	switch {
	case sym == nil && (c.isBuiltin(x.Name) || c.constants[x.Name].Type != nil):
		c.errorf(x.Pos, "%s is a builtin and cannot be assigned", x.Name)
	case sym == nil && closest(x.Name, c.scope.visible(false)) == "":
		c.hintf(x.Pos, "var declares a variable: var "+x.Name+" = ...", "unknown name %s", x.Name)
	case sym == nil:
		c.unknownName(x, c.scope.visible(false))
	case sym.kind == moduleName:
		c.errorf(x.Pos, "%s is a module and cannot be assigned", x.Name)
	case sym.kind != variable:
		c.errorf(x.Pos, "%s is a function and cannot be assigned", x.Name)
	case sym.why != "":
		hint := ""
		if sym.why == "let" {
			hint = "declare it with var"
		}
		c.hintf(x.Pos, hint, "%s cannot be assigned, it is a %s", x.Name, sym.why)
	default:
		sym.v.Assigned = true
		if c.openOutside(x, sym.v) {
			return invalid()
		}
		v := c.newValue(s, sym.v.Type, &typed.Local{Var: sym.v})
		return &typed.Store{Var: sym.v, Value: v}
	}
	c.valueOf(s.Value, nil)
	return invalid()
}

// newValue checks what is assigned to a place of type t whose present value is old.
func (c *Checker) newValue(s *syntax.AssignStmt, t *types.Type, old typed.Node) typed.Node {
	if s.Op == syntax.EOF {
		return c.typedValue(s.Value, t)
	}
	return c.convert(c.operator(s.Pos, s.Op, old, c.valueOf(s.Value, nil)), t, s.Pos)
}

// temporary gives a node to a variable of its own, so that it is evaluated once.
func (c *Checker) temporary(n typed.Node) (store typed.Node, read func() typed.Node) {
	v := c.fn.newVar("", n.Type())
	return &typed.Store{Var: v, Value: n, Declare: true}, func() typed.Node { return &typed.Local{Var: v} }
}

func (c *Checker) assignIndex(s *syntax.AssignStmt, x *syntax.Index) typed.Node {
	list := c.valueOf(x.X, nil)
	t := list.Type().Decided()
	var i typed.Node
	switch t.Kind {
	case types.KList:
		i = c.typedValue(x.I, types.Int)
	case types.KMap:
		i = c.key(x.I, t)
	default:
		if poison(list) == nil {
			if t.Is(types.KString) {
				c.errorf(x.Pos, "strings cannot be changed")
			} else {
				c.errorf(x.Pos, "elements of %v cannot be assigned", t)
			}
		}
		c.valueOf(x.I, nil)
		c.valueOf(s.Value, nil)
		return invalid()
	}
	if s.Op == syntax.EOF {
		return &typed.SetIndex{Pos: x.Pos, X: list, I: i, Value: c.typedValue(s.Value, t.Elem)}
	}
	if t.IsOpen() {
		c.undecided(x.Pos, t)
		return invalid()
	}
	if p := poison(list, i); p != nil {
		c.valueOf(s.Value, nil)
		return p
	}
	first, readList := c.temporary(list)
	second, readIndex := c.temporary(i)
	v := c.newValue(s, t.Elem, &typed.Index{Pos: x.Pos, T: t.Elem, X: readList(), I: readIndex()})
	set := &typed.SetIndex{Pos: x.Pos, X: readList(), I: readIndex(), Value: v}
	return &typed.Block{T: set.Type(), Nodes: []typed.Node{first, second, set}}
}

func (c *Checker) assignField(s *syntax.AssignStmt, x *syntax.Selector) typed.Node {
	if m, ok := x.X.(*syntax.Name); ok {
		if sym := c.scope.lookup(m.Name, false); sym != nil && sym.kind == moduleName {
			c.errorf(x.Pos, "the variables of a module are read-only")
			c.valueOf(s.Value, nil)
			return invalid()
		}
	}
	p := c.valueOf(x.X, nil)
	ft, i := c.fieldOf(p, x)
	if i < 0 {
		c.valueOf(s.Value, nil)
		return invalid()
	}
	if s.Op == syntax.EOF {
		return &typed.SetField{X: p, Index: i, Value: c.typedValue(s.Value, ft)}
	}
	first, read := c.temporary(p)
	v := c.newValue(s, ft, &typed.Field{T: ft, X: read(), Index: i, Name: x.Name})
	set := &typed.SetField{X: read(), Index: i, Value: v}
	return &typed.Block{T: set.Type(), Nodes: []typed.Node{first, set}}
}

// fieldOf finds a field of a struct, or returns -1 and has said why.
func (c *Checker) fieldOf(p typed.Node, x *syntax.Selector) (*types.Type, int) {
	t := p.Type().Decided()
	ft, i := t.Field(x.Name)
	switch {
	case i >= 0 || poison(p) != nil:
	case t.Is(types.KStruct):
		names := make([]string, len(t.Struct.Fields))
		for i, f := range t.Struct.Fields {
			names[i] = f.Name
		}
		c.hintf(x.Pos, didYouMean(closest(x.Name, names)), "%v has no field %s", t, x.Name)
	case t.Is(types.KOption) && t.Elem.Is(types.KStruct):
		c.hintf(x.Pos, "?. reads a field of what may be nil, x! unwraps it", "%v may be nil", t)
	case t.IsOpen():
		c.undecided(x.Pos, t)
	case t.Is(types.KMap) && t.Key.Is(types.KString):
		c.hintf(x.Pos, `m["k"] is the value of a key`, "%v has no field %s", t, x.Name)
	default:
		c.hintf(x.Pos, foreignNames[x.Name], "%v has no field %s", t, x.Name)
	}
	return ft, i
}
