package check

import (
	"slices"

	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// symbol is what a name means: a variable, or a function if decl is set.
type symbol struct {
	name  string
	pos   syntax.Pos
	order int // of declaration, over the whole program

	// A variable.
	typ     value.Type
	depth   int // of the function that holds it
	slot    int
	mutable bool
	kind    string // "let", "loop variable", "host value": why it cannot be assigned

	// A function.
	decl      *syntax.FuncDecl
	scope     *scope // in which it is declared
	instances map[string]*instance
}

// scope is the names of one block.
type scope struct {
	outer *scope
	names map[string]*symbol
	fn    *funcState
}

func (s *scope) inner(fn *funcState) *scope {
	return &scope{outer: s, names: make(map[string]*symbol), fn: fn}
}

// funcState is the function instance that is being checked.
type funcState struct {
	typed   *typed.Func
	sym     *symbol // nil: the top level
	result  value.Type
	fixed   bool // result is declared, or known from a first pass
	returns []pendingReturn
}

// pendingReturn is a return whose value is converted when the result is known.
type pendingReturn struct {
	node *typed.Return
	pos  syntax.Pos
}

// newSlot makes room for a variable.
func (f *funcState) newSlot() int {
	f.typed.Slots++
	return f.typed.Slots - 1
}

// lookup finds the meaning of a name. A function in a block sees only what was
// declared before it; at the top level it sees what is declared by the time it
// is mentioned.
func (s *scope) lookup(name string) *symbol {
	limit := int(^uint(0) >> 1)
	for sc := s; sc != nil; sc = sc.outer {
		if sym := sc.names[name]; sym != nil {
			if sc.fn.typed.Depth == 0 && sc.outer.isRoot() || sym.order <= limit {
				return sym
			}
		}
		if sc.outer != nil && sc.outer.fn != sc.fn && sc.fn.sym != nil {
			limit = min(limit, sc.fn.sym.order)
		}
	}
	return nil
}

// isRoot tells whether s is the scope of the host's names.
func (s *scope) isRoot() bool { return s == nil || s.outer == nil }

// visible returns all names that can be seen, for "did you mean".
func (s *scope) visible() []string {
	var list []string
	for sc := s; sc != nil; sc = sc.outer {
		for name := range sc.names {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// closest returns the candidate with the least edit distance to name, if that is
// at most a third of its length.
func closest(name string, candidates []string) string {
	best, bestDist := "", len(name)/3+1
	for _, c := range candidates {
		if d := distance(name, c, bestDist); d < bestDist {
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
