package typed

// Children calls f with each direct part of a node, in the order of evaluation.
// The bodies of functions are not parts of their calls.
func Children(n Node, f func(Node)) {
	each := func(list ...Node) {
		for _, c := range list {
			if c != nil {
				f(c)
			}
		}
	}
	switch n := n.(type) {
	case *Store:
		each(n.Value)
	case *Convert:
		each(n.X)
	case *Unwrap:
		each(n.X)
	case *Cast:
		each(n.X)
	case *Concat:
		each(n.Parts...)
	case *Unary:
		each(n.X)
	case *Binary:
		each(n.X, n.Y)
	case *In:
		each(n.X, n.Y)
	case *Logic:
		each(n.X, n.Y)
	case *Call:
		each(n.Args...)
	case *CallValue:
		each(n.Fun)
		each(n.Args...)
	case *CallBuiltin:
		each(n.Args...)
	case *Index:
		each(n.X, n.I)
	case *SetIndex:
		each(n.X, n.I, n.Value)
	case *Slice:
		each(n.X, n.From, n.To)
	case *Field:
		each(n.X)
	case *SetField:
		each(n.X, n.Value)
	case *List:
		each(n.Elems...)
	case *Map:
		for i := range n.Keys {
			each(n.Keys[i], n.Values[i])
		}
	case *Struct:
		each(n.Values...)
	case *If:
		each(n.Cond, n.Then, n.Else)
	case *IfLet:
		each(n.X, n.Then, n.Else)
	case *Match:
		each(n.X)
		for _, a := range n.Arms {
			each(a.Body)
		}
		each(n.Default)
	case *Block:
		each(n.Nodes...)
	case *Loop:
		each(n.Cond, n.Body)
	case *Count:
		each(n.From, n.To, n.Step, n.Body)
	case *Each:
		each(n.X, n.Body)
	case *Return:
		each(n.Value)
	}
}

// breaks tells whether n contains a break of the loop around it.
func breaks(n Node) bool {
	switch n := n.(type) {
	case *Branch:
		return !n.Continue
	case *Loop: // a break in its body is its own
		return n.Cond != nil && breaks(n.Cond)
	case *Count:
		return breaks(n.From) || breaks(n.To) || n.Step != nil && breaks(n.Step)
	case *Each:
		return breaks(n.X)
	}
	found := false
	Children(n, func(c Node) { found = found || breaks(c) })
	return found
}

// Exits finds out which nodes may be left by a return, break or continue. It
// remembers what it has found, since engines ask at each level of a tree.
type Exits struct{ known map[Node]exits }

// exits are the ways out of a node.
type exits uint8

const (
	byReturn exits = 1 << iota
	byBranch
)

// Leaves tells whether evaluating n may leave it by return, break or continue
// other than of a loop inside of it.
func (e *Exits) Leaves(n Node) bool { return e.of(n) != 0 }

func (e *Exits) of(n Node) exits {
	switch n.(type) {
	case *Const, *Local, *Closure:
		return 0
	case *Return:
		return byReturn
	case *Branch:
		return byBranch
	}
	if x, ok := e.known[n]; ok {
		return x
	}
	body := bodyOf(n)
	var all exits
	Children(n, func(c Node) {
		x := e.of(c)
		if c == body { // which keeps its own break and continue
			x &^= byBranch
		}
		all |= x
	})
	if e.known == nil {
		e.known = make(map[Node]exits)
	}
	e.known[n] = all
	return all
}

func bodyOf(loop Node) Node {
	switch n := loop.(type) {
	case *Loop:
		return n.Body
	case *Count:
		return n.Body
	case *Each:
		return n.Body
	}
	return nil
}

// Replace returns a copy of a node in which f has replaced each direct part, in the
// order of Children. It is for nodes that compute a value from those of their
// parts, not for control flow.
func Replace(n Node, f func(Node) Node) Node {
	one := func(c Node) Node {
		if c == nil {
			return nil
		}
		return f(c)
	}
	all := func(list []Node) []Node {
		out := make([]Node, len(list))
		for i, c := range list {
			out[i] = f(c)
		}
		return out
	}
	switch n := n.(type) {
	case *Convert:
		return &Convert{n.T, one(n.X)}
	case *Unwrap:
		return &Unwrap{n.Pos, one(n.X)}
	case *Cast:
		return &Cast{n.T, one(n.X)}
	case *Concat:
		return &Concat{n.Pos, all(n.Parts)}
	case *Unary:
		return &Unary{n.Op, one(n.X)}
	case *Binary:
		return &Binary{n.Pos, n.T, n.Operand, n.Op, one(n.X), one(n.Y)}
	case *In:
		return &In{n.Pos, one(n.X), one(n.Y)}
	case *Call:
		return &Call{n.Pos, n.Func, all(n.Args)}
	case *CallValue:
		return &CallValue{n.Pos, n.Name, n.T, one(n.Fun), all(n.Args)}
	case *CallBuiltin:
		return &CallBuiltin{n.Pos, n.Func, all(n.Args)}
	case *Index:
		return &Index{n.Pos, n.T, one(n.X), one(n.I)}
	case *SetIndex:
		return &SetIndex{n.Pos, one(n.X), one(n.I), one(n.Value)}
	case *Slice:
		return &Slice{n.Pos, one(n.X), one(n.From), one(n.To)}
	case *Field:
		return &Field{n.T, one(n.X), n.Index, n.Name}
	case *SetField:
		return &SetField{one(n.X), n.Index, one(n.Value)}
	case *List:
		return &List{n.Pos, n.T, all(n.Elems)}
	case *Map:
		m := &Map{Pos: n.Pos, T: n.T}
		for i := range n.Keys {
			m.Keys = append(m.Keys, f(n.Keys[i]))
			m.Values = append(m.Values, f(n.Values[i]))
		}
		return m
	case *Struct:
		return &Struct{n.Pos, n.T, n.Index, all(n.Values)}
	}
	return n
}
