package vm

// op is the operation of an instruction: its low 8 bits. Three operands of 16 bits
// stand from bit 16 on, called a, b and c. W is a word register, R a reference register, I a
// signed number; a K form has its constant in the code word behind it.
type op uint8

// off is c as a distance in code words from the next instruction; the forms that end
// in B lead backwards and count a round.
const (
	opHalt op = iota

	opMov   // Wa = Wb
	opLoadI // Wa = Ib
	opLoadK // Wa = K
	opMovR  // Ra = Rb
	opLoadR // Ra = object bc
	opClear // Ra and b more = nil

	opAdd // Wa = Wb + Wc
	opSub
	opMul
	opAnd
	opOr
	opXor
	opAddI // Wa = Wb + Ic
	opMulI
	opAndI
	opShlI // 0 <= Ic < 64
	opShrI
	opUshrI
	opDiv
	opRem
	opDivI // Ic is not 0
	opRemI
	opShl
	opShr
	opUshr
	opNeg
	opCom
	opNot
	opMin
	opMax
	opAbs
	opEq
	opNe
	opLt
	opLe

	opFAdd
	opFSub
	opFMul
	opFDiv
	opFAddK // Wa = Wb + K
	opFSubK
	opFMulK
	opFDivK
	opFKSub // Wa = K - Wb
	opFKDiv
	opFNeg
	opFSqrt
	opFAbs
	opFFloor
	opFCeil
	opFTrunc
	opFMin
	opFMax
	opFEq
	opFNe
	opFLt
	opFLe
	opMath  // Wa = math c of Wb
	opMath2 // Wa = math K of Wb, Wc
	opToFloat
	opToInt

	opIsNil   // Wa = Rb is nil
	opSame    // Wa = Rb is Rc
	opBox     // Ra = box of kind c of Wb
	opUnbox   // Wa = what box Rb holds
	opUnwrapW // the same, Rb may be nil
	opUnwrapR

	opGlobalW // Wa = global bc
	opGlobalR
	opSetGlobalW // global bc = Wa
	opSetGlobalR
	opNewCellW // Ra = cell of Wb
	opNewCellR
	opCellW // Wa = what cell Rb holds
	opCellR
	opSetCellW // cell Ra holds Wb
	opSetCellR
	opCaptureW // Wa = capture c of closure Rb
	opCaptureR
	opClosure // Ra = closure bc of the table

	opCall      // window at Wa, Rb; result to register c; K: entry
	opCallValue // the same; K: register of the closure
	opRet
	opRetW // Wa
	opRetR
	opRetI    // Ia
	opRuntime // call abc of the table

	opLenW // Wa = length of Rb
	opLenB
	opLenR
	opIndexW // Wa = Rb[Wc]
	opIndexB
	opIndexR
	opSetIndexW // Ra[Wb] = Wc
	opSetIndexB
	opSetIndexBI // Ra[Wb] = Ic
	opSetIndexR
	opPushW // Ra, Wb
	opPushB
	opPushR
	opNewList // Ra = list of representation b; K: elements
	opStrLen
	opStrIndex
	opRuneSize // Wa = bytes of the character at Wc of Rb
	opRuneAt

	opFieldW // Wa = field c of Rb
	opFieldR
	opSetFieldW // field b of Ra = Wc
	opSetFieldR
	opNewStruct // Ra = struct of b words, c references

	opMapGet     // a = Rb[c]; K: flags, key type
	opMapSet     // Ra[b] = c; K: flags
	opNewMap     // Ra; b: keys are strings
	opMapChanges // Wa of Rb
	opMapNext    // Wa = first entry of Rb at or behind Wc
	opMapKeyW    // Wa = key of entry Wc of Rb
	opMapKeyR
	opMapValueW
	opMapValueR
	opMapCheck // Ra has Wb changes

	opJump // by abc
	opJumpB
	opJTrue // Wa, off
	opJTrueB
	opJFalse
	opJFalseB
	opJNil // Ra, off
	opJNilB
	opJNotNil
	opJNotNilB
	opJEq // Wa, Wb, off
	opJEqB
	opJNe
	opJNeB
	opJLt
	opJLtB
	opJLe
	opJLeB
	opJEqI // Wa, Ib, off
	opJEqIB
	opJNeI
	opJNeIB
	opJLtI
	opJLtIB
	opJLeI
	opJLeIB
	opJGtI
	opJGtIB
	opJGeI
	opJGeIB
	opJFEq // Wa, Wb, off
	opJFEqB
	opJFNe
	opJFNeB
	opJFLt
	opJFLtB
	opJFLe
	opJFLeB
	opJFNotLt
	opJFNotLtB
	opJFNotLe
	opJFNotLeB
	opJFLtK // Wa, K, off from the word of K
	opJFLeK
	opJFGtK
	opJFGeK
	opJFNotLtK
	opJFNotLeK
	opJFNotGtK
	opJFNotGeK

	numOps
)

// Flags of map instructions.
const (
	refKey = 1 << iota
	refValue
)

// noResult stands where a call has no register for a result.
const noResult = 0xffff

// encode makes an instruction.
func encode(o op, a, b, c int) uint64 {
	return uint64(o) | uint64(uint16(a))<<16 | uint64(uint16(b))<<32 | uint64(uint16(c))<<48
}
