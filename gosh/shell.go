package gosh

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/groundwork-go/groundwork/gosh/syntax"
)

// Options tune a shell. A nil *Options means the defaults.
type Options struct {
	// Stdin is the input of commands. Nil: empty.
	Stdin io.Reader

	// Stdout and Stderr take the output. Nil discards it. They must be safe for
	// concurrent use if commands run in the background, as *os.File is.
	Stdout, Stderr io.Writer

	// Dir is the folder in which the script starts. Empty means that of the process.
	Dir string

	// Env holds NAME=value pairs, all exported. Nil means none; a program passes
	// os.Environ() to give its own.
	Env []string

	// Name is $0, and the name of the script in errors. Empty means "gosh".
	Name string

	// Args are the positional parameters.
	Args []string

	// Exec runs an external command; the shell has looked its path up. Nil runs
	// it as a process. [RunProcess] is that default, to be called from a handler.
	Exec func(ctx context.Context, c *Cmd) error

	// Commands are commands in Go, found before those in PATH.
	Commands map[string]func(ctx context.Context, c *Cmd) error

	// OwnProcess says that the shell is the whole program: commands stay in its
	// process group, so that a terminal's signals reach them. Else each gets a
	// group of its own, which is killed whole when the context ends.
	OwnProcess bool

	// Limits bound what scripts may use.
	Limits Limits
}

// Limits bound a script. Reaching one ends it with an error that wraps [ErrLimit].
type Limits struct {
	// Steps bounds the commands that are run. Zero means no limit.
	Steps int64
	// Depth bounds nested calls of functions, subshells and substitutions. Zero
	// means 1,000.
	Depth int
}

// A Cmd is a command that Exec or one of Commands is to run. Like exec.Cmd's, its
// run ends with an [*ExitError] if its status is not zero.
type Cmd struct {
	Path   string   // of the program; the name for Commands
	Args   []string // Args[0] is the name
	Env    []string // NAME=value
	Dir    string
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Files  map[int]*os.File // descriptors from 3 on

	// OwnGroup asks for a process group of its own.
	OwnGroup bool
}

// A Shell keeps variables, functions and folder from one script to the next. It is
// for one goroutine at a time.
type Shell struct {
	o       *Options
	dir     string
	vars    map[string]variable
	funcs   map[string]syntax.Command
	args    []string // positional parameters
	opts    options
	fds     map[int]stream
	status  int
	bg      int // $!
	trap    string
	locals  []map[string]*variable // of active functions: what to restore
	loops   int
	inFunc  int
	noErr   int // depth of places where a failure does not end the script under -e
	depth   int
	subst   bool // a substitution has run in the current command
	steps   *atomic.Int64
	jobs    *jobTable
	lastSig *ExitError

	builtins map[string]builtin
}

type variable struct {
	value    string
	exported bool
	readonly bool
	declared bool // has a value; export and readonly may come before
}

// options are those of set.
type options struct{ errexit, nounset, xtrace, noglob, pipefail bool }

// jobTable holds the background jobs of a shell and all its subshells.
type jobTable struct {
	mu   sync.Mutex
	next int
	done map[int]chan struct{}
	code map[int]int
	wg   sync.WaitGroup
}

