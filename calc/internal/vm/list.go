package vm

import (
	"fmt"
	"io"

	"github.com/groundwork-go/groundwork/calc/internal/value"
)

// hasConstant tells whether a word follows an instruction.
func hasConstant(o op) bool {
	switch o {
	case opLoadK, opFAddK, opFSubK, opFMulK, opFDivK, opFKSub, opFKDiv, opMath2, opCall, opCallValue, opNewList, opMapGet, opMapSet,
		opJFLtK, opJFLeK, opJFGtK, opJFGeK, opJFNotLtK, opJFNotLeK, opJFNotGtK, opJFNotGeK:
		return true
	}
	return false
}

// Print writes a listing of the code.
func (c *Code) Print(w io.Writer) {
	for i := range c.funcs {
		f := &c.funcs[i]
		fmt.Fprintf(w, "func %s#%d: %d words, %d references\n", f.typed.Name, i, f.words, f.refs)
		for pc := f.entry; pc < f.end; pc++ {
			pc = c.printOne(w, pc)
		}
	}
}

// printOne writes the instruction at pc and returns where it ends.
func (c *Code) printOne(w io.Writer, pc int) int {
	ins := c.code[pc]
	o := op(ins)
	fmt.Fprintf(w, "%6d  %-12s", pc, opNames[o])
	switch {
	case o == opJump || o == opJumpB:
		fmt.Fprintf(w, " %d", pc+1+int(int64(ins)>>16))
	case o > opJumpB:
		fmt.Fprintf(w, " %d, %d, %d", int16(ins>>16), int16(ins>>32), pc+1+int(int64(ins)>>48))
	default:
		fmt.Fprintf(w, " %d, %d, %d", int16(ins>>16), int16(ins>>32), int16(ins>>48))
	}
	if hasConstant(o) {
		pc++
		if o >= opFAddK && o <= opFKDiv || o >= opJFLtK {
			fmt.Fprintf(w, ", %s", value.AppendFloat(nil, value.Value{N: c.code[pc]}.Float()))
		} else {
			fmt.Fprintf(w, ", %d", int64(c.code[pc]))
		}
	}
	if s := c.site(pc); s != nil {
		fmt.Fprintf(w, "  @%d:%d", s.Pos.Line, s.Pos.Col)
	}
	fmt.Fprintln(w)
	return pc
}
