package gosh

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// testCmd is test and [.
func testCmd(s *Shell, _ context.Context, args []string) (int, *unwinding) {
	words := args[1:]
	if args[0] == "[" {
		if len(words) == 0 || words[len(words)-1] != "]" {
			return s.complain("[", "missing ]"), nil
		}
		words = words[:len(words)-1]
	}
	t := &tester{s: s, words: words}
	ok, err := t.evaluate()
	switch {
	case err != nil:
		return s.complain(args[0], "%v", err), nil
	case ok:
		return 0, nil
	}
	return 1, nil
}

type tester struct {
	s     *Shell
	words []string
	depth int
}

// evaluate decides by the number of words, as POSIX does, and parses -a, -o and
// parentheses only where that leaves it open.
func (t *tester) evaluate() (bool, error) {
	w := t.words
	switch len(w) {
	case 0:
		return false, nil
	case 1:
		return w[0] != "", nil
	case 2:
		if w[0] == "!" {
			return w[1] == "", nil
		}
		return t.unary(w[0], w[1])
	case 3:
		if isBinary(w[1]) {
			return t.binary(w[0], w[1], w[2])
		}
		if w[0] == "!" {
			ok, err := (&tester{s: t.s, words: w[1:]}).evaluate()
			return !ok, err
		}
		if w[0] == "(" && w[2] == ")" {
			return w[1] != "", nil
		}
	case 4:
		if w[0] == "!" {
			ok, err := (&tester{s: t.s, words: w[1:]}).evaluate()
			return !ok, err
		}
	}
	ok, err := t.or()
	if err == nil && len(t.words) > 0 {
		err = fmt.Errorf("unexpected %s", t.words[0])
	}
	return ok, err
}

func (t *tester) take(word string) bool {
	if len(t.words) > 0 && t.words[0] == word {
		t.words = t.words[1:]
		return true
	}
	return false
}

func (t *tester) or() (bool, error) {
	x, err := t.and()
	for err == nil && t.take("-o") {
		var y bool
		y, err = t.and()
		x = x || y
	}
	return x, err
}

func (t *tester) and() (bool, error) {
	x, err := t.not()
	for err == nil && t.take("-a") {
		var y bool
		y, err = t.not()
		x = x && y
	}
	return x, err
}

func (t *tester) not() (bool, error) {
	if t.depth++; t.depth > 1000 {
		return false, errors.New("nested too deeply")
	}
	defer func() { t.depth-- }()
	if len(t.words) > 1 && t.take("!") {
		x, err := t.not()
		return !x, err
	}
	return t.primary()
}

func (t *tester) primary() (bool, error) {
	w := t.words
	switch {
	case len(w) == 0:
		return false, errors.New("operand is missing")
	case len(w) >= 3 && isBinary(w[1]):
		t.words = w[3:]
		return t.binary(w[0], w[1], w[2])
	case w[0] == "(" && len(w) > 1:
		t.words = w[1:]
		x, err := t.or()
		if err == nil && !t.take(")") {
			err = errors.New("missing )")
		}
		return x, err
	case len(w) >= 2 && isUnary(w[0]):
		t.words = w[2:]
		return t.unary(w[0], w[1])
	}
	t.words = w[1:]
	return w[0] != "", nil
}

func isBinary(op string) bool {
	switch op {
	case "=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef":
		return true
	}
	return false
}

func isUnary(op string) bool {
	return len(op) == 2 && op[0] == '-' && strings.IndexByte("bcdefghkLnprSstuwxz", op[1]) >= 0
}

func (t *tester) binary(x, op, y string) (bool, error) {
	switch op {
	case "=", "==":
		return x == y, nil
	case "!=":
		return x != y, nil
	case "<":
		return x < y, nil
	case ">":
		return x > y, nil
	case "-nt", "-ot", "-ef":
		a, err1 := os.Stat(t.s.abs(x))
		b, err2 := os.Stat(t.s.abs(y))
		switch {
		case op == "-ef":
			return err1 == nil && err2 == nil && os.SameFile(a, b), nil
		case op == "-nt":
			return err1 == nil && (err2 != nil || a.ModTime().After(b.ModTime())), nil
		}
		return err2 == nil && (err1 != nil || a.ModTime().Before(b.ModTime())), nil
	}
	a, err := strconv.ParseInt(strings.TrimSpace(x), 10, 64)
	if err != nil {
		return false, fmt.Errorf("%s: bad number", x)
	}
	b, err := strconv.ParseInt(strings.TrimSpace(y), 10, 64)
	if err != nil {
		return false, fmt.Errorf("%s: bad number", y)
	}
	switch op {
	case "-eq":
		return a == b, nil
	case "-ne":
		return a != b, nil
	case "-lt":
		return a < b, nil
	case "-le":
		return a <= b, nil
	case "-gt":
		return a > b, nil
	}
	return a >= b, nil
}

func (t *tester) unary(op, x string) (bool, error) {
	if !isUnary(op) {
		return false, fmt.Errorf("%s: unknown operator", op)
	}
	switch op[1] {
	case 'n':
		return x != "", nil
	case 'z':
		return x == "", nil
	case 't':
		n, err := strconv.Atoi(x)
		f := t.s.fds[n].f
		if err != nil || f == nil {
			return false, nil
		}
		info, err := f.Stat()
		return err == nil && info.Mode()&os.ModeCharDevice != 0, nil
	case 'h', 'L':
		info, err := os.Lstat(t.s.abs(x))
		return err == nil && info.Mode()&os.ModeSymlink != 0, nil
	}
	info, err := os.Stat(t.s.abs(x))
	if err != nil || x == "" {
		return false, nil
	}
	mode := info.Mode()
	switch op[1] {
	case 'e':
		return true, nil
	case 'f':
		return mode.IsRegular(), nil
	case 'd':
		return mode.IsDir(), nil
	case 's':
		return info.Size() > 0, nil
	case 'p':
		return mode&os.ModeNamedPipe != 0, nil
	case 'S':
		return mode&os.ModeSocket != 0, nil
	case 'b':
		return mode&os.ModeDevice != 0 && mode&os.ModeCharDevice == 0, nil
	case 'c':
		return mode&os.ModeCharDevice != 0, nil
	case 'g':
		return mode&os.ModeSetgid != 0, nil
	case 'u':
		return mode&os.ModeSetuid != 0, nil
	case 'k':
		return mode&os.ModeSticky != 0, nil
	case 'x':
		return checkExecutable(t.s.abs(x), info) == nil, nil
	case 'r':
		f, err := os.Open(t.s.abs(x))
		if err == nil {
			_ = f.Close() // only asked whether it opens
		}
		return err == nil, nil
	}
	return mode.Perm()&0o222 != 0, nil // w
}
