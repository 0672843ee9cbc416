package amd64

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/arch/x86/x86asm"
)

var (
	regs   = []x86asm.Reg{x86asm.RAX, x86asm.RCX, x86asm.RDX, x86asm.RBX, x86asm.RSP, x86asm.RBP, x86asm.RSI, x86asm.RDI, x86asm.R8, x86asm.R9, x86asm.R10, x86asm.R11, x86asm.R12, x86asm.R13, x86asm.R14, x86asm.R15}
	regs32 = []x86asm.Reg{x86asm.EAX, x86asm.ECX, x86asm.EDX, x86asm.EBX, x86asm.ESP, x86asm.EBP, x86asm.ESI, x86asm.EDI, x86asm.R8L, x86asm.R9L, x86asm.R10L, x86asm.R11L, x86asm.R12L, x86asm.R13L, x86asm.R14L, x86asm.R15L}
	regs8  = []x86asm.Reg{x86asm.AL, x86asm.CL, x86asm.DL, x86asm.BL, x86asm.SPB, x86asm.BPB, x86asm.SIB, x86asm.DIB, x86asm.R8B, x86asm.R9B, x86asm.R10B, x86asm.R11B, x86asm.R12B, x86asm.R13B, x86asm.R14B, x86asm.R15B}
	aluOps = map[Alu]x86asm.Op{AddOp: x86asm.ADD, OrOp: x86asm.OR, SbbOp: x86asm.SBB, AndOp: x86asm.AND, SubOp: x86asm.SUB, XorOp: x86asm.XOR, CmpOp: x86asm.CMP}
	sseOps = map[Sse]x86asm.Op{SqrtOp: x86asm.SQRTSD, AddSd: x86asm.ADDSD, MulSd: x86asm.MULSD, SubSd: x86asm.SUBSD, MinSd: x86asm.MINSD, DivSd: x86asm.DIVSD, MaxSd: x86asm.MAXSD}
	shifts = map[Shift]x86asm.Op{ShlOp: x86asm.SHL, ShrOp: x86asm.SHR, SarOp: x86asm.SAR}
	jumps  = []x86asm.Op{x86asm.JO, x86asm.JNO, x86asm.JB, x86asm.JAE, x86asm.JE, x86asm.JNE, x86asm.JBE, x86asm.JA, x86asm.JS, x86asm.JNS, x86asm.JP, x86asm.JNP, x86asm.JL, x86asm.JGE, x86asm.JLE, x86asm.JG}
	moves  = []x86asm.Op{x86asm.CMOVO, x86asm.CMOVNO, x86asm.CMOVB, x86asm.CMOVAE, x86asm.CMOVE, x86asm.CMOVNE, x86asm.CMOVBE, x86asm.CMOVA, x86asm.CMOVS, x86asm.CMOVNS, x86asm.CMOVP, x86asm.CMOVNP, x86asm.CMOVL, x86asm.CMOVGE, x86asm.CMOVLE, x86asm.CMOVG}
	sets   = []x86asm.Op{x86asm.SETO, x86asm.SETNO, x86asm.SETB, x86asm.SETAE, x86asm.SETE, x86asm.SETNE, x86asm.SETBE, x86asm.SETA, x86asm.SETS, x86asm.SETNS, x86asm.SETP, x86asm.SETNP, x86asm.SETL, x86asm.SETGE, x86asm.SETLE, x86asm.SETG}
)

func xmm(x Xmm) x86asm.Reg { return x86asm.X0 + x86asm.Reg(x) }

func mem(m Mem) x86asm.Mem {
	want := x86asm.Mem{Base: regs[m.Base], Disp: int64(m.Disp)}
	if m.Index != RSP {
		want.Index, want.Scale = regs[m.Index], max(m.Scale, 1)
	}
	return want
}

// instruction is one that was appended, and how it should read.
type instruction struct {
	op   x86asm.Op
	args []x86asm.Arg
}

