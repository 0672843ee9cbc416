package gosh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/groundwork-go/groundwork/gosh/internal/pattern"
	"github.com/groundwork-go/groundwork/gosh/syntax"
)

// The methods of this file run nodes. They set s.status and return nil, or what
// unwinds the nodes around them.

func fatal(err error) *unwinding { return &unwinding{kind: unwindFatal, err: err} }

// step counts a command.
func (s *Shell) step(ctx context.Context) *unwinding {
	if err := ctx.Err(); err != nil {
		return fatal(err)
	}
	if n := s.steps.Add(1); s.o.Limits.Steps > 0 && n > s.o.Limits.Steps {
		return fatal(fmt.Errorf("%w: more than %d commands", ErrLimit, s.o.Limits.Steps))
	}
	limit := s.o.Limits.Depth
	if limit == 0 {
		limit = 1000
	}
	if s.depth > limit {
		return fatal(fmt.Errorf("%w: nested more than %d deep", ErrLimit, limit))
	}
	return nil
}

func (s *Shell) list(ctx context.Context, list syntax.List) *unwinding {
	for _, st := range list {
		if st.Background {
			s.background(ctx, st)
			continue
		}
		if u := s.stmt(ctx, st); u != nil {
			return u
		}
	}
	return nil
}

// background runs a statement in a goroutine that Run waits for.
func (s *Shell) background(ctx context.Context, st *syntax.Stmt) {
	sub := s.subshell()
	if !s.o.OwnProcess {
		sub.fds[0] = stream{r: bytes.NewReader(nil)}
	}
	j := s.jobs
	j.mu.Lock()
	j.next++
	id := j.next
	done := make(chan struct{})
	j.done[id] = done
	j.mu.Unlock()
	j.wg.Add(1)
	go func() {
		defer j.wg.Done()
		_ = sub.run(ctx, syntax.List{{Pos: st.Pos, First: st.First, Rest: st.Rest}}) // only the status of a job counts
		sub.exitTrap(ctx)
		j.mu.Lock()
		j.code[id] = sub.status
		j.mu.Unlock()
		close(done)
	}()
	s.bg = id
	s.status = 0
}

// exitTrap runs the EXIT trap of a subshell.
func (s *Shell) exitTrap(ctx context.Context) {
	if s.trap == "" {
		return
	}
	status := s.status
	if p, err := parse(s.trap, "trap"); err == nil {
		s.trap = ""
		_ = s.run(ctx, p.list) // its status is that of before
	}
	s.status = status
}

func (s *Shell) stmt(ctx context.Context, st *syntax.Stmt) *unwinding {
	// Under -e only the last pipeline of an and-or list may end the script.
	guarded := func(p *syntax.Pipeline, last bool) *unwinding {
		if !last || p.Negated {
			s.noErr++
			defer func() { s.noErr-- }()
		}
		return s.pipeline(ctx, p)
	}
	if u := guarded(st.First, len(st.Rest) == 0); u != nil {
		return u
	}
	for i, r := range st.Rest {
		if r.And != (s.status == 0) {
			continue
		}
		if u := guarded(r.Pipeline, i == len(st.Rest)-1); u != nil {
			return u
		}
		if i == len(st.Rest)-1 {
			return s.checkErrexit(r.Pipeline)
		}
	}
	if len(st.Rest) == 0 {
		return s.checkErrexit(st.First)
	}
	return nil
}

// checkErrexit ends the script under -e if a pipeline failed.
func (s *Shell) checkErrexit(p *syntax.Pipeline) *unwinding {
	if s.opts.errexit && s.status != 0 && s.noErr == 0 && !p.Negated {
		return &unwinding{kind: unwindExit, status: s.status}
	}
	return nil
}

func (s *Shell) pipeline(ctx context.Context, p *syntax.Pipeline) *unwinding {
	var u *unwinding
	if len(p.Cmds) == 1 {
		u = s.command(ctx, p.Cmds[0])
	} else {
		u = s.pipe(ctx, p.Cmds)
	}
	if u == nil && p.Negated {
		if s.status == 0 {
			s.status = 1
		} else {
			s.status = 0
		}
	}
	return u
}

