// Package amd64 encodes the machine instructions that the native engine uses. It
// knows nothing of what they are for.
package amd64

import "encoding/binary"

// Reg is a general register.
type Reg uint8

// The general registers.
const (
	RAX Reg = iota
	RCX
	RDX
	RBX
	RSP
	RBP
	RSI
	RDI
	R8
	R9
	R10
	R11
	R12
	R13
	R14
	R15
)

// Xmm is a floating-point register.
type Xmm uint8

// Cond is a condition of a jump, as its opcode has it.
type Cond uint8

// The conditions.
const (
	Overflow Cond = iota
	NoOverflow
	Below // unsigned, and of floats
	AboveEq
	Equal
	NotEqual
	BelowEq
	Above
	Sign
	NoSign
	Parity // of floats: unordered
	NoParity
	Less
	GreaterEq
	LessEq
	Greater
)

// Not returns the opposite condition.
func (c Cond) Not() Cond { return c ^ 1 }

// Mem is an operand in memory: base + index*scale + disp, or a place in the code if
// Base is none.
type Mem struct {
	Base  Reg
	Index Reg // RSP: none
	Scale uint8
	Disp  int32
}

// At returns the operand at base + disp.
func At(base Reg, disp int) Mem { return Mem{Base: base, Index: RSP, Disp: int32(disp)} }

// Indexed returns the operand at base + index*scale.
func Indexed(base, index Reg, scale uint8) Mem { return Mem{Base: base, Index: index, Scale: scale} }

// Alu is an operation of the first group.
type Alu uint8

// The operations.
const (
	AddOp Alu = 0
	OrOp  Alu = 1
	SbbOp Alu = 3
	AndOp Alu = 4
	SubOp Alu = 5
	XorOp Alu = 6
	CmpOp Alu = 7
)

// Shift is a shift.
type Shift uint8

// The shifts.
const (
	ShlOp Shift = 4
	ShrOp Shift = 5
	SarOp Shift = 7
)

// Sse is an operation on floats.
type Sse uint8

// The operations.
const (
	SqrtOp Sse = 0x51
	AddSd  Sse = 0x58
	MulSd  Sse = 0x59
	SubSd  Sse = 0x5c
	MinSd  Sse = 0x5d
	DivSd  Sse = 0x5e
	MaxSd  Sse = 0x5f
)

// An Assembler appends instructions to Code.
type Assembler struct {
	Code []byte

	// List keeps a listing of what is appended in Lines.
	List  bool
	Lines []Line
}

func (a *Assembler) byte(b ...byte) { a.Code = append(a.Code, b...) }

func (a *Assembler) int32(n int32) { a.Code = binary.LittleEndian.AppendUint32(a.Code, uint32(n)) }

// rex appends the prefix for 64-bit operands (w) and high registers.
func (a *Assembler) rex(w bool, reg, index, base uint8) {
	p := byte(0x40)
	if w {
		p |= 8
	}
	p |= reg >> 3 << 2
	p |= index >> 3 << 1
	p |= base >> 3
	if p != 0x40 {
		a.byte(p)
	}
}

// rr appends the operands reg and rm, both registers.
func (a *Assembler) rr(reg, rm uint8) { a.byte(0xc0 | reg&7<<3 | rm&7) }

// scaleBits are the scales as instructions have them.
var scaleBits = [9]byte{2: 1, 4: 2, 8: 3}

// rm appends the operands reg and a place in memory.
func (a *Assembler) rm(reg uint8, m Mem) {
	base, reg := uint8(m.Base)&7, reg&7<<3
	mod := byte(0x80)
	switch {
	case m.Disp == 0 && base != 5:
		mod = 0
	case m.Disp == int32(int8(m.Disp)):
		mod = 0x40
	}
	if m.Index != RSP || base == 4 {
		scale := scaleBits[m.Scale]
		a.byte(mod|reg|4, scale<<6|byte(m.Index)&7<<3|base)
	} else {
		a.byte(mod | reg | base)
	}
	switch mod {
	case 0x40:
		a.byte(byte(m.Disp))
	case 0x80:
		a.int32(m.Disp)
	}
}

