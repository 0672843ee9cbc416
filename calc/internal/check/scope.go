package check

import (
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

type symbolKind uint8

const (
	variable symbolKind = iota
	function
	hostFunc
	moduleName
)

// symbol is what a name means.
type symbol struct {
	name  string
	pos   syntax.Pos
	order int // of declaration, over the whole program
	kind  symbolKind

	// A variable.
	v   *typed.Var
	why string // it cannot be assigned: "let", "loop variable", ...; empty if it can

	*declared // a function

	host   *typed.Builtin
	module *module
}

// declared is what a symbol is that is a function of a source.
type declared struct {
	decl      *syntax.Function
	file      string
	scope     *scope // in which it is declared
	instances map[string]*instance
	hidden    bool // of the prelude
}

// isFunc tells whether the symbol can be called.
func (s *symbol) isFunc() bool {
	if s.kind == variable {
		k := s.v.Type.Decided().Kind
		return k == types.KFunc || k == types.KPending
	}
	return s.kind != moduleName
}

// scope is the names of one block.
type scope struct {
	outer *scope
	names symbols
	types map[string]*types.Type
	fn    *funcState
	top   bool                  // a top level: of a file, a module or an input
	later map[string]syntax.Pos // of a top level: its variables, declared by now or not
}

func (s *scope) inner(fn *funcState) *scope {
	return &scope{outer: s, fn: fn}
}

// symbols are the names of a scope: a list, which is short in most, and an index
// where it is not.
type symbols struct {
	list  []*symbol
	index map[string]*symbol
}

// longList is how long a list is without an index.
const longList = 8

func (s *symbols) get(name string) *symbol {
	if s.index != nil {
		return s.index[name]
	}
	for _, sym := range s.list {
		if sym.name == name {
			return sym
		}
	}
	return nil
}

// add adds a symbol, whose name is not there yet.
func (s *symbols) add(sym *symbol) {
	s.list = append(s.list, sym)
	switch {
	case s.index != nil:
		s.index[sym.name] = sym
	case len(s.list) > longList:
		s.index = make(map[string]*symbol)
		for _, sym := range s.list {
			s.index[sym.name] = sym
		}
	}
}

// all returns the symbols in the order in which they were added.
func (s *symbols) all() iter.Seq[*symbol] { return slices.Values(s.list) }

// funcState is the function that is being checked.
type funcState struct {
	typed    *typed.Func
	decl     *syntax.Function // nil: the top level
	name     string           // for messages
	order    int              // of the declaration
	result   *types.Type
	fixed    bool // result is declared, or known from a first pass
	inferred bool // it was found in a first pass
	returns  []pendingReturn
}

// pendingReturn is a return whose value is converted when the result is known.
type pendingReturn struct {
	node *typed.Return
	pos  syntax.Pos
}

// newVar makes a variable of the function.
func (f *funcState) newVar(name string, t *types.Type) *typed.Var {
	v := &typed.Var{Name: name, Type: t, Func: f.typed, Index: len(f.typed.Vars)}
	f.typed.Vars = append(f.typed.Vars, v)
	return v
}

// lookup finds the meaning of a name. A function in a block sees only what was
// declared before it; at the top level it sees what is declared by the time it
// is mentioned. With funcs, what is no function is passed over.
func (s *scope) lookup(name string, funcs bool) *symbol {
	limit := math.MaxInt
	for sc := s; sc != nil; sc = sc.outer {
		if sym := sc.names.get(name); sym != nil && (sc.top || sym.order <= limit) && (!funcs || sym.isFunc()) {
			return sym
		}
		if sc.outer != nil && sc.outer.fn != sc.fn && sc.fn.decl != nil {
			limit = min(limit, sc.fn.order)
		}
	}
	return nil
}

// tooEarly returns where a variable of the top level is declared that a function
// mentions before.
func (s *scope) tooEarly(name string) (syntax.Pos, bool) {
	fn := s.fn
	for sc := s; sc != nil; sc = sc.outer {
		if sc.names.get(name) != nil {
			break
		}
		if pos, ok := sc.later[name]; ok && sc.fn != fn {
			return pos, true
		}
	}
	return syntax.Pos{}, false
}

// lookupType finds a declared type.
func (s *scope) lookupType(name string) *types.Type {
	for sc := s; sc != nil; sc = sc.outer {
		if t := sc.types[name]; t != nil {
			return t
		}
	}
	return nil
}

// positionOf returns where a variable of the scope is declared.
func (s *scope) positionOf(v *typed.Var) syntax.Pos {
	for sym := range s.names.all() {
		if sym.v == v {
			return sym.pos
		}
	}
	return syntax.Pos{Line: 1, Col: 1}
}

// visible returns all names that can be seen, for "did you mean".
func (s *scope) visible(funcs bool) []string {
	var list []string
	for sc := s; sc != nil; sc = sc.outer {
		for sym := range sc.names.all() {
			if !funcs || sym.isFunc() {
				list = append(list, sym.name)
			}
		}
	}
	slices.Sort(list)
	return list
}

// declare puts a variable into the current scope. Called after its value has
// been checked. why is empty if it can be assigned.
func (c *Checker) declare(pos syntax.Pos, name string, t *types.Type, why string) *typed.Var {
	var v *typed.Var
	if c.scope.top {
		v = c.global(name, t)
	} else {
		v = c.fn.newVar(name, t)
	}
	c.add(&symbol{name: name, pos: pos, kind: variable, v: v, why: why})
	return v
}

func (c *Checker) add(sym *symbol) bool {
	c.orders++
	sym.order = c.orders
	if sym.name == "_" {
		return true
	}
	if old := c.scope.names.get(sym.name); old != nil {
		c.errorf(sym.pos, "%s is declared already in this block, at %v", sym.name, old.pos)
		return false
	}
	c.scope.names.add(sym)
	return true
}

func (c *Checker) declareFunc(f *syntax.FuncDecl) *symbol {
	sym := &symbol{
		name: f.Name, pos: f.Pos, kind: function,
		declared: &declared{decl: f.Func, file: c.file, scope: c.scope, instances: make(map[string]*instance)},
	}
	c.distinct(f.Func.Params, "parameter")
	if !c.add(sym) {
		return nil
	}
	return sym
}

// distinct reports parameters or fields of one name.
func (c *Checker) distinct(list []syntax.Param, what string) {
	seen := make(map[string]bool)
	for _, p := range list {
		if p.Name != "_" && seen[p.Name] {
			c.errorf(p.Pos, "%s %s is declared twice", what, p.Name)
		}
		seen[p.Name] = true
	}
}

func (c *Checker) unknownName(n *syntax.Name, candidates []string) {
	if pos, ok := c.scope.tooEarly(n.Name); ok {
		c.errorf(n.Pos, "%s is declared at %v, after the function that uses it was mentioned", n.Name, pos)
		return
	}
	hint := foreignNames[n.Name]
	if hint == "" {
		hint = didYouMean(closest(n.Name, candidates))
	}
	c.hintf(n.Pos, hint, "unknown name %s", n.Name)
}

// foreignNames are names that other languages have, with what stands for them here.
var foreignNames = map[string]string{
	"null": "it is written nil", "None": "it is written nil", "undefined": "it is written nil", "NULL": "it is written nil",
	"True": "it is written true", "False": "it is written false",
	"length": "len(x) is the length", "size": "len(x) is the length", "count": "len(x) is the length",
	"append": "xs.push(v) appends", "toString": "str(x) is the text of a value", "String": "str(x) is the text of a value",
	"println": "did you mean print?", "printf": "there is print, and \"${x}\" puts values into texts", "console": "there is print(x)",
	"parseInt": "there are int(s) and toInt(s)", "parseFloat": "there are float(s) and toFloat(s)",
	"Math": "there is no Math: sqrt(x), floor(x), pi", "math": "there is no math: sqrt(x), floor(x), pi",
}

func (c *Checker) valueNames() []string {
	names := append(c.scope.visible(false), "args")
	for name := range c.constants {
		names = append(names, name)
	}
	return names
}

func (c *Checker) callNames() []string { return append(c.scope.visible(true), c.builtinNames()...) }

func didYouMean(name string) string {
	if name == "" {
		return ""
	}
	return "did you mean " + name + "?"
}

// closest returns the candidate with the least edit distance to name, if that is
// at most a third of its length.
func closest(name string, candidates []string) string {
	best, bestDist := "", len(name)/3+1
	for _, c := range candidates {
		if d := distance(strings.ToLower(name), strings.ToLower(c), bestDist); d < bestDist {
			best, bestDist = c, d
		}
	}
	return best
}

// distance is the optimal string alignment distance of a and b, in which
// swapping neighbours counts once. It may stop at limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row := rows[(i-1)%3], rows[i%3], rows[(i+1)%3]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return rows[(len(a)+1)%3][len(b)]
}