// New returns a shell.
func New(o *Options) (*Shell, error) {
	if o == nil {
		o = &Options{}
	}
	s := &Shell{
		o: o, dir: o.Dir, args: o.Args,
		vars: make(map[string]variable), funcs: make(map[string]syntax.Command),
		fds:      map[int]stream{0: {r: o.Stdin}, 1: {w: o.Stdout}, 2: {w: o.Stderr}},
		builtins: newBuiltins(),
		steps:    new(atomic.Int64),
		jobs:     &jobTable{done: make(map[int]chan struct{}), code: make(map[int]int)},
	}
	if s.dir == "" {
		dir, err := os.Getwd()
		if err != nil {
			return nil, fmt.Errorf("gosh: %w", err)
		}
		s.dir = dir
	}
	if !filepath.IsAbs(s.dir) {
		dir, err := filepath.Abs(s.dir)
		if err != nil {
			return nil, fmt.Errorf("gosh: %w", err)
		}
		s.dir = dir
	}
	for fd, st := range s.fds {
		switch {
		case fd == 0 && st.r == nil:
			st.r = bytes.NewReader(nil)
		case fd != 0 && st.w == nil:
			st.w = io.Discard
		}
		if f, ok := st.r.(*os.File); ok {
			st.f = f
		} else if f, ok := st.w.(*os.File); ok {
			st.f = f
		}
		s.fds[fd] = st
	}
	for _, kv := range o.Env {
		if name, value, ok := strings.Cut(kv, "="); ok && isName(name) {
			s.vars[name] = variable{value: value, exported: true, declared: true}
		}
	}
	for name, value := range map[string]string{"IFS": " \t\n", "PS1": "gosh$ ", "PS2": "> ", "PS4": "+ ", "OPTIND": "1"} {
		if name == "IFS" || !s.vars[name].declared {
			s.vars[name] = variable{value: value, declared: true}
		}
	}
	s.vars["PWD"] = variable{value: s.dir, exported: true, declared: true}
	return s, nil
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// Program is a parsed script. It is immutable and may be run by many shells.
type Program struct{ list syntax.List }

// Parse reads and parses a script; name is for errors, which are of type
// [*SyntaxError] unless reading fails.
func Parse(r io.Reader, name string) (*Program, error) {
	src, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("gosh: read %s: %w", name, err)
	}
	return parse(string(src), name)
}

func parse(src, name string) (*Program, error) {
	list, err := syntax.Parse(src, name)
	if err != nil {
		var e *syntax.Error
		if errors.As(err, &e) {
			return nil, &SyntaxError{e.Name, e.Pos, e.Msg, e.Incomplete}
		}
		return nil, err
	}
	return &Program{list}, nil
}

// Run runs a script in a new shell.
func Run(ctx context.Context, script string, o *Options) error {
	s, err := New(o)
	if err != nil {
		return err
	}
	p, err := parse(script, s.name())
	if err != nil {
		return err
	}
	return s.Run(ctx, p)
}

// Output runs a script in a new shell and returns what it wrote to standard output;
// Options.Stdout is not used.
func Output(ctx context.Context, script string, o *Options) ([]byte, error) {
	var with Options
	if o != nil {
		with = *o
	}
	var out lockedBuffer
	with.Stdout = &out
	err := Run(ctx, script, &with)
	return out.buf.Bytes(), err
}

// lockedBuffer is a bytes.Buffer for concurrent writers.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (s *Shell) name() string {
	if s.o.Name == "" {
		return "gosh"
	}
	return s.o.Name
}

// Run runs a program and its EXIT trap and waits for its background jobs. A status
// that is not zero is an [*ExitError]; if ctx ended, its error is returned.
func (s *Shell) Run(ctx context.Context, p *Program) error {
	err := s.run(ctx, p.list)
	if trap := s.trap; trap != "" {
		s.trap = ""
		status := s.status
		if t, parseErr := parse(trap, "trap"); parseErr != nil {
			s.errorf("%v", parseErr)
		} else if e := s.run(ctx, t.list); err == nil && e != nil {
			err = e
		}
		s.status = status
	}
	s.jobs.wg.Wait()
	if err != nil && !errors.Is(err, errExit) {
		return err
	}
	if s.status == 0 {
		return nil
	}
	if s.lastSig != nil && s.lastSig.Status == s.status {
		return s.lastSig
	}
	return &ExitError{Status: s.status}
}

// errExit tells that the script called exit; the status is in the shell.
var errExit = errors.New("gosh: exit")

// run runs a list and turns what unwinds it into an error.
func (s *Shell) run(ctx context.Context, list syntax.List) (err error) {
	u := s.list(ctx, list)
	if u == nil {
		return nil
	}
	switch u.kind {
	case unwindFatal:
		return u.err
	case unwindExit:
		s.status = u.status
		return errExit
	case unwindReturn:
		s.status = u.status
	}
	return nil
}

