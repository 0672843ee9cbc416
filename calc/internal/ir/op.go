package ir

// Op is what an instruction does.
type Op uint8

// The instructions. x, y and so on are the arguments.
const (
	Invalid Op = iota

	// Words and objects that are known: Bits, or Aux (*value.Obj).
	Const
	Object
	// Parameter Bits of the function. Words and references are counted together.
	Param
	// One argument for each predecessor of the block.
	Phi
	// x, for a while during passes.
	Copy

	// Ints.
	Add
	Sub
	Mul
	Div // can fail
	Rem // can fail
	And
	Or
	Xor
	Shl  // can fail
	Shr  // can fail
	Ushr // can fail
	Neg
	Com
	Min
	Max
	Abs
	Eq // of bools too
	Ne
	Lt
	Le
	Gt
	Ge

	// Floats.
	FAdd
	FSub
	FMul
	FDiv
	FNeg
	FSqrt
	FAbs
	FFloor
	FCeil
	FTrunc
	FMin
	FMax
	FEq
	FNe
	FLt
	FLe
	FGt
	FGe
	Math  // Aux (*typed.Builtin) of x
	Math2 // Aux (*typed.Builtin) of x and y

	// Conversions and bools.
	Not
	ToFloat
	ToInt // can fail

	// References.
	IsNil
	Same
	Box    // word x, kind Bits
	Unbox  // what the box x holds, which is no nil
	Unwrap // what the option x holds; can fail
	Known  // x, which is no nil here

	// Variables that functions share: globals by number Bits (Aux *typed.Var;
	// Safe if it is never assigned again), cells, and capture Bits of the closure x.
	Global
	SetGlobal
	NewCell
	Cell
	SetCell
	Capture
	Closure // of function Aux (*Func, nil if it is never called) with what it captures

	// Calls. The function's own closure is its last argument if it captures.
	Call      // Aux (*Func)
	CallValue // of the closure that is the last argument
	Builtin   // Aux (*typed.Builtin); can fail

	// Lists of representation Bits, and strings.
	Len
	Data     // where the elements are, see Expose
	Index    // can fail
	SetIndex // can fail
	Push     // can fail
	NewList  // of Bits>>8 elements
	StrLen
	StrIndex // can fail
	RuneSize // bytes of the character at y
	RuneAt   // that character

	// Structs: slot Bits among the words or references.
	Field
	SetField
	NewStruct // Bits words, Aux (int) references

	// Maps. MapNext gives the place of the first entry at or behind place y, or -1.
	MapGet // can fail; Aux (*types.Type) of the key
	MapSet
	NewMap // Bits: keys are strings
	MapChanges
	MapNext
	MapKey
	MapValue
	MapCheck // fails if the changes of x are not y

	numOps
)

// NumOps is the number of instructions.
const NumOps = int(numOps)

// traits of instructions.
type traits uint8

const (
	pure    traits = 1 << iota // computes from its arguments alone
	fails                      // may end the run
	reads                      // memory that others may write
	effects                    // writes memory, calls, prints
	allocs                     // makes a new object
)

var opInfo = [numOps]struct {
	name   string
	traits traits
}{
	Invalid: {"invalid", 0},
	Const:   {"const", pure}, Object: {"object", pure}, Param: {"param", 0}, Phi: {"phi", 0}, Copy: {"copy", pure},
	Add: {"add", pure}, Sub: {"sub", pure}, Mul: {"mul", pure}, Div: {"div", pure | fails}, Rem: {"rem", pure | fails},
	And: {"and", pure}, Or: {"or", pure}, Xor: {"xor", pure},
	Shl: {"shl", pure | fails}, Shr: {"shr", pure | fails}, Ushr: {"ushr", pure | fails},
	Neg: {"neg", pure}, Com: {"com", pure}, Min: {"min", pure}, Max: {"max", pure}, Abs: {"abs", pure},
	Eq: {"eq", pure}, Ne: {"ne", pure}, Lt: {"lt", pure}, Le: {"le", pure}, Gt: {"gt", pure}, Ge: {"ge", pure},
	FAdd: {"fadd", pure}, FSub: {"fsub", pure}, FMul: {"fmul", pure}, FDiv: {"fdiv", pure}, FNeg: {"fneg", pure},
	FSqrt: {"fsqrt", pure}, FAbs: {"fabs", pure}, FFloor: {"ffloor", pure}, FCeil: {"fceil", pure}, FTrunc: {"ftrunc", pure},
	FMin: {"fmin", pure}, FMax: {"fmax", pure},
	FEq: {"feq", pure}, FNe: {"fne", pure}, FLt: {"flt", pure}, FLe: {"fle", pure}, FGt: {"fgt", pure}, FGe: {"fge", pure},
	Math: {"math", pure}, Math2: {"math2", pure},
	Not: {"not", pure}, ToFloat: {"tofloat", pure}, ToInt: {"toint", pure | fails},
	IsNil: {"isnil", pure}, Same: {"same", pure}, Box: {"box", allocs | fails}, Unbox: {"unbox", pure}, Unwrap: {"unwrap", pure | fails}, Known: {"known", pure},
	Global: {"global", reads}, SetGlobal: {"setglobal", effects},
	NewCell: {"newcell", allocs}, Cell: {"cell", reads}, SetCell: {"setcell", effects},
	Capture: {"capture", pure}, Closure: {"closure", allocs},
	Call: {"call", effects | fails}, CallValue: {"callvalue", effects | fails}, Builtin: {"builtin", effects | fails},
	Len: {"len", reads}, Data: {"data", reads}, Index: {"index", reads | fails}, SetIndex: {"setindex", effects | fails},
	Push: {"push", effects | fails}, NewList: {"newlist", allocs | fails},
	StrLen: {"strlen", pure}, StrIndex: {"strindex", pure | fails}, RuneSize: {"runesize", pure}, RuneAt: {"runeat", allocs | fails},
	Field: {"field", reads}, SetField: {"setfield", effects}, NewStruct: {"newstruct", allocs | fails},
	MapGet: {"mapget", reads | fails}, MapSet: {"mapset", effects | fails}, NewMap: {"newmap", allocs | fails},
	MapChanges: {"mapchanges", reads}, MapNext: {"mapnext", reads}, MapKey: {"mapkey", reads}, MapValue: {"mapvalue", reads},
	MapCheck: {"mapcheck", effects | fails},
}

// String returns the name of the instruction.
func (op Op) String() string { return opInfo[op].name }

// CanFail tells whether an instruction may end the run.
func (v *Value) CanFail() bool { return opInfo[v.Op].traits&fails != 0 && !v.Safe }

// removable tells whether an instruction may go if nothing uses it.
func (v *Value) removable() bool {
	switch v.Op {
	case Param:
		return false
	case Box, NewList, NewStruct, NewMap, RuneAt: // that memory runs out is no result
		return true
	}
	return opInfo[v.Op].traits&effects == 0 && !v.CanFail()
}

// movable tells whether a pure instruction may run where it did not stand, as long as
// its arguments are there: it does not rely on what was tested before.
func (v *Value) movable() bool {
	return v.Op != Unbox && v.Op != Known && v.Op != RuneSize && !v.CanFail()
}

// isPure tells whether an instruction computes the same wherever its arguments are
// the same. A global that is never assigned again is one.
func (v *Value) isPure() bool {
	return opInfo[v.Op].traits&pure != 0 || v.Op == Global && v.Safe
}
