package builtin

import (
	"fmt"

	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
)

// The kinds of recipes. They are part of images of programs: new ones go to the end.
type recipeKind uint8

const (
	noRecipe recipeKind = iota
	fixedForm
	printForm
	strForm
	sameForm
	listForm
	sortByForm
	repeatForm
	rangeForm
	mapForm
	powForm
	modForm
	minMaxForm
	minMaxListForm
	concatForm
	operatorForm
	inForm
	sliceForm
	castForm
	elementForm
	roundsForm
)

// recipes tells for each kind how many types it has, -1 for any number, and how its
// builtin is made.
var recipes = [...]struct {
	types int
	make  func(r *typed.Recipe, t []*types.Type) *typed.Builtin
}{
	printForm:      {0, func(*typed.Recipe, []*types.Type) *typed.Builtin { return makePrint() }},
	strForm:        {1, func(_ *typed.Recipe, t []*types.Type) *typed.Builtin { return makeStr(t[0]) }},
	sameForm:       {1, func(_ *typed.Recipe, t []*types.Type) *typed.Builtin { return makeSame(t[0]) }},
	listForm:       {1, func(r *typed.Recipe, t []*types.Type) *typed.Builtin { return makeList(r.Name, t[0]) }},
	sortByForm:     {2, func(_ *typed.Recipe, t []*types.Type) *typed.Builtin { return makeSortBy(t[0], t[1]) }},
	repeatForm:     {1, func(_ *typed.Recipe, t []*types.Type) *typed.Builtin { return makeRepeat(t[0]) }},
	rangeForm:      {0, func(r *typed.Recipe, _ []*types.Type) *typed.Builtin { return makeRange(r.N == 1) }},
	mapForm:        {2, func(r *typed.Recipe, t []*types.Type) *typed.Builtin { return makeMap(r.Name, t[0], t[1], r.N) }},
	powForm:        {0, func(*typed.Recipe, []*types.Type) *typed.Builtin { return makePow() }},
	modForm:        {0, func(*typed.Recipe, []*types.Type) *typed.Builtin { return makeMod() }},
	minMaxForm:     {1, func(r *typed.Recipe, t []*types.Type) *typed.Builtin { return makeMinMax(r.Name, t[0], r.N) }},
	minMaxListForm: {1, func(r *typed.Recipe, t []*types.Type) *typed.Builtin { return makeMinMaxList(r.Name, t[0]) }},
	concatForm:     {-1, func(_ *typed.Recipe, t []*types.Type) *typed.Builtin { return makeConcat(t) }},
	operatorForm:   {2, func(r *typed.Recipe, t []*types.Type) *typed.Builtin { return makeOperator(typed.Op(r.N), t[0], t[1]) }},
	inForm:         {2, func(_ *typed.Recipe, t []*types.Type) *typed.Builtin { return makeIn(t[0], t[1]) }},
	sliceForm:      {1, func(r *typed.Recipe, t []*types.Type) *typed.Builtin { return makeSlice(t[0], r.N&1 != 0, r.N&2 != 0) }},
	castForm:       {1, func(_ *typed.Recipe, t []*types.Type) *typed.Builtin { return makeCast(t[0]) }},
	elementForm:    {1, func(_ *typed.Recipe, t []*types.Type) *typed.Builtin { return makeElement(t[0]) }},
	roundsForm:     {0, func(*typed.Recipe, []*types.Type) *typed.Builtin { return makeCountRounds() }},
}

