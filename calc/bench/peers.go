package main

import (
	"context"
	"fmt"
	"os"

	"github.com/d5/tengo/v2"
	"github.com/dop251/goja"
	lua "github.com/yuin/gopher-lua"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/groundwork-go/groundwork/calc"
)

const (
	tengoFib    = "fib := func(n) { if n < 2 { return n }\nreturn fib(n-1) + fib(n-2) }\nout := fib(35)"
	starlarkFib = "def fib(n):\n    if n < 2:\n        return n\n    return fib(n-1) + fib(n-2)\nprint(fib(35))\n"
)

// execute runs a program on an engine of this process.
func execute(engine, file string) error {
	var src string
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		src = string(text)
	}
	switch engine {
	case "calc jit":
		return runCalc(src, calc.JIT)
	case "calc vm":
		return runCalc(src, calc.VM)
	case "calc tree":
		return runCalc(src, calc.Tree)
	case "gopher-lua":
		l := lua.NewState()
		defer l.Close()
		return l.DoString(src)
	case "goja":
		vm := goja.New()
		if err := vm.Set("print", func(x goja.Value) { fmt.Println(x) }); err != nil {
			return err
		}
		_, err := vm.RunString(src)
		return err
	case "tengo":
		c, err := tengo.NewScript([]byte(tengoFib)).Run()
		if err == nil {
			fmt.Println(c.Get("out"))
		}
		return err
	case "starlark":
		_, err := starlark.ExecFileOptions(&syntax.FileOptions{Recursion: true}, &starlark.Thread{}, "fib.star", starlarkFib, nil)
		return err
	}
	return fmt.Errorf("there is no engine %s", engine)
}

func runCalc(src string, b calc.Backend) error {
	p, err := calc.Compile(src, &calc.Options{Backend: b, Output: os.Stdout, Limits: calc.Limits{Memory: 1 << 30}})
	if err != nil {
		return err
	}
	if p.Backend() != b {
		return fmt.Errorf("the program runs on %v, not %v", p.Backend(), b)
	}
	_, err = p.Run(context.Background(), nil)
	return err
}