func (m Mem) index() uint8 {
	if m.Index == RSP {
		return 0
	}
	return uint8(m.Index)
}

// opRM appends a 64-bit instruction with a register and a place in memory.
func (a *Assembler) opRM(reg uint8, m Mem, op ...byte) {
	a.rex(true, reg, m.index(), uint8(m.Base))
	a.byte(op...)
	a.rm(reg, m)
}

// opRR appends a 64-bit instruction with two registers.
func (a *Assembler) opRR(reg, rm uint8, op ...byte) {
	a.rex(true, reg, 0, rm)
	a.byte(op...)
	a.rr(reg, rm)
}

// Mov is dst = src.
func (a *Assembler) Mov(dst, src Reg) {
	if a.List {
		a.note("mov", dst, src)
	}
	a.opRR(uint8(src), uint8(dst), 0x89)
}

// MovImm is dst = n. It leaves the flags alone.
func (a *Assembler) MovImm(dst Reg, n int64) {
	if a.List {
		a.note("mov", dst, n)
	}
	switch {
	case n >= 0 && n <= 1<<32-1:
		a.rex(false, 0, 0, uint8(dst))
		a.byte(0xb8 | byte(dst)&7)
		a.int32(int32(uint32(n)))
	case n == int64(int32(n)):
		a.rex(true, 0, 0, uint8(dst))
		a.byte(0xc7)
		a.rr(0, uint8(dst))
		a.int32(int32(n))
	default:
		a.rex(true, 0, 0, uint8(dst))
		a.byte(0xb8 | byte(dst)&7)
		a.Code = binary.LittleEndian.AppendUint64(a.Code, uint64(n))
	}
}

// Zero is dst = 0; the flags are lost.
func (a *Assembler) Zero(dst Reg) {
	if a.List {
		a.note("xor", dst, dst)
	}
	a.rex(false, uint8(dst), 0, uint8(dst))
	a.byte(0x31)
	a.rr(uint8(dst), uint8(dst))
}

// Load is dst = m.
func (a *Assembler) Load(dst Reg, m Mem) {
	if a.List {
		a.note("mov", dst, m)
	}
	a.opRM(uint8(dst), m, 0x8b)
}

// Store is m = src.
func (a *Assembler) Store(m Mem, src Reg) {
	if a.List {
		a.note("mov", m, src)
	}
	a.opRM(uint8(src), m, 0x89)
}

// StoreImm is m = n.
func (a *Assembler) StoreImm(m Mem, n int32) {
	if a.List {
		a.note("mov", m, n)
	}
	a.opRM(0, m, 0xc7)
	a.int32(n)
}

// LoadByte is dst = the byte at m.
func (a *Assembler) LoadByte(dst Reg, m Mem) {
	if a.List {
		a.note("movzx byte", dst, m)
	}
	a.rex(false, uint8(dst), m.index(), uint8(m.Base))
	a.byte(0x0f, 0xb6)
	a.rm(uint8(dst), m)
}

// StoreByte is m = the low byte of src.
func (a *Assembler) StoreByte(m Mem, src Reg) {
	if a.List {
		a.note("mov byte", m, src)
	}
	p := byte(0x40) | byte(src)>>3<<2 | m.index()>>3<<1 | byte(m.Base)>>3
	a.byte(p, 0x88) // the prefix makes all low bytes the same to name
	a.rm(uint8(src), m)
}

// StoreByteImm is the byte at m = n.
func (a *Assembler) StoreByteImm(m Mem, n byte) {
	if a.List {
		a.note("mov byte", m, n)
	}
	a.rex(false, 0, m.index(), uint8(m.Base))
	a.byte(0xc6)
	a.rm(0, m)
	a.byte(n)
}

// Lea is dst = the address of m.
func (a *Assembler) Lea(dst Reg, m Mem) {
	if a.List {
		a.note("lea", dst, m)
	}
	a.opRM(uint8(dst), m, 0x8d)
}