// encode appends the n-th kind of instruction and returns what it should decode to.
func encode(a *Assembler, n int, x, y, z Reg, scale uint8, imm int64) []instruction {
	one := func(op x86asm.Op, args ...x86asm.Arg) []instruction { return []instruction{{op, args}} }
	if z == RSP {
		z = RAX // it is no index
	}
	m := Mem{Base: y, Index: z, Scale: 1 << (scale % 4), Disp: int32(imm >> 8)}
	if scale&4 != 0 {
		m = At(y, int(int32(imm>>8)))
	}
	if scale&8 != 0 {
		m.Disp = int32(int8(m.Disp))
	}
	if scale&16 != 0 {
		m.Disp = 0
	}
	i32 := int32(imm)
	if scale&32 != 0 {
		i32 = int32(int8(imm))
	}
	alu := []Alu{AddOp, OrOp, SbbOp, AndOp, SubOp, XorOp, CmpOp}[imm&0xff%7]
	sse := []Sse{SqrtOp, AddSd, MulSd, SubSd, MinSd, DivSd, MaxSd}[imm&0xff%7]
	shift := []Shift{ShlOp, ShrOp, SarOp}[imm&0xff%3]
	cond := Cond(imm & 15)
	fx, fy := Xmm(x), Xmm(y)
	switch n {
	case 0:
		a.Mov(x, y)
		return one(x86asm.MOV, regs[x], regs[y])
	case 1:
		a.MovImm(x, imm)
		switch {
		case imm >= 0 && imm <= 1<<32-1:
			return one(x86asm.MOV, regs32[x], x86asm.Imm(imm))
		}
		return one(x86asm.MOV, regs[x], x86asm.Imm(imm))
	case 2:
		a.Zero(x)
		return one(x86asm.XOR, regs32[x], regs32[x])
	case 3:
		a.Load(x, m)
		return one(x86asm.MOV, regs[x], mem(m))
	case 4:
		a.Store(m, x)
		return one(x86asm.MOV, mem(m), regs[x])
	case 5:
		a.StoreImm(m, i32)
		return one(x86asm.MOV, mem(m), x86asm.Imm(i32))
	case 6:
		a.LoadByte(x, m)
		return one(x86asm.MOVZX, regs32[x], mem(m))
	case 7:
		a.StoreByte(m, x)
		return one(x86asm.MOV, mem(m), regs8[x])
	case 8:
		a.StoreByteImm(m, byte(imm))
		return one(x86asm.MOV, mem(m), x86asm.Imm(byte(imm)))
	case 9:
		a.Lea(x, m)
		return one(x86asm.LEA, regs[x], mem(m))
	case 10:
		a.Alu(alu, x, y)
		return one(aluOps[alu], regs[x], regs[y])
	case 11:
		a.AluMem(alu, x, m)
		return one(aluOps[alu], regs[x], mem(m))
	case 12:
		a.AluImm(alu, x, i32)
		return one(aluOps[alu], regs[x], x86asm.Imm(i32))
	case 13:
		a.AluMemImm(alu, m, i32)
		return one(aluOps[alu], mem(m), x86asm.Imm(i32))
	case 14:
		a.Test(x, y)
		return one(x86asm.TEST, regs[x], regs[y])
	case 15:
		a.Mul(x, y)
		return one(x86asm.IMUL, regs[x], regs[y])
	case 16:
		a.MulMem(x, m)
		return one(x86asm.IMUL, regs[x], mem(m))
	case 17:
		a.MulImm(x, y, i32)
		return one(x86asm.IMUL, regs[x], regs[y], x86asm.Imm(i32))
	case 18:
		a.MulHigh(x)
		return one(x86asm.IMUL, regs[x])
	case 19:
		a.Neg(x)
		a.Com(y)
		return []instruction{{x86asm.NEG, []x86asm.Arg{regs[x]}}, {x86asm.NOT, []x86asm.Arg{regs[y]}}}
	case 20:
		a.Div(x)
		return []instruction{{x86asm.CQO, nil}, {x86asm.IDIV, []x86asm.Arg{regs[x]}}}
	case 21:
		a.ShiftCL(shift, x)
		return one(shifts[shift], regs[x], x86asm.CL)
	case 22:
		a.ShiftImm(shift, x, uint8(imm)&63)
		return one(shifts[shift], regs[x], x86asm.Imm(uint8(imm)&63))
	case 23:
		a.Set(cond, x)
		return []instruction{{sets[cond], []x86asm.Arg{regs8[x]}}, {x86asm.MOVZX, []x86asm.Arg{regs32[x], regs8[x]}}}
	case 24:
		a.Cmov(cond, x, y)
		return one(moves[cond], regs[x], regs[y])
	case 25:
		a.Patch(a.Jump(), int(i32>>8))
		return one(x86asm.JMP, x86asm.Rel(i32>>8-5))
	case 26:
		a.Patch(a.JumpIf(cond), int(i32>>8))
		return one(jumps[cond], x86asm.Rel(i32>>8-6))
	case 27:
		a.Patch(a.Call(), int(i32>>8))
		return one(x86asm.CALL, x86asm.Rel(i32>>8-5))
	case 28:
		a.Ret()
		a.Trap()
		return []instruction{{x86asm.RET, nil}, {x86asm.UD2, nil}}
	case 29:
		a.JumpReg(x)
		return one(x86asm.JMP, regs[x])
	case 30:
		a.MovF(fx, fy)
		return one(x86asm.MOVAPS, xmm(fx), xmm(fy))
	case 31:
		a.LoadF(fx, m)
		return one(x86asm.MOVSD_XMM, xmm(fx), mem(m))
	case 32:
		a.StoreF(m, fx)
		return one(x86asm.MOVSD_XMM, mem(m), xmm(fx))
	case 33:
		a.Patch(a.LoadConst(fx), 100)
		return one(x86asm.MOVSD_XMM, xmm(fx), x86asm.Mem{Base: x86asm.RIP, Disp: int64(100 - len(a.Code))})
	case 34:
		a.Sse(sse, fx, fy)
		return one(sseOps[sse], xmm(fx), xmm(fy))
	case 35:
		a.SseMem(sse, fx, m)
		return one(sseOps[sse], xmm(fx), mem(m))
	case 36:
		a.Patch(a.SseConst(sse, fx), 100)
		return one(sseOps[sse], xmm(fx), x86asm.Mem{Base: x86asm.RIP, Disp: int64(100 - len(a.Code))})
	case 37:
		a.CmpF(fx, fy)
		return one(x86asm.UCOMISD, xmm(fx), xmm(fy))
	case 38:
		a.Patch(a.CmpFConst(fx), 100)
		return one(x86asm.UCOMISD, xmm(fx), x86asm.Mem{Base: x86asm.RIP, Disp: int64(100 - len(a.Code))})
	case 39:
		a.XorF(fx, fy)
		a.AndF(fx, fy)
		a.OrF(fx, fy)
		both := []x86asm.Arg{xmm(fx), xmm(fy)}
		return []instruction{{x86asm.XORPD, both}, {x86asm.ANDPD, both}, {x86asm.ORPD, both}}
	case 40:
		a.FromInt(fx, y)
		return one(x86asm.CVTSI2SD, xmm(fx), regs[y])
	case 41:
		a.ToInt(x, fy)
		return one(x86asm.CVTTSD2SI, regs[x], xmm(fy))
	case 42:
		a.Round(fx, fy, byte(imm)&3)
		return one(x86asm.ROUNDSD, xmm(fx), xmm(fy), x86asm.Imm(imm&3|8))
	case 43:
		a.BitsToF(fx, y)
		return one(x86asm.MOVQ, xmm(fx), regs[y])
	default:
		a.BitsOfF(x, fy)
		return one(x86asm.MOVQ, regs[x], xmm(fy))
	}
}

