package calc_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/groundwork-go/groundwork/calc"
)

func Example() {
	v, err := calc.Eval("2 + 3 * 4")
	fmt.Println(v, err)

	area, err := calc.Func[func(w, h float64) float64]("w*h + 1", "w", "h")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(area(2, 3)) // a Go function, a few nanoseconds a call

	p, err := calc.Compile("requests / instances > 100", &calc.Options{
		Env: map[string]any{"requests": 0, "instances": 0},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err = p.Run(context.Background(), map[string]any{"requests": 950, "instances": 4})
	fmt.Println(v, err)
	// Output:
	// 14 <nil>
	// 7
	// true <nil>
}

func ExampleReport() {
	_, err := calc.Eval("let price = 20\nprise * 2")
	fmt.Print(calc.Report(err))
	// Output:
	// <eval>:2:1: type error: unknown name prise
	// prise * 2
	// ^
	// hint: did you mean price?
}

func ExampleError() {
	_, err := calc.Eval("10 div (5 - 5)")
	var e *calc.Error
	if errors.As(err, &e) {
		fmt.Println(e.Kind, "at", e.Pos.Line, e.Pos.Col)
	}
	// Output:
	// runtime error at 1 4
}

func ExampleOptions() {
	p, err := calc.Compile(`print("hello,", upper(name), greet(name))`, &calc.Options{
		Env:    map[string]any{"name": ""},
		Funcs:  map[string]any{"greet": func(s string) string { return "bye, " + s }},
		Output: os.Stdout,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = p.Run(context.Background(), map[string]any{"name": "ann"})
	fmt.Println(err)
	// Output:
	// hello, ANN bye, ann
	// <nil>
}
