package amd64

import (
	"fmt"
	"strings"
)

// A Line is an instruction in a listing.
type Line struct {
	At   int // in Code
	Text string
}

// Note adds a line of another kind to the listing.
func (a *Assembler) Note(text string) {
	if a.List {
		a.Lines = append(a.Lines, Line{len(a.Code), text})
	}
}

// inCode is an operand that Patch sets.
type inCode struct{}

var (
	regNames   = [...]string{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"}
	condNames  = [...]string{"o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"}
	aluNames   = [...]string{AddOp: "add", OrOp: "or", SbbOp: "sbb", AndOp: "and", SubOp: "sub", XorOp: "xor", CmpOp: "cmp"}
	shiftNames = [...]string{ShlOp: "shl", ShrOp: "shr", SarOp: "sar"}
	sseNames   = map[Sse]string{SqrtOp: "sqrtsd", AddSd: "addsd", MulSd: "mulsd", SubSd: "subsd", MinSd: "minsd", DivSd: "divsd", MaxSd: "maxsd"}
)

// String returns the name of the register.
func (r Reg) String() string { return regNames[r] }

// String returns the name of the register.
func (x Xmm) String() string { return fmt.Sprintf("xmm%d", uint8(x)) }

// String returns the operand as [base+index*scale+disp].
func (m Mem) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "[%v", m.Base)
	if m.Index != RSP {
		fmt.Fprintf(&b, "+%v*%d", m.Index, max(m.Scale, 1))
	}
	if m.Disp != 0 {
		fmt.Fprintf(&b, "%+d", m.Disp)
	}
	b.WriteByte(']')
	return b.String()
}

func (inCode) String() string { return "[const]" }

func (a *Assembler) note(op string, args ...any) {
	var b strings.Builder
	b.WriteString(op)
	for i, arg := range args {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, " %v", arg)
	}
	a.Lines = append(a.Lines, Line{len(a.Code), b.String()})
}
