#include "textflag.h"

// func enter(code uintptr, ctx unsafe.Pointer)
//
// enter leaves the stack and the frame pointer in the context, takes up those of the
// code, and jumps. The code comes back by restoring them and returning. ABI0 lets it
// use every other register; Go takes its own up again.
TEXT ·enter(SB), NOSPLIT|NOFRAME, $0-16
	MOVQ code+0(FP), AX
	MOVQ ctx+8(FP), R15
	MOVQ SP, 0(R15)
	MOVQ BP, 8(R15)
	MOVQ 24(R15), R14
	MOVQ 16(R15), SP
	JMP  AX

// func hasSSE41() bool
TEXT ·hasSSE41(SB), NOSPLIT, $0-1
	MOVL $1, AX
	XORL CX, CX
	CPUID
	SHRL $19, CX
	ANDL $1, CX
	MOVB CX, ret+0(FP)
	RET

// func callLeaf(code uintptr, args *uint64) (result uint64, failed uint64)
//
// The code takes its arguments from RAX and may use every register but SP. It goes
// below this frame, into the room that every function of Go has there.
TEXT ·callLeaf(SB), $256-32
	MOVQ code+0(FP), CX
	MOVQ args+8(FP), AX
	CALL CX
	MOVQ AX, result+16(FP)
	MOVQ DX, failed+24(FP)
	RET