// pipe runs commands side by side, each in a subshell.
func (s *Shell) pipe(ctx context.Context, cmds []syntax.Command) *unwinding {
	statuses := make([]int, len(cmds))
	errs := make([]error, len(cmds))
	var wg sync.WaitGroup
	var in *os.File
	for i, c := range cmds {
		sub := s.subshell()
		closeIn, closeOut := in, (*os.File)(nil)
		if in != nil {
			sub.fds[0] = stream{r: in, f: in}
		}
		if i < len(cmds)-1 {
			r, w, err := os.Pipe()
			if err != nil {
				if closeIn != nil {
					_ = closeIn.Close() // the first error counts
				}
				wg.Wait()
				return fatal(fmt.Errorf("gosh: pipe: %w", err))
			}
			sub.fds[1] = stream{w: w, f: w}
			closeOut, in = w, r
		}
		wg.Go(func() {
			errs[i] = sub.run(ctx, syntax.List{{Pos: c.CommandPos(), First: &syntax.Pipeline{Cmds: []syntax.Command{c}}}})
			sub.exitTrap(ctx)
			statuses[i] = sub.status
			for _, f := range []*os.File{closeIn, closeOut} {
				if f != nil {
					_ = f.Close() // a pipe of ours
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil && !errors.Is(err, errExit) {
			return fatal(err)
		}
	}
	s.status = statuses[len(statuses)-1]
	if s.opts.pipefail {
		for _, st := range statuses {
			if st != 0 {
				s.status = st
			}
		}
	}
	return nil
}

func (s *Shell) command(ctx context.Context, c syntax.Command) *unwinding {
	if u := s.step(ctx); u != nil {
		return u
	}
	switch c := c.(type) {
	case *syntax.Simple:
		return s.simple(ctx, c)
	case *syntax.Func:
		s.funcs[c.Name] = c.Body
		s.status = 0
		return nil
	case *syntax.Subshell:
		return s.redirected(ctx, c.Redirs, func() *unwinding {
			sub := s.subshell()
			err := sub.run(ctx, c.Body)
			sub.exitTrap(ctx)
			s.status = sub.status
			if err != nil && !errors.Is(err, errExit) {
				return fatal(err)
			}
			return nil
		})
	case *syntax.Group:
		return s.redirected(ctx, c.Redirs, func() *unwinding { return s.list(ctx, c.Body) })
	case *syntax.If:
		return s.redirected(ctx, c.Redirs, func() *unwinding { return s.ifClause(ctx, c) })
	case *syntax.Loop:
		return s.redirected(ctx, c.Redirs, func() *unwinding { return s.loop(ctx, c) })
	case *syntax.For:
		return s.redirected(ctx, c.Redirs, func() *unwinding { return s.forLoop(ctx, c) })
	case *syntax.Case:
		return s.redirected(ctx, c.Redirs, func() *unwinding { return s.caseClause(ctx, c) })
	}
	panic(fmt.Sprintf("gosh: command %T", c))
}

// condition runs a list whose failure does not end the script.
func (s *Shell) condition(ctx context.Context, list syntax.List) *unwinding {
	s.noErr++
	defer func() { s.noErr-- }()
	return s.list(ctx, list)
}

func (s *Shell) ifClause(ctx context.Context, c *syntax.If) *unwinding {
	if u := s.condition(ctx, c.Cond); u != nil {
		return u
	}
	switch {
	case s.status == 0:
		return s.list(ctx, c.Then)
	case c.Else != nil:
		return s.list(ctx, c.Else)
	}
	s.status = 0
	return nil
}

// round runs the body of a loop once and tells whether the loop ends.
func (s *Shell) round(ctx context.Context, body syntax.List) (end bool, u *unwinding) {
	s.loops++
	u = s.list(ctx, body)
	s.loops--
	if u == nil || u.kind != unwindBreak && u.kind != unwindContinue {
		return u != nil, u
	}
	if u.levels > 1 {
		return true, &unwinding{kind: u.kind, levels: u.levels - 1}
	}
	return u.kind == unwindBreak, nil
}

func (s *Shell) loop(ctx context.Context, c *syntax.Loop) *unwinding {
	status := 0
	for {
		if u := s.step(ctx); u != nil {
			return u
		}
		s.loops++ // break works in the condition too
		u := s.condition(ctx, c.Cond)
		s.loops--
		if u != nil {
			if u.kind == unwindBreak || u.kind == unwindContinue {
				if u.levels > 1 {
					return &unwinding{kind: u.kind, levels: u.levels - 1}
				}
				if u.kind == unwindContinue {
					continue
				}
				return nil
			}
			return u
		}
		if (s.status == 0) == c.Until {
			s.status = status
			return nil
		}
		end, u := s.round(ctx, c.Body)
		if end {
			return u
		}
		status = s.status
	}
}

func (s *Shell) forLoop(ctx context.Context, c *syntax.For) *unwinding {
	words := s.args
	if !c.Params {
		var u *unwinding
		if words, u = s.fields(ctx, c.Words); u != nil {
			return u
		}
	}
	s.status = 0
	for _, w := range words {
		if u := s.step(ctx); u != nil {
			return u
		}
		if err := s.set(c.Name, w); err != nil {
			return s.expansionError("%v", err)
		}
		if end, u := s.round(ctx, c.Body); end {
			return u
		}
	}
	return nil
}

func (s *Shell) caseClause(ctx context.Context, c *syntax.Case) *unwinding {
	subject, u := s.text(ctx, c.Word)
	if u != nil {
		return u
	}
	s.status = 0
	for _, item := range c.Items {
		for _, w := range item.Patterns {
			p, u := s.pattern(ctx, w)
			if u != nil {
				return u
			}
			if pattern.Match(p, subject) {
				return s.list(ctx, item.Body)
			}
		}
	}
	return nil
}

// redirected runs f with redirections in force.
func (s *Shell) redirected(ctx context.Context, redirs []*syntax.Redir, f func() *unwinding) *unwinding {
	if len(redirs) == 0 {
		return f()
	}
	restore, u, err := s.redirect(ctx, redirs)
	defer restore()
	if u != nil {
		return u
	}
	if err != nil {
		s.errorf("%v", err)
		s.status = 1
		return nil
	}
	return f()
}

func (s *Shell) simple(ctx context.Context, c *syntax.Simple) *unwinding {
	s.subst = false
	args, u := s.fields(ctx, c.Words)
	if u != nil {
		return u
	}
	if len(args) == 0 {
		return s.assignOnly(ctx, c)
	}
	body, isFunc := s.funcs[args[0]]
	b, isBuiltin := s.builtins[args[0]]
	if b.special {
		isFunc = false
	}
	persist := isBuiltin && b.special && !isFunc
	saved := make(map[string]variable)
	for _, a := range c.Assigns {
		v, u := s.text(ctx, a.Value)
		if u != nil {
			return u
		}
		if _, done := saved[a.Name]; !done {
			saved[a.Name] = s.vars[a.Name]
		}
		if err := s.set(a.Name, v); err != nil {
			return s.expansionError("%v", err)
		}
		if !persist {
			x := s.vars[a.Name]
			x.exported = true
			s.vars[a.Name] = x
		}
	}
	if !persist {
		defer func() {
			for name, v := range saved {
				if v == (variable{}) {
					delete(s.vars, name)
				} else {
					s.vars[name] = v
				}
			}
		}()
	}
	s.trace(args)
	if args[0] == "exec" && len(args) == 1 { // its redirections stay
		_, u, err := s.redirect(ctx, c.Redirs)
		if err != nil {
			return s.expansionError("%v", err)
		}
		s.status = 0
		return u
	}
	return s.redirected(ctx, c.Redirs, func() *unwinding {
		switch {
		case isFunc:
			return s.callFunc(ctx, body, args)
		case isBuiltin:
			return s.builtin(ctx, b, args)
		}
		return s.external(ctx, args)
	})
}

func (s *Shell) trace(args []string) {
	if s.opts.xtrace {
		fmt.Fprintf(s.stderr(), "%s%s\n", s.vars["PS4"].value, strings.Join(args, " "))
	}
}

// assignOnly runs a command without words: assignments and redirections.
func (s *Shell) assignOnly(ctx context.Context, c *syntax.Simple) *unwinding {
	status := 0
	if s.subst {
		status = s.status
	}
	for _, a := range c.Assigns {
		s.subst = false
		v, u := s.text(ctx, a.Value)
		if u != nil {
			return u
		}
		if s.subst {
			status = s.status
		}
		if err := s.set(a.Name, v); err != nil {
			return s.expansionError("%v", err)
		}
		s.trace([]string{a.Name + "=" + v})
	}
	s.status = status
	return s.redirected(ctx, c.Redirs, func() *unwinding { return nil })
}

// expansionError reports a fault that ends the script.
func (s *Shell) expansionError(format string, args ...any) *unwinding {
	s.errorf(format, args...)
	return &unwinding{kind: unwindExit, status: 2}
}

func (s *Shell) callFunc(ctx context.Context, body syntax.Command, args []string) *unwinding {
	saved, loops := s.args, s.loops
	s.args, s.loops = args[1:], 0
	s.locals = append(s.locals, make(map[string]*variable))
	s.inFunc++
	s.depth++
	u := s.command(ctx, body)
	s.depth--
	s.inFunc--
	last := len(s.locals) - 1
	for name, v := range s.locals[last] {
		if v == nil {
			delete(s.vars, name)
		} else {
			s.vars[name] = *v
		}
	}
	s.locals = s.locals[:last]
	s.args, s.loops = saved, loops
	if u != nil && u.kind == unwindReturn {
		s.status = u.status
		return nil
	}
	return u
}

var errNotFound = errors.New("not found")

// abs returns the path seen from the shell's folder.
func (s *Shell) abs(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(s.dir, path)
}

// stdin returns the input, which is empty where descriptor 0 is closed.
func (s *Shell) stdin() io.Reader {
	if r := s.fds[0].r; r != nil {
		return r
	}
	return bytes.NewReader(nil)
}