// Status returns $?, the status of the last command.
func (s *Shell) Status() int { return s.status }

// Interact reads commands from r, line by line, writes prompts to Options.Stderr
// and runs each when it is complete, until r ends or the script exits. A wrong
// line is reported and does not end it. The error is that of exit's status, of ctx
// or of reading.
func (s *Shell) Interact(ctx context.Context, r io.Reader) error {
	in := bufio.NewReader(r)
	var src string
	prompt := func(name string) { _, _ = io.WriteString(s.stderr(), s.vars[name].value) } // a prompt that cannot be shown is no reason to stop
	prompt("PS1")
	for {
		line, readErr := in.ReadString('\n')
		src += line
		if readErr != nil && src == "" {
			if readErr == io.EOF {
				return s.endInteract(ctx)
			}
			return readErr
		}
		p, err := parse(src, s.name())
		var se *SyntaxError
		if errors.As(err, &se) && se.Incomplete && readErr == nil {
			prompt("PS2")
			continue
		}
		src = ""
		if err != nil {
			s.errorf("%v", err)
			s.status = 2
		} else if err := s.run(ctx, p.list); err != nil {
			if errors.Is(err, errExit) {
				return s.endInteract(ctx)
			}
			return err
		}
		prompt("PS1")
	}
}

// endInteract runs the EXIT trap and gives the status.
func (s *Shell) endInteract(ctx context.Context) error { return s.Run(ctx, &Program{}) }

// subshell copies the shell for a goroutine of its own.
func (s *Shell) subshell() *Shell {
	c := *s
	c.vars = maps.Clone(s.vars)
	c.funcs = maps.Clone(s.funcs)
	c.fds = maps.Clone(s.fds)
	c.args = slices.Clone(s.args)
	c.trap = ""
	c.locals = nil
	c.depth++
	return &c
}

func (s *Shell) get(name string) (string, bool) {
	v := s.vars[name]
	return v.value, v.declared
}

// set assigns a variable. A readonly one is an error.
func (s *Shell) set(name, value string) error {
	v := s.vars[name]
	if v.readonly {
		return fmt.Errorf("%s: is read only", name)
	}
	v.value, v.declared = value, true
	s.vars[name] = v
	return nil
}

// environ returns the exported variables.
func (s *Shell) environ() []string {
	var env []string
	for name, v := range s.vars {
		if v.exported && v.declared {
			env = append(env, name+"="+v.value)
		}
	}
	slices.Sort(env)
	return env
}

func (s *Shell) stderr() io.Writer {
	if w := s.fds[2].w; w != nil {
		return w
	}
	return io.Discard
}

// errorf reports a fault of a command.
func (s *Shell) errorf(format string, args ...any) {
	fmt.Fprintf(s.stderr(), s.name()+": "+format+"\n", args...)
}

// param returns the value of a parameter and whether it is set.
func (s *Shell) param(name string) (string, bool) {
	switch name {
	case "?":
		return strconv.Itoa(s.status), true
	case "#":
		return strconv.Itoa(len(s.args)), true
	case "$":
		return strconv.Itoa(os.Getpid()), true
	case "!":
		if s.bg == 0 {
			return "", false
		}
		return strconv.Itoa(s.bg), true
	case "-":
		return s.opts.flags(), true
	case "0":
		return s.name(), true
	case "@", "*":
		return strings.Join(s.args, " "), len(s.args) > 0
	}
	if name[0] >= '1' && name[0] <= '9' {
		n, err := strconv.Atoi(name)
		if err != nil || n > len(s.args) {
			return "", false
		}
		return s.args[n-1], true
	}
	return s.get(name)
}

func (o options) flags() string {
	var b strings.Builder
	for _, f := range []struct {
		on bool
		c  byte
	}{{o.errexit, 'e'}, {o.noglob, 'f'}, {o.nounset, 'u'}, {o.xtrace, 'x'}} {
		if f.on {
			b.WriteByte(f.c)
		}
	}
	return b.String()
}
