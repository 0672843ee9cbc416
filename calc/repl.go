package calc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// A REPL evaluates inputs one after the other; each sees what those before it have
// declared, and may declare it anew. One goroutine may use it at a time.
type REPL struct {
	compiler *compiler
	machine  machine // nil before the first input
	image    *image
	inputs   int
	env      any
}

// NewREPL returns a session. Options.Env must hold the values that the inputs are to
// see, since there is only one run.
func NewREPL(o *Options) (*REPL, error) {
	c, err := newCompiler(o)
	if err != nil {
		return nil, err
	}
	if _, err := c.values(c.o.Env); err != nil {
		return nil, err
	}
	return &REPL{compiler: c, env: c.o.Env}, nil
}

// Eval evaluates an input. After an error in its source nothing of it remains; after
// a runtime error what it did before does.
func (r *REPL) Eval(ctx context.Context, src string) (Value, error) {
	r.inputs++
	prog, err := r.compiler.compile(fmt.Sprintf("input %d", r.inputs), src)
	if err != nil {
		return Value{}, err
	}
	values, err := r.compiler.values(r.env)
	if err != nil {
		return Value{}, err
	}
	img, err := r.build(prog)
	if err != nil {
		return Value{}, err
	}
	r.image = img
	if r.machine == nil {
		r.machine = r.compiler.machine(img)
	}
	return r.compiler.run(ctx, r.machine, img, values)
}

func (r *REPL) build(prog *typed.Program) (img *image, err error) {
	defer r.compiler.sources.internal(r.compiler.o.Name, &err)
	return r.compiler.image(prog, r.image, true)
}

// TypeOf returns the type of an input's value, "" if it has none, without running
// it.
func (r *REPL) TypeOf(src string) (string, error) {
	defer r.compiler.check.Forget()()
	prog, err := r.compiler.compile("type", src)
	if err != nil {
		return "", err
	}
	return prog.Result.String(), nil
}

// Complete returns the names that begin as the last word of line does, in order.
func (r *REPL) Complete(line string) []string {
	i := strings.LastIndexFunc(line, func(c rune) bool {
		return c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	})
	word := line[i+1:]
	var list []string
	for _, name := range r.compiler.check.Names() {
		if strings.HasPrefix(name, word) {
			list = append(list, name)
		}
	}
	return slices.Compact(list)
}

// Incomplete tells whether src is the beginning of a source whose brackets, string
// or comment are still open.
func Incomplete(src string) bool {
	_, err := syntax.Parse("", src)
	var list syntax.ErrorList
	if !errors.As(err, &list) {
		return false
	}
	end := len(strings.TrimRight(src, " \t\r\n"))
	for _, e := range list {
		if int(e.Pos.Offset) >= end || strings.HasSuffix(e.Msg, "is not closed") && !strings.HasPrefix(src[e.Pos.Offset:], `"`) {
			return true
		}
	}
	return false
}
