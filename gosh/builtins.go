package gosh

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// builtin is a command that the shell runs itself.
type builtin struct {
	special bool // POSIX's special ones: assignments before them persist
	run     func(s *Shell, ctx context.Context, args []string) (int, *unwinding)
}

// newBuiltins makes the table of a shell: a variable would refer to itself, since
// some builtins run commands.
func newBuiltins() map[string]builtin {
	return map[string]builtin{
		":": {true, nil}, "true": {false, nil}, "false": {false, falseCmd},
		"break": {true, breakCmd}, "continue": {true, breakCmd}, "return": {true, returnCmd}, "exit": {true, exitCmd},
		".": {true, source}, "source": {false, source}, "eval": {true, eval}, "exec": {true, execCmd},
		"export": {true, export}, "readonly": {true, export}, "unset": {true, unset}, "set": {true, set}, "shift": {true, shift},
		"trap": {true, trapCmd}, "local": {false, local}, "read": {false, read}, "cd": {false, cd}, "pwd": {false, pwd},
		"echo": {false, echo}, "printf": {false, printf}, "test": {false, testCmd}, "[": {false, testCmd},
		"command": {false, command}, "type": {false, typeCmd}, "wait": {false, wait}, "getopts": {false, getopts},
	}
}

func (s *Shell) builtin(ctx context.Context, b builtin, args []string) *unwinding {
	if b.run == nil {
		s.status = 0
		return nil
	}
	status, u := b.run(s, ctx, args)
	if u == nil {
		s.status = status
	}
	return u
}

// complain reports a wrong use of a builtin. It returns its status.
func (s *Shell) complain(name, format string, args ...any) int {
	s.errorf(name+": "+format, args...)
	return 2
}

// write writes to standard output; what cannot be written is a failure.
func (s *Shell) write(name, text string) int {
	w := s.fds[1].w
	if w == nil {
		s.errorf("%s: standard output is closed", name)
		return 1
	}
	if _, err := io.WriteString(w, text); err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		s.errorf("%s: write error: %v", name, err)
		return 1
	}
	return 0
}

func falseCmd(*Shell, context.Context, []string) (int, *unwinding) { return 1, nil }

func breakCmd(s *Shell, _ context.Context, args []string) (int, *unwinding) {
	n := 1
	if len(args) > 1 {
		var err error
		if n, err = strconv.Atoi(args[1]); err != nil || n < 1 {
			return s.complain(args[0], "%s: bad number", args[1]), nil
		}
	}
	if s.loops == 0 {
		return 0, nil
	}
	kind := unwindBreak
	if args[0] == "continue" {
		kind = unwindContinue
	}
	return 0, &unwinding{kind: kind, levels: min(n, s.loops)}
}

// statusArg is the argument of exit and return.
func (s *Shell) statusArg(args []string) (int, bool) {
	if len(args) < 2 {
		return s.status, true
	}
	n, err := strconv.Atoi(args[1])
	return n & 0xff, err == nil && n >= 0
}

func returnCmd(s *Shell, _ context.Context, args []string) (int, *unwinding) {
	n, ok := s.statusArg(args)
	if !ok {
		return s.complain(args[0], "%s: bad number", args[1]), nil
	}
	return 0, &unwinding{kind: unwindReturn, status: n}
}

func exitCmd(s *Shell, _ context.Context, args []string) (int, *unwinding) {
	n, ok := s.statusArg(args)
	if !ok {
		n = s.complain(args[0], "%s: bad number", args[1])
	}
	return 0, &unwinding{kind: unwindExit, status: n}
}

func source(s *Shell, ctx context.Context, args []string) (int, *unwinding) {
	if len(args) < 2 {
		return s.complain(args[0], "a file name is needed"), nil
	}
	path := s.abs(args[1])
	if !strings.Contains(args[1], "/") {
		if found, err := s.lookFile(args[1]); err == nil {
			path = found
		}
	}
	src, err := os.ReadFile(path)
	if err != nil {
		s.errorf("%s: cannot open %s", args[0], args[1])
		if args[0] == "." {
			return 0, &unwinding{kind: unwindExit, status: 2}
		}
		return 2, nil
	}
	saved := s.args
	if len(args) > 2 {
		s.args = args[2:]
		defer func() { s.args = saved }()
	}
	return s.evalText(ctx, string(src), args[1])
}

// lookFile finds a file for . in PATH, which need not be executable.
func (s *Shell) lookFile(name string) (string, error) {
	path, _ := s.get("PATH")
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(s.abs(dir), name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file, nil
		}
	}
	return "", errNotFound
}

func (s *Shell) evalText(ctx context.Context, src, name string) (int, *unwinding) {
	p, err := parse(src, name)
	if err != nil {
		s.errorf("%v", err)
		return 0, &unwinding{kind: unwindExit, status: 2}
	}
	s.status = 0
	s.depth++
	u := s.list(ctx, p.list)
	s.depth--
	if u != nil && u.kind == unwindReturn && name != "eval" {
		return u.status, nil
	}
	return s.status, u
}