// Make makes a builtin of a recipe, which may be one that no builtin has.
func Make(r typed.Recipe) (*typed.Builtin, error) {
	kind := recipeKind(r.Kind)
	if kind == fixedForm {
		if list := Fixed()[r.Name]; r.N >= 0 && r.N < len(list) {
			return list[r.N], nil
		}
		return nil, fmt.Errorf("there is no builtin %s (%d)", r.Name, r.N)
	}
	if int(kind) >= len(recipes) || recipes[kind].make == nil || recipes[kind].types >= 0 && recipes[kind].types != len(r.Types) {
		return nil, fmt.Errorf("there is no builtin of kind %d with %d types", kind, len(r.Types))
	}
	b := recipes[kind].make(&r, r.Types)
	if b == nil {
		return nil, fmt.Errorf("there is no builtin %s of %v", r.Name, r.Types)
	}
	b.Recipe = r
	return b, nil
}

// must makes a builtin that exists, or nil.
func must(kind recipeKind, name string, n int, t ...*types.Type) *typed.Builtin {
	b, _ := Make(typed.Recipe{Kind: uint8(kind), Name: name, N: n, Types: t}) // an error comes with nil
	return b
}

func bit(b bool, n int) int {
	if b {
		return n
	}
	return 0
}

// Print is print of one text, the line without its newline.
func Print() *typed.Builtin { return must(printForm, "", 0) }

// Str returns str of a value of type t.
func Str(t *types.Type) *typed.Builtin { return must(strForm, "", 0, t) }

// Same is same of two references of type t.
func Same(t *types.Type) *typed.Builtin { return must(sameForm, "", 0, t) }

// List returns the builtin of that name for a list of elem, or nil.
func List(name string, elem *types.Type) *typed.Builtin { return must(listForm, name, 0, elem) }

// SortBy sorts a list of elem by a list of keys, which it sorts too. Elements
// without a key stay at the end.
func SortBy(elem, key *types.Type) *typed.Builtin { return must(sortByForm, "", 0, elem, key) }

// Repeat is list(n, v).
func Repeat(elem *types.Type) *typed.Builtin { return must(repeatForm, "", 0, elem) }

// Range is range(a, b) or, with step, range(a, b, step), as a list.
func Range(step bool) *typed.Builtin { return must(rangeForm, "", bit(step, 1)) }

// Map returns the builtin of that name for a map from key to elem, or nil. n is
// the number of arguments.
func Map(name string, key, elem *types.Type, n int) *typed.Builtin {
	return must(mapForm, name, n, key, elem)
}

// Pow returns the operator ** on floats.
func Pow() *typed.Builtin { return must(powForm, "", 0) }

// Mod returns the operator % on floats.
func Mod() *typed.Builtin { return must(modForm, "", 0) }

// MinMax returns min or max of n numbers of type t.
func MinMax(name string, t *types.Type, n int) *typed.Builtin { return must(minMaxForm, name, n, t) }

// MinMaxList returns min or max of a list of elem.
func MinMaxList(name string, elem *types.Type) *typed.Builtin {
	return must(minMaxListForm, name, 0, elem)
}

// Concat joins the texts of values of the given types.
func Concat(parts []*types.Type) *typed.Builtin { return must(concatForm, "", 0, parts...) }

// Operator is a binary operator on strings, lists or other references of type t.
func Operator(op typed.Op, t, result *types.Type) *typed.Builtin {
	return must(operatorForm, "", int(op), t, result)
}

// In is x in y: an element, a key or a part of a string.
func In(x, y *types.Type) *typed.Builtin { return must(inForm, "", 0, x, y) }

// Slice is x[i:j]; the bounds that stand there follow x in the arguments.
func Slice(t *types.Type, from, to bool) *typed.Builtin {
	return must(sliceForm, "", bit(from, 1)|bit(to, 2), t)
}

// Cast is x as to, for an any x: an option, nil if it holds another type.
func Cast(to *types.Type) *typed.Builtin { return must(castForm, "", 0, to) }

// Element is x[i] of an any, nil if there is none.
func Element(index *types.Type) *typed.Builtin { return must(elementForm, "", 0, index) }

// CountRounds is how many rounds a loop over range(a, b, step) has.
func CountRounds() *typed.Builtin { return must(roundsForm, "", 0) }
