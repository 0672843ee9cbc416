package gosh

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// arith evaluates an expression of C's operators on 64-bit integers, with
// variables.
func (s *Shell) arith(expr string) (n int64, err error) {
	a := &arithParser{s: s, src: expr}
	n, err = a.assignment()
	if err == nil {
		if a.blanks(); a.off < len(a.src) {
			err = fmt.Errorf("unexpected %q", a.src[a.off:])
		}
	}
	if err != nil {
		return 0, fmt.Errorf("arithmetic expression %q: %w", expr, err)
	}
	return n, nil
}

type arithParser struct {
	s     *Shell
	src   string
	off   int
	depth int
	skip  int // > 0: parsed for its end only, nothing is evaluated
}

func (a *arithParser) blanks() {
	for a.off < len(a.src) && strings.IndexByte(" \t\n", a.src[a.off]) >= 0 {
		a.off++
	}
}

// operator consumes and returns the next one of ops, "" if it is none of them.
func (a *arithParser) operator(ops ...string) string {
	a.blanks()
	for _, op := range ops {
		if strings.HasPrefix(a.src[a.off:], op) {
			a.off += len(op)
			return op
		}
	}
	return ""
}

func (a *arithParser) name() string {
	a.blanks()
	end := a.off
	for end < len(a.src) && isName(a.src[a.off:end+1]) {
		end++
	}
	return a.src[a.off:end]
}

func (a *arithParser) assignment() (int64, error) {
	start := a.off
	if name := a.name(); name != "" {
		a.off += len(name)
		op := a.operator("<<=", ">>=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "=")
		if op != "" && !(op == "=" && strings.HasPrefix(a.src[a.off:], "=")) {
			v, err := a.assignment()
			if err != nil || a.skip > 0 {
				return v, err
			}
			if op != "=" {
				old, err := a.variable(name)
				if err != nil {
					return 0, err
				}
				if v, err = apply(strings.TrimSuffix(op, "="), old, v); err != nil {
					return 0, err
				}
			}
			return v, a.s.set(name, strconv.FormatInt(v, 10))
		}
	}
	a.off = start
	return a.ternary()
}

func (a *arithParser) ternary() (int64, error) {
	c, err := a.binary(0)
	if err != nil || a.operator("?") == "" {
		return c, err
	}
	branch := func(taken bool) (int64, error) {
		if !taken {
			a.skip++
			defer func() { a.skip-- }()
		}
		return a.assignment()
	}
	x, err := branch(c != 0)
	if err != nil {
		return 0, err
	}
	if a.operator(":") == "" {
		return 0, errors.New("':' is missing")
	}
	y, err := branch(c == 0)
	if c != 0 {
		y = x
	}
	return y, err
}

var arithLevels = [][]string{
	{"||"}, {"&&"}, {"|"}, {"^"}, {"&"}, {"==", "!="}, {"<=", ">=", "<", ">"}, {"<<", ">>"}, {"+", "-"}, {"*", "/", "%"},
}

func (a *arithParser) binary(level int) (int64, error) {
	if level == len(arithLevels) {
		return a.unary()
	}
	x, err := a.binary(level + 1)
	if err != nil {
		return 0, err
	}
	for {
		start := a.off
		op := a.operator(arithLevels[level]...)
		if op == "" {
			return x, nil
		}
		rest := a.src[a.off:]
		if len(op) == 1 && rest != "" && (rest[0] == '=' && op != "<" && op != ">" || rest[0] == op[0] && strings.Contains("|&<>", op)) {
			a.off = start // part of a longer operator
			return x, nil
		}
		short := op == "||" && x != 0 || op == "&&" && x == 0
		if short {
			a.skip++
		}
		y, err := a.binary(level + 1)
		if short {
			a.skip--
		}
		if err != nil {
			return 0, err
		}
		if a.skip == 0 {
			if x, err = apply(op, x, y); err != nil {
				return 0, err
			}
		}
	}
}

func (a *arithParser) unary() (int64, error) {
	if a.depth++; a.depth > 1000 {
		return 0, errors.New("nested too deeply")
	}
	defer func() { a.depth-- }()
	a.blanks()
	if a.off == len(a.src) {
		return 0, errors.New("operand is missing")
	}
	switch c := a.src[a.off]; {
	case c == '-' || c == '+' || c == '!' || c == '~':
		a.off++
		x, err := a.unary()
		switch c {
		case '-':
			x = -x
		case '~':
			x = ^x
		case '!':
			x = truth(x == 0)
		}
		return x, err
	case c == '(':
		a.off++
		x, err := a.assignment()
		if err == nil && a.operator(")") == "" {
			err = errors.New("')' is missing")
		}
		return x, err
	case '0' <= c && c <= '9':
		end := a.off
		for end < len(a.src) && (isName(a.src[end:end+1]) || '0' <= a.src[end] && a.src[end] <= '9') {
			end++
		}
		text := a.src[a.off:end]
		a.off = end
		return parseNumber(text)
	}
	name := a.name()
	if name == "" {
		return 0, fmt.Errorf("unexpected %q", a.src[a.off:])
	}
	a.off += len(name)
	if a.skip > 0 {
		return 0, nil
	}
	return a.variable(name)
}

func (a *arithParser) variable(name string) (int64, error) {
	v, set := a.s.get(name)
	if !set && a.s.opts.nounset {
		return 0, fmt.Errorf("%s: parameter not set", name)
	}
	v = strings.TrimSpace(v)
	if v == "" {
		return 0, nil
	}
	digits := strings.TrimLeft(v, "+-")
	n, err := parseNumber(digits)
	if err != nil {
		return 0, err
	}
	if strings.HasPrefix(v, "-") {
		n = -n
	}
	return n, nil
}

// parseNumber reads a decimal, octal (0...) or hexadecimal (0x...) constant.
func parseNumber(text string) (int64, error) {
	if strings.ContainsAny(text, "_oObB") && !strings.HasPrefix(strings.ToLower(text), "0x") {
		return 0, fmt.Errorf("bad number %q", text)
	}
	n, err := strconv.ParseInt(text, 0, 64)
	if err != nil {
		u, uerr := strconv.ParseUint(text, 0, 64) // wraps
		if uerr != nil {
			return 0, fmt.Errorf("bad number %q", text)
		}
		n = int64(u)
	}
	return n, nil
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func apply(op string, x, y int64) (int64, error) {
	switch op {
	case "||":
		return truth(x != 0 || y != 0), nil
	case "&&":
		return truth(x != 0 && y != 0), nil
	case "|":
		return x | y, nil
	case "^":
		return x ^ y, nil
	case "&":
		return x & y, nil
	case "==":
		return truth(x == y), nil
	case "!=":
		return truth(x != y), nil
	case "<=":
		return truth(x <= y), nil
	case ">=":
		return truth(x >= y), nil
	case "<":
		return truth(x < y), nil
	case ">":
		return truth(x > y), nil
	case "<<":
		return x << (uint64(y) & 63), nil
	case ">>":
		return x >> (uint64(y) & 63), nil
	case "+":
		return x + y, nil
	case "-":
		return x - y, nil
	case "*":
		return x * y, nil
	}
	if y == 0 {
		return 0, errors.New("division by zero")
	}
	if op == "/" {
		return x / y, nil
	}
	return x % y, nil
}
