package check

import (
	_ "embed"
	"maps"
	"slices"
	"sync"

	"github.com/groundwork-go/groundwork/calc/internal/builtin"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

//go:embed prelude.calc
var preludeSource string

// preludeFuncs are the functions of the prelude, parsed once.
var preludeFuncs = sync.OnceValue(func() map[string]*syntax.FuncDecl {
	file, err := syntax.Parse("prelude", preludeSource)
	if err != nil {
		panic(err) // the prelude is ours
	}
	funcs := make(map[string]*syntax.FuncDecl)
	for _, s := range file.Stmts {
		f := s.(*syntax.FuncDecl)
		funcs[f.Name] = f
	}
	return funcs
})

// special returns what checks a builtin whose types depend on its arguments, or nil.
func special(name string) func(*Checker, *builtinCall) typed.Node {
	switch name {
	case "print":
		return (*Checker).print
	case "str":
		return (*Checker).str
	case "same":
		return (*Checker).same
	case "min", "max":
		return (*Checker).minMax
	case "abs", "int", "float", "assert":
		return (*Checker).overloaded
	case "list":
		return (*Checker).list
	case "range":
		return (*Checker).rangeList
	case "len", "push", "pop", "insert", "remove", "clear", "sort", "reverse", "copy", "contains", "index", "sum", "get", "delete", "keys", "values":
		return (*Checker).collection
	case "map", "filter", "any", "all", "find", "sortBy":
		return (*Checker).higher
	case "reduce":
		return (*Checker).reduce
	}
	return nil
}

// builtinNames returns the names of all builtins that are functions, for "did you
// mean".
func (c *Checker) builtinNames() []string {
	names := slices.Collect(maps.Keys(c.fixed))
	for name := range specialArity {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// specialArity is how many arguments the special builtins take, at least and at
// most.
var specialArity = map[string][2]int{
	"print": {0, 1 << 30}, "str": {1, 1}, "len": {1, 1}, "same": {2, 2}, "min": {1, 1 << 30}, "max": {1, 1 << 30},
	"abs": {1, 1}, "int": {1, 1}, "float": {1, 1}, "assert": {1, 2}, "list": {2, 2}, "range": {2, 3},
	"push": {2, 2}, "pop": {1, 1}, "insert": {3, 3}, "remove": {2, 2}, "clear": {1, 1}, "sort": {1, 1}, "reverse": {1, 1},
	"copy": {1, 1}, "contains": {2, 2}, "index": {2, 2}, "sum": {1, 1}, "get": {2, 3}, "delete": {2, 2}, "keys": {1, 1},
	"values": {1, 1}, "map": {2, 2}, "filter": {2, 2}, "any": {2, 2}, "all": {2, 2}, "find": {2, 2}, "sortBy": {2, 2}, "reduce": {3, 3},
}

func (c *Checker) isBuiltin(name string) bool {
	if _, ok := specialArity[name]; ok {
		return true
	}
	return c.fixed[name] != nil || name == "sortByKeys" && c.file == preludeFile
}

// preludeFile is the name under which the prelude is checked; no file has it.
const preludeFile = "\x00prelude"

// builtinCall is a call of a builtin.
type builtinCall struct {
	name string
	pos  syntax.Pos
	args []*arg
	want *types.Type
}

func (c *Checker) callBuiltin(name string, pos syntax.Pos, args []*arg, want *types.Type) typed.Node {
	b := &builtinCall{name, pos, args, want}
	if name == "sortByKeys" {
		return c.sortByKeys(b)
	}
	if check := special(name); check != nil {
		switch n := specialArity[name]; {
		case n[0] == n[1]:
			if !c.arity(name, n[0], args, pos) {
				return invalid()
			}
		case len(args) < n[0] || len(args) > n[1]:
			c.errorf(pos, "%s needs %s, found %d", name, between(n[0], n[1]), len(args))
			c.checkAll(args)
			return invalid()
		}
		return check(c, b)
	}
	return c.callTyped(c.fixed[name][0], pos, args)
}

func between(least, most int) string {
	if most > least+1 {
		return "at least " + plural(least, "argument")
	}
	return plural(least, "argument") + " or one more"
}

// use makes the call of a builtin whose arguments fit or are converted.
func (c *Checker) use(b *builtinCall, f *typed.Builtin) typed.Node {
	return c.callTyped(f, b.pos, b.args)
}

// misfit reports arguments that no form of the builtin takes.
func (c *Checker) misfit(b *builtinCall, t *types.Type) typed.Node {
	if t.IsOpen() {
		c.undecided(b.args[0].pos(), t)
	} else {
		c.errorf(b.pos, "%s does not apply to %v", b.name, t)
	}
	c.checkAll(b.args)
	return invalid()
}

func (c *Checker) print(b *builtinCall) typed.Node {
	line := &typed.Concat{Pos: b.pos}
	for i, a := range b.args {
		if i > 0 {
			line.Parts = append(line.Parts, text(" "))
		}
		n := c.value(a, nil)
		if n.Type().IsOpen() {
			c.undecided(a.pos(), n.Type())
			n = invalid()
		}
		line.Parts = append(line.Parts, n)
	}
	if p := poison(line.Parts...); p != nil {
		return p
	}
	return &typed.CallBuiltin{Pos: b.pos, Func: builtin.Print(), Args: []typed.Node{line}}
}

func (c *Checker) str(b *builtinCall) typed.Node {
	n := c.value(b.args[0], nil)
	switch p := poison(n); {
	case p != nil:
		return p
	case n.Type().IsOpen():
		return c.misfit(b, n.Type())
	}
	return &typed.CallBuiltin{Pos: b.pos, Func: builtin.Str(n.Type().Decided()), Args: []typed.Node{n}}
}

func (c *Checker) same(b *builtinCall) typed.Node {
	x := c.value(b.args[0], nil)
	y := c.value(b.args[1], x.Type())
	if p := poison(x, y); p != nil {
		return p
	}
	t := x.Type().Decided()
	switch t.Kind {
	case types.KList, types.KMap, types.KStruct, types.KFunc:
	default:
		return c.misfit(b, t)
	}
	if !types.Unify(t, y.Type()) {
		c.errorf(b.args[1].pos(), "expected %v, found %v", t, y.Type())
		return invalid()
	}
	return c.use(b, builtin.Same(t))
}

// overloaded picks the form of a builtin by its first argument, and by their
// number.
func (c *Checker) overloaded(b *builtinCall) typed.Node {
	n := c.value(b.args[0], nil)
	if p := poison(n); p != nil {
		c.checkAll(b.args)
		return p
	}
	var fits *typed.Builtin
	for _, f := range c.fixed[b.name] {
		if len(f.Params) == len(b.args) && types.Identical(f.Params[0], n.Type()) {
			return c.use(b, f)
		}
		if len(f.Params) == len(b.args) && n.Type().Is(types.KInt) && f.Params[0].Is(types.KFloat) {
			fits = f
		}
	}
	if fits != nil {
		return c.use(b, fits)
	}
	if b.name == "assert" {
		c.typedArg(b.args[0], types.Bool, argument(0, b.name))
		return invalid()
	}
	return c.misfit(b, n.Type())
}

func (c *Checker) minMax(b *builtinCall) typed.Node {
	joined := types.Never
	for _, a := range b.args {
		n := c.value(a, nil)
		if p := poison(n); p != nil {
			c.checkAll(b.args)
			return p
		}
		joined = types.Join(joined, n.Type())
	}
	joined = joined.Decided()
	if len(b.args) == 1 {
		if joined.Is(types.KList) && joined.Elem.IsNumber() {
			return c.use(b, builtin.MinMaxList(b.name, joined.Elem.Decided()))
		}
		if joined.IsNumber() {
			c.errorf(b.pos, "%s needs at least 2 arguments, or a list", b.name)
			return invalid()
		}
	} else if joined.IsNumber() {
		return c.use(b, builtin.MinMax(b.name, joined, len(b.args)))
	}
	for _, a := range b.args {
		if t := a.n.Type(); !t.IsNumber() {
			return c.misfit(b, t)
		}
	}
	return c.misfit(b, joined)
}

func (c *Checker) list(b *builtinCall) typed.Node {
	var elem *types.Type
	if b.want != nil && b.want.Unwrapped().Is(types.KList) {
		elem = b.want.Unwrapped().Elem
	}
	c.typedArg(b.args[0], types.Int, argument(0, b.name))
	n := c.value(b.args[1], elem)
	if p := poison(n); p != nil {
		return p
	}
	if elem == nil || elem.IsOpen() {
		elem = n.Type()
	}
	return c.use(b, builtin.Repeat(elem.Decided()))
}

func (c *Checker) rangeList(b *builtinCall) typed.Node {
	return c.use(b, builtin.Range(len(b.args) == 3))
}

// decides are the builtins that decide what is open in their first argument.
var decides = map[string]bool{"push": true, "insert": true, "contains": true, "index": true, "delete": true}

// collection checks a builtin on a list, map or string.
func (c *Checker) collection(b *builtinCall) typed.Node {
	n := c.value(b.args[0], nil)
	if p := poison(n); p != nil {
		c.checkAll(b.args)
		return p
	}
	t := n.Type().Decided()
	if t.IsOpen() && (decides[b.name] || b.name == "get" && len(b.args) == 3) {
		c.decide(b, t)
	}
	if t.IsOpen() && !(b.name == "push" || b.name == "insert") {
		return c.misfit(b, t)
	}
	var f *typed.Builtin
	switch t.Kind {
	case types.KList:
		f = builtin.List(b.name, t.Elem.Decided())
	case types.KMap:
		f = builtin.Map(b.name, t.Key.Decided(), t.Elem.Decided(), len(b.args))
	case types.KString:
		if list := c.fixed[b.name]; list != nil {
			f = list[0]
		}
	}
	if f == nil {
		return c.misfit(b, t)
	}
	return c.use(b, f)
}

// decide decides the element type of a list or map by the argument that has it.
func (c *Checker) decide(b *builtinCall, t *types.Type) {
	switch {
	case t.Is(types.KList) && b.name == "insert":
		c.typedArg(b.args[2], t.Elem, argument(2, b.name))
	case t.Is(types.KList):
		c.typedArg(b.args[1], t.Elem, argument(1, b.name))
	case t.Is(types.KMap):
		if n := c.value(b.args[1], t.Key); t.Key.Is(types.KOpen) && n.Type().IsValue() && !isKey(n.Type()) {
			c.errorf(b.args[1].pos(), "keys of maps are int, string or bool, not %v", n.Type())
			return
		}
		c.typedArg(b.args[1], t.Key, argument(1, b.name))
		if b.name == "get" {
			c.typedArg(b.args[2], t.Elem, argument(2, b.name))
		}
	}
}

// elemOf returns the element type of a call's first argument, a list, or nil and
// what to return.
func (c *Checker) elemOf(b *builtinCall) (*types.Type, typed.Node) {
	n := c.value(b.args[0], nil)
	if p := poison(n); p != nil {
		c.checkAll(b.args)
		return nil, p
	}
	t := n.Type().Decided()
	if !t.Is(types.KList) || t.IsOpen() {
		return nil, c.misfit(b, t)
	}
	return t.Elem.Decided(), nil
}

// higher checks a builtin that calls its second argument for each element.
func (c *Checker) higher(b *builtinCall) typed.Node {
	elem, bad := c.elemOf(b)
	if bad != nil {
		return bad
	}
	result := types.Bool
	if b.name == "map" || b.name == "sortBy" {
		result = c.open()
	}
	f := c.typedArg(b.args[1], types.FuncOf([]*types.Type{elem}, result), argument(1, b.name))
	if p := poison(f); p != nil {
		return p
	}
	if b.name == "sortBy" {
		if k := result.Decided().Kind; k != types.KInt && k != types.KFloat && k != types.KString {
			c.errorf(b.args[1].pos(), "keys of sortBy are int, float or string, not %v", result)
			return invalid()
		}
	}
	return c.callPrelude(b)
}

// reduce allows a function whose result is wider than the first value, as a float
// is wider than an int.
func (c *Checker) reduce(b *builtinCall) typed.Node {
	elem, bad := c.elemOf(b)
	if bad != nil {
		return bad
	}
	init := c.value(b.args[1], nil)
	if p := poison(init); p != nil {
		c.checkAll(b.args)
		return p
	}
	acc := init.Type()
	if x, ok := b.args[2].x.(*syntax.Lambda); ok && b.args[2].n == nil && !acc.IsOpen() {
		acc = c.widened(b, x, acc, elem)
	}
	b.args[1].n = c.convert(init, acc, b.args[1].pos())
	f := c.typedArg(b.args[2], types.FuncOf([]*types.Type{acc, elem}, acc), argument(2, b.name))
	if p := poison(f, b.args[1].n); p != nil {
		return p
	}
	return c.callPrelude(b)
}

// widened checks the lambda of a reduce for a first value of type acc, and returns
// the type that it needs: if it is wider than acc, the lambda is to be checked again.
func (c *Checker) widened(b *builtinCall, x *syntax.Lambda, acc, elem *types.Type) *types.Type {
	begin := c.mark()
	first := c.lambda(x, types.FuncOf([]*types.Type{acc, elem}, c.open()), false)
	wide := types.Invalid
	if t := first.Type().Decided(); t.Is(types.KFunc) {
		wide = types.Join(acc, t.Result)
	}
	if wide == types.Invalid || types.Identical(wide, acc) {
		b.args[2].n = first
		return acc
	}
	c.undo(begin)
	if c.count++; c.count > maxInstances { // a lambda in a lambda is checked twice as often as that one
		c.errorf(b.pos, "more than %d instances of functions", maxInstances)
		b.args[2].n = invalid()
	}
	return wide
}

// callPrelude calls a builtin that is written in calc.
func (c *Checker) callPrelude(b *builtinCall) typed.Node {
	sym := c.prelude[b.name]
	if sym == nil {
		d := preludeFuncs()[b.name]
		root := (*scope)(nil).inner(nil)
		root.top = true
		sym = &symbol{name: b.name, pos: d.Pos, kind: function, declared: &declared{decl: d.Func, file: preludeFile, scope: root, instances: make(map[string]*instance), hidden: true}}
		if c.prelude == nil {
			c.prelude = make(map[string]*symbol)
		}
		c.prelude[b.name] = sym
	}
	return c.callFunc(sym, b.pos, b.args)
}

func (c *Checker) sortByKeys(b *builtinCall) typed.Node {
	elem := c.value(b.args[0], nil).Type().Decided().Elem
	key := c.value(b.args[1], nil).Type().Decided().Elem
	return c.use(b, builtin.SortBy(elem.Decided(), key.Decided()))
}
