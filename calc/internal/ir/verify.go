package ir

import "fmt"

// Verify finds what is wrong with a function: edges that do not fit, arguments
// that are used where they are not computed, types.
func (f *Func) Verify() error {
	f.analyze()
	at := make(map[*Value]int) // place in its block
	for _, b := range f.Blocks {
		for i, v := range b.Values {
			if v.Block != b {
				return fmt.Errorf("%s: v%d is in b%d and believes to be in b%d", f.Name(), v.ID, b.ID, v.Block.ID)
			}
			if _, twice := at[v]; twice {
				return fmt.Errorf("%s: v%d stands twice", f.Name(), v.ID)
			}
			at[v] = i
		}
	}
	for _, b := range f.Blocks {
		if err := f.verifyEdges(b); err != nil {
			return err
		}
		phis := len(b.Phis())
		for i, v := range b.Values {
			if v.Op == Phi && i >= phis {
				return fmt.Errorf("%s: phi v%d stands behind other instructions", f.Name(), v.ID)
			}
			if v.Type == Bool && v.Op >= Add && v.Op <= Abs {
				return fmt.Errorf("%s: v%d %v gives ints and is a bool", f.Name(), v.ID, v.Op)
			}
			if v.CanFail() && v.Site == nil {
				return fmt.Errorf("%s: v%d %v can fail and has no place", f.Name(), v.ID, v.Op)
			}
			for j, a := range v.Args {
				if err := f.verifyArg(v, j, a, at); err != nil {
					return err
				}
			}
		}
		if c := b.Control; c != nil {
			if _, ok := at[c]; !ok || !c.Block.dominates(b) {
				return fmt.Errorf("%s: control v%d of b%d is not computed before", f.Name(), c.ID, b.ID)
			}
			if b.Kind == If && c.Type != Bool && c.Type != Int || c.Type == None {
				return fmt.Errorf("%s: control v%d of b%d is %v", f.Name(), c.ID, b.ID, c.Type)
			}
		}
	}
	return nil
}

func (f *Func) verifyEdges(b *Block) error {
	want := map[Kind]int{Stop: 0, Return: 0, Jump: 1, If: 2}[b.Kind]
	if len(b.Succs) != want {
		return fmt.Errorf("%s: b%d has %d successors", f.Name(), b.ID, len(b.Succs))
	}
	for _, s := range b.Succs {
		if s.predIndex(b) < 0 {
			return fmt.Errorf("%s: b%d does not know that b%d leads to it", f.Name(), s.ID, b.ID)
		}
	}
	for _, p := range b.Preds {
		leads := false
		for _, s := range p.Succs {
			leads = leads || s == b
		}
		if !leads {
			return fmt.Errorf("%s: b%d does not lead to b%d", f.Name(), p.ID, b.ID)
		}
	}
	for _, phi := range b.Phis() {
		if len(phi.Args) != len(b.Preds) {
			return fmt.Errorf("%s: phi v%d has %d arguments, b%d has %d predecessors", f.Name(), phi.ID, len(phi.Args), b.ID, len(b.Preds))
		}
	}
	return nil
}

func (f *Func) verifyArg(v *Value, j int, a *Value, at map[*Value]int) error {
	i, ok := at[a]
	if !ok {
		return fmt.Errorf("%s: v%d %v uses v%d %v, which is nowhere", f.Name(), v.ID, v.Op, a.ID, a.Op)
	}
	if a.Type == None {
		return fmt.Errorf("%s: v%d %v uses v%d, which has no value", f.Name(), v.ID, v.Op, a.ID)
	}
	if v.Op == Phi {
		if (a.Type == Ref) != (v.Type == Ref) || (a.Type == Float) != (v.Type == Float) {
			return fmt.Errorf("%s: phi v%d is %v, v%d is %v", f.Name(), v.ID, v.Type, a.ID, a.Type)
		}
		if !a.Block.dominates(v.Block.Preds[j]) {
			return fmt.Errorf("%s: phi v%d uses v%d, which is not computed in b%d", f.Name(), v.ID, a.ID, v.Block.Preds[j].ID)
		}
		return nil
	}
	if a.Block == v.Block && i >= at[v] || !a.Block.dominates(v.Block) {
		return fmt.Errorf("%s: v%d %v uses v%d %v before it is computed", f.Name(), v.ID, v.Op, a.ID, a.Op)
	}
	return nil
}