func eval(s *Shell, ctx context.Context, args []string) (int, *unwinding) {
	return s.evalText(ctx, strings.Join(args[1:], " "), "eval")
}

// execCmd runs a command and then exits with its status: there is no process to be
// replaced.
func execCmd(s *Shell, ctx context.Context, args []string) (int, *unwinding) {
	u := s.external(ctx, args[1:])
	if u == nil {
		u = &unwinding{kind: unwindExit, status: s.status}
	}
	return 0, u
}

func export(s *Shell, _ context.Context, args []string) (int, *unwinding) {
	if len(args) == 1 || args[1] == "-p" {
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(s.vars)) {
			v := s.vars[name]
			if args[0] == "export" && !v.exported || args[0] == "readonly" && !v.readonly {
				continue
			}
			b.WriteString(args[0] + " " + name)
			if v.declared {
				b.WriteString("=" + quote(v.value))
			}
			b.WriteByte('\n')
		}
		return s.write(args[0], b.String()), nil
	}
	for _, a := range args[1:] {
		name, value, assign := strings.Cut(a, "=")
		if !isName(name) {
			return 0, s.expansionError("%s: %s: bad variable name", args[0], name)
		}
		if assign {
			if err := s.set(name, value); err != nil {
				return 0, s.expansionError("%s: %v", args[0], err)
			}
		}
		v := s.vars[name]
		if args[0] == "export" {
			v.exported = true
		} else {
			v.readonly = true
		}
		s.vars[name] = v
	}
	return 0, nil
}

// quote writes a value so that the shell reads it back.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func unset(s *Shell, _ context.Context, args []string) (int, *unwinding) {
	funcs := false
	for _, a := range args[1:] {
		switch {
		case a == "-f":
			funcs = true
		case a == "-v":
		case funcs:
			delete(s.funcs, a)
		case s.vars[a].readonly:
			return 0, s.expansionError("unset: %s: is read only", a)
		default:
			delete(s.vars, a)
		}
	}
	return 0, nil
}

func (o *options) named(name string) *bool {
	switch name {
	case "errexit", "e":
		return &o.errexit
	case "nounset", "u":
		return &o.nounset
	case "xtrace", "x":
		return &o.xtrace
	case "noglob", "f":
		return &o.noglob
	case "pipefail":
		return &o.pipefail
	}
	return nil
}

func set(s *Shell, _ context.Context, args []string) (int, *unwinding) {
	if len(args) == 1 {
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(s.vars)) {
			if v := s.vars[name]; v.declared {
				b.WriteString(name + "=" + quote(v.value) + "\n")
			}
		}
		return s.write("set", b.String()), nil
	}
	for i := 1; i < len(args); i++ {
		a := args[i]
		if a == "--" || a == "-" {
			s.args = args[i+1:]
			return 0, nil
		}
		if a == "" || a[0] != '-' && a[0] != '+' {
			s.args = args[i:]
			return 0, nil
		}
		for _, c := range a[1:] {
			name := string(c)
			if c == 'o' {
				if i++; i == len(args) {
					return 0, s.expansionError("set: -o needs the name of an option")
				}
				name = args[i]
			}
			o := s.opts.named(name)
			if o == nil || len(name) == 1 && c == 'o' {
				return 0, s.expansionError("set: unknown option %s", name)
			}
			*o = a[0] == '-'
		}
	}
	return 0, nil
}

func shift(s *Shell, _ context.Context, args []string) (int, *unwinding) {
	n := 1
	if len(args) > 1 {
		var err error
		if n, err = strconv.Atoi(args[1]); err != nil || n < 0 {
			return 0, s.expansionError("shift: %s: bad number", args[1])
		}
	}
	if n > len(s.args) {
		return 0, s.expansionError("shift: can't shift that many")
	}
	s.args = s.args[n:]
	return 0, nil
}

func trapCmd(s *Shell, _ context.Context, args []string) (int, *unwinding) {
	if len(args) == 1 {
		if s.trap == "" {
			return 0, nil
		}
		return s.write("trap", "trap -- "+quote(s.trap)+" EXIT\n"), nil
	}
	action := args[1]
	names := args[2:]
	if action == "--" && len(names) > 0 {
		action, names = names[0], names[1:]
	}
	if len(names) == 0 {
		return s.complain("trap", "a condition is needed"), nil
	}
	for _, name := range names {
		if name != "EXIT" && name != "0" {
			return s.complain("trap", "%s: only EXIT can be trapped", name), nil
		}
		if s.trap = action; action == "-" {
			s.trap = ""
		}
	}
	return 0, nil
}