// Alu is dst = dst op src, or a comparison.
func (a *Assembler) Alu(op Alu, dst, src Reg) {
	if a.List {
		a.note(aluNames[op], dst, src)
	}
	a.opRR(uint8(dst), uint8(src), byte(op)<<3|3)
}

// AluMem is dst = dst op m.
func (a *Assembler) AluMem(op Alu, dst Reg, m Mem) {
	if a.List {
		a.note(aluNames[op], dst, m)
	}
	a.opRM(uint8(dst), m, byte(op)<<3|3)
}

// AluImm is dst = dst op n.
func (a *Assembler) AluImm(op Alu, dst Reg, n int32) {
	if a.List {
		a.note(aluNames[op], dst, n)
	}
	a.rex(true, 0, 0, uint8(dst))
	if n == int32(int8(n)) {
		a.byte(0x83)
		a.rr(uint8(op), uint8(dst))
		a.byte(byte(n))
		return
	}
	a.byte(0x81)
	a.rr(uint8(op), uint8(dst))
	a.int32(n)
}

// AluMemImm is m = m op n, or a comparison.
func (a *Assembler) AluMemImm(op Alu, m Mem, n int32) {
	if a.List {
		a.note(aluNames[op], m, n)
	}
	if n == int32(int8(n)) {
		a.opRM(uint8(op), m, 0x83)
		a.byte(byte(n))
		return
	}
	a.opRM(uint8(op), m, 0x81)
	a.int32(n)
}

// Test sets the flags of x and y.
func (a *Assembler) Test(x, y Reg) {
	if a.List {
		a.note("test", x, y)
	}
	a.opRR(uint8(y), uint8(x), 0x85)
}

// Mul is dst = dst * src.
func (a *Assembler) Mul(dst, src Reg) {
	if a.List {
		a.note("imul", dst, src)
	}
	a.opRR(uint8(dst), uint8(src), 0x0f, 0xaf)
}

// MulMem is dst = dst * m.
func (a *Assembler) MulMem(dst Reg, m Mem) {
	if a.List {
		a.note("imul", dst, m)
	}
	a.opRM(uint8(dst), m, 0x0f, 0xaf)
}

// MulImm is dst = src * n.
func (a *Assembler) MulImm(dst, src Reg, n int32) {
	if a.List {
		a.note("imul", dst, src, n)
	}
	if n == int32(int8(n)) {
		a.opRR(uint8(dst), uint8(src), 0x6b)
		a.byte(byte(n))
		return
	}
	a.opRR(uint8(dst), uint8(src), 0x69)
	a.int32(n)
}

// MulHigh is RDX:RAX = RAX * src, signed.
func (a *Assembler) MulHigh(src Reg) {
	if a.List {
		a.note("imul", src)
	}
	a.opRR(5, uint8(src), 0xf7)
}

// Neg is dst = -dst, Com is dst = ^dst.
func (a *Assembler) Neg(dst Reg) {
	if a.List {
		a.note("neg", dst)
	}
	a.opRR(3, uint8(dst), 0xf7)
}

// Com is dst = ^dst.
func (a *Assembler) Com(dst Reg) {
	if a.List {
		a.note("not", dst)
	}
	a.opRR(2, uint8(dst), 0xf7)
}

// Div is RAX, RDX = RAX / src, RAX % src.
func (a *Assembler) Div(src Reg) {
	if a.List {
		a.note("cqo; idiv", src)
	}
	a.byte(0x48, 0x99)
	a.opRR(7, uint8(src), 0xf7)
}

// ShiftCL shifts dst by CL.
func (a *Assembler) ShiftCL(op Shift, dst Reg) {
	if a.List {
		a.note(shiftNames[op], dst, RCX)
	}
	a.opRR(uint8(op), uint8(dst), 0xd3)
}

// ShiftImm shifts dst by n.
func (a *Assembler) ShiftImm(op Shift, dst Reg, n uint8) {
	if a.List {
		a.note(shiftNames[op], dst, n)
	}
	a.opRR(uint8(op), uint8(dst), 0xc1)
	a.byte(n)
}

