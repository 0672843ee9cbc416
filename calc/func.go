package calc

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"unicode"

	"github.com/groundwork-go/groundwork/calc/internal/ir"
	"github.com/groundwork-go/groundwork/calc/internal/native"
	"github.com/groundwork-go/groundwork/calc/internal/rt"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/vm"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// Func compiles a source to a Go function of type F, whose parameters have the given
// names in the source and whose result is its value:
//
//	f, err := calc.Func[func(a, b float64) float64]("a*b + 1", "a", "b")
//
// Parameters and result may be of any type that [Options.Env] may have; an error as
// last result takes what fails when the function runs, which is a panic with an
// [*Error] otherwise. With up to four parameters and a result of int64, float64 or
// bool, and no error, a call allocates nothing; if besides the source needs no
// loop and nothing but instructions of the processor, it takes a few nanoseconds.
// The function may be called by any number of goroutines at once. Memory and depth
// of calls are bounded as by default, time is not.
func Func[F any](src string, params ...string) (F, error) {
	return FuncOn[F](Auto, src, params...)
}

// FuncOn is [Func] on a certain backend.
func FuncOn[F any](b Backend, src string, params ...string) (F, error) {
	var none F
	t := reflect.TypeFor[F]()
	e, err := newExpression(b, t, src, params)
	if err != nil {
		return none, err
	}
	if fn := e.direct(); fn != nil {
		return reflect.ValueOf(fn).Convert(t).Interface().(F), nil
	}
	return reflect.MakeFunc(t, e.reflected).Interface().(F), nil
}

// expression is a function that a source was compiled to.
type expression struct {
	compiler *compiler
	prog     *typed.Program
	fn       *typed.Func
	params   []reflect.Type
	result   reflect.Type // nil: none
	fails    bool         // it returns errors
	leaf     *native.Leaf // nil: there is none

	// image is what runs where there is no leaf, or it has failed.
	image     func() (*image, error)
	machines  sync.Pool // of *vm.Machine or *native.Machine
	instances sync.Pool // of *Instance
}

// funcName is the name of the function around the source; no source can mention it.
const funcName = "func"

// isName tells whether a source can mention a name.
func isName(s string) bool {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return s != "" && s != "_"
}

func newExpression(b Backend, t reflect.Type, src string, params []string) (*expression, error) {
	if t.Kind() != reflect.Func || t.IsVariadic() {
		return nil, fmt.Errorf("calc: Func: %v is no function with fixed parameters", t)
	}
	if t.NumIn() != len(params) {
		return nil, fmt.Errorf("calc: Func: %v has %d parameters, but %d names are given", t, t.NumIn(), len(params))
	}
	for i, name := range params {
		if !isName(name) {
			return nil, fmt.Errorf("calc: Func: %q is no name of a parameter", name)
		}
		if slices.Contains(params[:i], name) {
			return nil, fmt.Errorf("calc: Func: parameter %s is named twice", name)
		}
	}
	e := &expression{}
	for i := range t.NumIn() {
		e.params = append(e.params, t.In(i))
	}
	outs := t.NumOut()
	if outs > 0 && t.Out(outs-1) == reflect.TypeFor[error]() {
		e.fails = true
		outs--
	}
	switch {
	case outs > 1:
		return nil, fmt.Errorf("calc: Func: %v has more than one result", t)
	case outs == 1:
		e.result = t.Out(0)
	}
	if err := e.compile(b, src, params); err != nil {
		return nil, err
	}
	return e, nil
}