func local(s *Shell, _ context.Context, args []string) (int, *unwinding) {
	if len(s.locals) == 0 {
		return s.complain("local", "not in a function"), nil
	}
	frame := s.locals[len(s.locals)-1]
	for _, a := range args[1:] {
		name, value, assign := strings.Cut(a, "=")
		if !isName(name) {
			return s.complain("local", "%s: bad variable name", name), nil
		}
		if _, done := frame[name]; !done {
			frame[name] = nil
			if old, ok := s.vars[name]; ok {
				frame[name] = &old
			}
		}
		if assign {
			if err := s.set(name, value); err != nil {
				return 0, s.expansionError("local: %v", err)
			}
		}
	}
	return 0, nil
}

func cd(s *Shell, _ context.Context, args []string) (int, *unwinding) {
	dir := ""
	switch {
	case len(args) > 2:
		return s.complain("cd", "too many arguments"), nil
	case len(args) == 1:
		if dir, _ = s.get("HOME"); dir == "" {
			return s.complain("cd", "HOME is not set"), nil
		}
	case args[1] == "-":
		if dir, _ = s.get("OLDPWD"); dir == "" {
			return s.complain("cd", "OLDPWD is not set"), nil
		}
	default:
		dir = args[1]
	}
	path := s.abs(dir)
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		err = errors.New("not a directory")
	}
	if err != nil {
		s.errorf("cd: can't cd to %s", dir)
		return 2, nil
	}
	for name, value := range map[string]string{"OLDPWD": s.dir, "PWD": path} {
		if err := s.set(name, value); err != nil {
			return 0, s.expansionError("cd: %v", err)
		}
	}
	s.dir = path
	if len(args) > 1 && args[1] == "-" {
		return s.write("cd", path+"\n"), nil
	}
	return 0, nil
}

func pwd(s *Shell, _ context.Context, args []string) (int, *unwinding) {
	dir := s.dir
	if len(args) > 1 && args[1] == "-P" {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			dir = real
		}
	}
	return s.write("pwd", dir+"\n"), nil
}

func command(s *Shell, ctx context.Context, args []string) (int, *unwinding) {
	rest := args[1:]
	if len(rest) > 0 && (rest[0] == "-v" || rest[0] == "-V") {
		status := 127
		for _, name := range rest[1:] {
			if what := s.describe(name); what != "" {
				if rest[0] == "-v" {
					what = s.resolve(name)
				}
				status = s.write("command", what+"\n")
			}
		}
		return status, nil
	}
	if len(rest) > 0 && rest[0] == "-p" {
		rest = rest[1:]
	}
	if len(rest) == 0 {
		return 0, nil
	}
	if b, ok := s.builtins[rest[0]]; ok {
		u := s.builtin(ctx, b, rest)
		return s.status, u
	}
	u := s.external(ctx, rest)
	return s.status, u
}

// resolve is what command -v prints.
func (s *Shell) resolve(name string) string {
	_, isFunc := s.funcs[name]
	_, isBuiltin := s.builtins[name]
	_, isOurs := s.o.Commands[name]
	if isFunc || isBuiltin || isOurs {
		return name
	}
	path, _ := s.lookPath(name) // described before, so it is found
	return path
}

// describe is what type prints; "" if there is no such command.
func (s *Shell) describe(name string) string {
	if _, ok := s.funcs[name]; ok {
		return name + " is a shell function"
	}
	if b, ok := s.builtins[name]; ok {
		if b.special {
			return name + " is a special shell builtin"
		}
		return name + " is a shell builtin"
	}
	if _, ok := s.o.Commands[name]; ok {
		return name + " is a command of the program"
	}
	if path, err := s.lookPath(name); err == nil {
		return name + " is " + path
	}
	return ""
}

func typeCmd(s *Shell, _ context.Context, args []string) (int, *unwinding) {
	status := 0
	for _, name := range args[1:] {
		what := s.describe(name)
		if what == "" {
			what, status = name+": not found", 127
		}
		s.write("type", what+"\n")
	}
	return status, nil
}

func wait(s *Shell, ctx context.Context, args []string) (int, *unwinding) {
	j := s.jobs
	waitFor := func(id int) (int, *unwinding) {
		j.mu.Lock()
		done, ok := j.done[id]
		j.mu.Unlock()
		if !ok {
			return 127, nil
		}
		select {
		case <-done:
		case <-ctx.Done():
			return 0, fatal(ctx.Err())
		}
		j.mu.Lock()
		defer j.mu.Unlock()
		return j.code[id], nil
	}
	if len(args) == 1 {
		j.mu.Lock()
		ids := slices.Collect(maps.Keys(j.done))
		j.mu.Unlock()
		for _, id := range ids {
			if _, u := waitFor(id); u != nil {
				return 0, u
			}
		}
		return 0, nil
	}
	status := 0
	for _, a := range args[1:] {
		id, err := strconv.Atoi(a)
		if err != nil {
			return s.complain("wait", "%s: not a job", a), nil
		}
		var u *unwinding
		if status, u = waitFor(id); u != nil {
			return 0, u
		}
	}
	return status, nil
}