// Set is dst = 1 if c holds, else 0.
func (a *Assembler) Set(c Cond, dst Reg) {
	if a.List {
		a.note("set"+condNames[c], dst)
	}
	a.byte(0x40|byte(dst)>>3, 0x0f, 0x90|byte(c))
	a.rr(0, uint8(dst))
	a.byte(0x40|byte(dst)>>3<<2|byte(dst)>>3, 0x0f, 0xb6)
	a.rr(uint8(dst), uint8(dst))
}

// Cmov is dst = src if c holds.
func (a *Assembler) Cmov(c Cond, dst, src Reg) {
	if a.List {
		a.note("cmov"+condNames[c], dst, src)
	}
	a.opRR(uint8(dst), uint8(src), 0x0f, 0x40|byte(c))
}

// Jump appends a jump whose distance Patch sets, and returns its place.
func (a *Assembler) Jump() int {
	if a.List {
		a.note("jmp")
	}
	a.byte(0xe9)
	a.int32(0)
	return len(a.Code)
}

// JumpIf is a conditional Jump.
func (a *Assembler) JumpIf(c Cond) int {
	if a.List {
		a.note("j" + condNames[c])
	}
	a.byte(0x0f, 0x80|byte(c))
	a.int32(0)
	return len(a.Code)
}

// Call is a call whose distance Patch sets.
func (a *Assembler) Call() int {
	if a.List {
		a.note("call")
	}
	a.byte(0xe8)
	a.int32(0)
	return len(a.Code)
}

// Patch makes the jump, call or operand that ends at place lead to target.
func (a *Assembler) Patch(place, target int) {
	binary.LittleEndian.PutUint32(a.Code[place-4:], uint32(int32(target-place)))
}

// Ret returns.
func (a *Assembler) Ret() {
	if a.List {
		a.note("ret")
	}
	a.byte(0xc3)
}

// JumpReg jumps to the address in r.
func (a *Assembler) JumpReg(r Reg) {
	if a.List {
		a.note("jmp", r)
	}
	a.rex(false, 0, 0, uint8(r))
	a.byte(0xff)
	a.rr(4, uint8(r))
}

// Trap ends the process; it stands where control never comes.
func (a *Assembler) Trap() {
	if a.List {
		a.note("ud2")
	}
	a.byte(0x0f, 0x0b)
}

// sse appends an instruction on float registers with a prefix.
func (a *Assembler) sse(prefix byte, w bool, reg, rm uint8, op ...byte) {
	a.byte(prefix)
	a.rex(w, reg, 0, rm)
	a.byte(op...)
	a.rr(reg, rm)
}

func (a *Assembler) sseMem(prefix byte, reg uint8, m Mem, op ...byte) {
	a.byte(prefix)
	a.rex(false, reg, m.index(), uint8(m.Base))
	a.byte(op...)
	a.rm(reg, m)
}

// MovF is dst = src.
func (a *Assembler) MovF(dst, src Xmm) {
	if a.List {
		a.note("movaps", dst, src)
	}
	a.rex(false, uint8(dst), 0, uint8(src))
	a.byte(0x0f, 0x28)
	a.rr(uint8(dst), uint8(src))
}

// LoadF is dst = m.
func (a *Assembler) LoadF(dst Xmm, m Mem) {
	if a.List {
		a.note("movsd", dst, m)
	}
	a.sseMem(0xf2, uint8(dst), m, 0x0f, 0x10)
}

// StoreF is m = src.
func (a *Assembler) StoreF(m Mem, src Xmm) {
	if a.List {
		a.note("movsd", m, src)
	}
	a.sseMem(0xf2, uint8(src), m, 0x0f, 0x11)
}

// LoadConst is dst = the float at the place in the code that Patch sets.
func (a *Assembler) LoadConst(dst Xmm) int {
	if a.List {
		a.note("movsd", dst, inCode{})
	}
	a.byte(0xf2)
	a.rex(false, uint8(dst), 0, 0)
	a.byte(0x0f, 0x10, uint8(dst)&7<<3|5)
	a.int32(0)
	return len(a.Code)
}