const kinds = 45

// checkEncoding decodes an instruction with another's eyes.
func checkEncoding(t *testing.T, n int, x, y, z Reg, scale uint8, imm int64) {
	t.Helper()
	var a Assembler
	want := encode(&a, n, x, y, z, scale, imm)
	code := a.Code
	for _, w := range want {
		got, err := x86asm.Decode(code, 64)
		require.NoError(t, err, "kind %d: % x", n, a.Code)
		code = code[got.Len:]
		require.Equal(t, w.op, got.Op, "kind %d: % x is %v", n, a.Code, got)
		for i, arg := range w.args {
			require.Equal(t, text(arg), text(got.Args[i]), "kind %d: % x is %v", n, a.Code, got)
		}
		require.Nil(t, got.Args[len(w.args)], "kind %d: % x is %v", n, a.Code, got)
	}
	require.Empty(t, code, "kind %d: % x", n, a.Code)
}

// text writes an operand; the scale of an absent index means nothing.
func text(a x86asm.Arg) string {
	if m, ok := a.(x86asm.Mem); ok {
		if m.Index == 0 {
			m.Scale = 0
		}
		m.Segment = 0
		return fmt.Sprintf("%v %v %v %v", m.Base, m.Index, m.Scale, m.Disp)
	}
	return fmt.Sprint(a)
}

func TestEncode(t *testing.T) {
	for n := range kinds {
		for r := range 16 {
			for s := range uint8(64) {
				checkEncoding(t, n, Reg(r), Reg(15-r), Reg((r*7+int(s))%16), s, int64(s)*0x1234567-0x7654321*int64(r))
			}
		}
	}
}

func FuzzEncode(f *testing.F) {
	f.Add(uint8(3), uint8(1), uint8(4), uint8(5), uint8(0), int64(77))
	f.Fuzz(func(t *testing.T, n, x, y, z, scale uint8, imm int64) {
		checkEncoding(t, int(n)%kinds, Reg(x%16), Reg(y%16), Reg(z%16), scale, imm)
	})
}
