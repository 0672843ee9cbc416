package check

import (
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

var basicTypes = map[string]*types.Type{
	"int": types.Int, "float": types.Float, "bool": types.Bool, "string": types.String, "any": types.Any,
}

// typeOf returns the type that the source names, or Invalid.
func (c *Checker) typeOf(x syntax.TypeExpr) *types.Type {
	switch x := x.(type) {
	case *syntax.ListType:
		if e := c.typeOf(x.Elem); e != types.Invalid {
			return types.ListOf(e)
		}
	case *syntax.OptionType:
		if e := c.typeOf(x.Elem); e != types.Invalid {
			return types.OptionOf(e)
		}
	case *syntax.MapType:
		k, e := c.typeOf(x.Key), c.typeOf(x.Elem)
		if k == types.Invalid || e == types.Invalid {
			return types.Invalid
		}
		if !isKey(k) {
			c.errorf(x.Key.Where(), "keys of maps are int, string or bool, not %v", k)
			return types.Invalid
		}
		return types.MapOf(k, e)
	case *syntax.FuncType:
		params := make([]*types.Type, len(x.Params))
		result := types.None
		if x.Result != nil {
			result = c.typeOf(x.Result)
		}
		bad := result == types.Invalid
		for i, p := range x.Params {
			params[i] = c.typeOf(p)
			bad = bad || params[i] == types.Invalid
		}
		if !bad {
			return types.FuncOf(params, result)
		}
	case *syntax.NamedType:
		return c.namedType(x)
	}
	return types.Invalid
}

func isKey(t *types.Type) bool {
	k := t.Decided().Kind
	return k == types.KInt || k == types.KString || k == types.KBool
}

func (c *Checker) namedType(x *syntax.NamedType) *types.Type {
	if x.Module != "" {
		sym := c.scope.lookup(x.Module, false)
		if sym == nil || sym.kind != moduleName {
			c.errorf(x.Pos, "%s is no imported module", x.Module)
			return types.Invalid
		}
		if sym.module.err {
			return types.Invalid
		}
		t := sym.module.scope.types[x.Name]
		if t == nil || x.Name[0] == '_' {
			c.errorf(x.Pos, "module %s has no type %s", x.Module, x.Name)
			return types.Invalid
		}
		return t
	}
	if t := c.scope.lookupType(x.Name); t != nil {
		return t
	}
	if t := basicTypes[x.Name]; t != nil {
		return t
	}
	if t := c.host.Types[x.Name]; t != nil {
		return t
	}
	candidates := []string{"int", "float", "bool", "string", "any", "map"}
	for sc := c.scope; sc != nil; sc = sc.outer {
		for name := range sc.types {
			candidates = append(candidates, name)
		}
	}
	c.hintf(x.Pos, didYouMean(closest(x.Name, candidates)), "unknown type %s", x.Name)
	return types.Invalid
}

// declareTypes declares the types among the statements, which may refer to each
// other.
func (c *Checker) declareTypes(list []syntax.Stmt) {
	var decls []*syntax.TypeDecl
	for _, s := range list {
		if d, ok := s.(*syntax.TypeDecl); ok && c.declareType(d) {
			decls = append(decls, d)
		}
	}
	for _, d := range decls {
		c.declareFields(d)
	}
}

func (c *Checker) declareType(d *syntax.TypeDecl) bool {
	if c.scope.types == nil {
		c.scope.types = make(map[string]*types.Type)
	}
	if c.scope.types[d.Name] != nil {
		c.errorf(d.Pos, "type %s is declared already in this block", d.Name)
		return false
	}
	c.scope.types[d.Name] = types.NewStruct(d.Name, c.newID())
	c.distinct(d.Fields, "field")
	return true
}

func (c *Checker) declareFields(d *syntax.TypeDecl) {
	s := c.scope.types[d.Name].Struct
	for _, f := range d.Fields {
		s.Fields = append(s.Fields, types.Field{Name: f.Name, Type: c.typeOf(f.Type)})
	}
}