// Sse is dst = dst op src.
func (a *Assembler) Sse(op Sse, dst, src Xmm) {
	if a.List {
		a.note(sseNames[op], dst, src)
	}
	a.sse(0xf2, false, uint8(dst), uint8(src), 0x0f, byte(op))
}

// SseMem is dst = dst op m.
func (a *Assembler) SseMem(op Sse, dst Xmm, m Mem) {
	if a.List {
		a.note(sseNames[op], dst, m)
	}
	a.sseMem(0xf2, uint8(dst), m, 0x0f, byte(op))
}

// SseConst is dst = dst op the float at the place in the code that Patch sets.
func (a *Assembler) SseConst(op Sse, dst Xmm) int {
	if a.List {
		a.note(sseNames[op], dst, inCode{})
	}
	a.byte(0xf2)
	a.rex(false, uint8(dst), 0, 0)
	a.byte(0x0f, byte(op), uint8(dst)&7<<3|5)
	a.int32(0)
	return len(a.Code)
}

// CmpF sets the flags as of a comparison of unsigned ints: Above, Below, Equal, and
// Parity if one is no number.
func (a *Assembler) CmpF(x, y Xmm) {
	if a.List {
		a.note("ucomisd", x, y)
	}
	a.sse(0x66, false, uint8(x), uint8(y), 0x0f, 0x2e)
}

// CmpFConst compares with the float at the place in the code that Patch sets.
func (a *Assembler) CmpFConst(x Xmm) int {
	if a.List {
		a.note("ucomisd", x, inCode{})
	}
	a.byte(0x66)
	a.rex(false, uint8(x), 0, 0)
	a.byte(0x0f, 0x2e, uint8(x)&7<<3|5)
	a.int32(0)
	return len(a.Code)
}

// XorF, AndF and OrF are dst = dst op src, bit by bit.
func (a *Assembler) XorF(dst, src Xmm) {
	if a.List {
		a.note("xorpd", dst, src)
	}
	a.sse(0x66, false, uint8(dst), uint8(src), 0x0f, 0x57)
}

// AndF is dst = dst & src.
func (a *Assembler) AndF(dst, src Xmm) {
	if a.List {
		a.note("andpd", dst, src)
	}
	a.sse(0x66, false, uint8(dst), uint8(src), 0x0f, 0x54)
}

// OrF is dst = dst | src.
func (a *Assembler) OrF(dst, src Xmm) {
	if a.List {
		a.note("orpd", dst, src)
	}
	a.sse(0x66, false, uint8(dst), uint8(src), 0x0f, 0x56)
}

// FromInt is dst = float(src).
func (a *Assembler) FromInt(dst Xmm, src Reg) {
	if a.List {
		a.note("cvtsi2sd", dst, src)
	}
	a.sse(0xf2, true, uint8(dst), uint8(src), 0x0f, 0x2a)
}

// ToInt is dst = int(src), truncated; 1<<63 if that is none.
func (a *Assembler) ToInt(dst Reg, src Xmm) {
	if a.List {
		a.note("cvttsd2si", dst, src)
	}
	a.sse(0xf2, true, uint8(dst), uint8(src), 0x0f, 0x2c)
}

// Round is dst = src rounded: mode 1 down, 2 up, 3 toward zero. It needs SSE 4.1.
func (a *Assembler) Round(dst, src Xmm, mode byte) {
	if a.List {
		a.note("roundsd", dst, src, mode)
	}
	a.sse(0x66, false, uint8(dst), uint8(src), 0x0f, 0x3a, 0x0b)
	a.byte(mode | 8)
}

// BitsToF is dst = the float with the bits of src.
func (a *Assembler) BitsToF(dst Xmm, src Reg) {
	if a.List {
		a.note("movq", dst, src)
	}
	a.sse(0x66, true, uint8(dst), uint8(src), 0x0f, 0x6e)
}

// BitsOfF is dst = the bits of src.
func (a *Assembler) BitsOfF(dst Reg, src Xmm) {
	if a.List {
		a.note("movq", dst, src)
	}
	a.sse(0x66, true, uint8(src), uint8(dst), 0x0f, 0x7e)
}