// compile checks the source as the body of a function.
func (e *expression) compile(b Backend, src string, params []string) (err error) {
	f := &syntax.Function{}
	c, err := newCompilerFor(&Options{Backend: b}, func(b *bridge) map[string]*types.Type {
		given := make(map[string]*types.Type)
		name := func(t reflect.Type) *syntax.NamedType {
			n := "\x00" + strconv.Itoa(len(given))
			given[n] = b.typeOf(t)
			return &syntax.NamedType{Name: n}
		}
		for i, p := range params {
			f.Params = append(f.Params, syntax.Param{Name: p, Type: name(e.params[i])})
		}
		if e.result != nil {
			f.Result = name(e.result)
		}
		return given
	})
	if err != nil {
		return err
	}
	e.compiler = c
	name := c.o.Name
	defer c.sources.internal(name, &err)
	file, err := c.parse(name, src)
	if err != nil {
		return c.syntaxErrors(name, err)
	}
	f.Body = &syntax.Block{Stmts: file.Stmts, End: syntax.Pos{Line: 1, Col: 1}}
	file.Stmts = []syntax.Stmt{&syntax.FuncDecl{Name: funcName, Func: f}}
	if e.prog, err = c.checkFile(file); err != nil {
		return err
	}
	e.fn = e.prog.Exports[funcName]
	e.image = sync.OnceValues(func() (*image, error) { return c.build(name, e.prog) })
	if b == Auto || b == JIT {
		code := ir.Build(e.prog, nil, ir.Options{})
		code.Optimize(0, ir.Passes{Verify: c.o.verify})
		if leaf, err := native.LoadLeaf(code.Funcs[e.fn.Index]); err == nil {
			e.leaf = leaf
			return nil
		}
	}
	// What cannot run is to fail now.
	_, err = e.image()
	return err
}

// call is the function for words.
func (e *expression) call(args *[4]uint64) uint64 {
	if e.leaf != nil {
		if x, ok := e.leaf.Call(args); ok {
			return x
		}
	}
	return e.slow(*args)
}

// slow calls the function on a machine, and panics with its error.
func (e *expression) slow(args [4]uint64) uint64 {
	img, err := e.image()
	var x uint64
	var fault *rt.Fault
	switch {
	case err != nil:
		panic(err)
	case img.jit != nil:
		m, _ := e.machines.Get().(*native.Machine)
		if m == nil {
			m = native.New(img.jit)
			m.Limits = e.compiler.limits()
		}
		x, fault = m.Words(e.fn.Index, args[:len(e.params)])
		e.machines.Put(m)
	case img.vm != nil:
		m, _ := e.machines.Get().(*vm.Machine)
		if m == nil {
			m = vm.New()
			m.Limits = e.compiler.limits()
		}
		x, fault = m.Words(img.vm, e.fn.Index, args[:len(e.params)])
		e.machines.Put(m)
	default:
		return e.onInstance(args)
	}
	if fault != nil {
		panic(e.compiler.sources.fault(fault))
	}
	return x
}

// onInstance calls the function for words on whatever runs the program.
func (e *expression) onInstance(args [4]uint64) uint64 {
	values := make([]any, len(e.params))
	for i, p := range e.fn.Params {
		switch p.Type.Decided().Kind {
		case types.KInt:
			values[i] = int64(args[i])
		case types.KFloat:
			values[i] = fromBits[float64](args[i])
		default:
			values[i] = args[i] != 0
		}
	}
	v, err := e.instance(values)
	if err != nil {
		panic(err)
	}
	return v.v.N
}

// instance calls the function on an instance of the program.
func (e *expression) instance(args []any) (Value, error) {
	in, _ := e.instances.Get().(*Instance)
	if in == nil {
		img, err := e.image()
		if err != nil {
			return Value{}, err
		}
		if in, err = (&Program{compiler: e.compiler, image: img}).NewInstance(context.Background(), nil); err != nil {
			return Value{}, err
		}
	}
	v, err := in.Call(context.Background(), funcName, args...)
	e.instances.Put(in)
	return v, err
}

// reflected is the function for all other types.
func (e *expression) reflected(in []reflect.Value) []reflect.Value {
	args := make([]any, len(in))
	for i, v := range in {
		args[i] = v.Interface()
	}
	v, err := e.instance(args)
	var out []reflect.Value
	if e.result != nil {
		r := reflect.New(e.result).Elem()
		if err == nil {
			if r, err = e.compiler.bridge.out(e.fn.Result, v.boxed(e.fn.Result), e.result); err != nil {
				err = fmt.Errorf("calc: Func: result: %w", err)
				r = reflect.New(e.result).Elem()
			}
		}
		out = append(out, r)
	}
	switch {
	case !e.fails && err != nil:
		panic(err)
	case e.fails && err != nil:
		out = append(out, reflect.ValueOf(&err).Elem())
	case e.fails:
		out = append(out, reflect.Zero(reflect.TypeFor[error]()))
	}
	return out
}
