package gosh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/groundwork-go/groundwork/gosh/syntax"
)

// stream is what a descriptor of the shell stands for.
type stream struct {
	r io.Reader
	w io.Writer
	f *os.File // set if it is a file
}

// redirect puts redirections into force; restore takes them back and closes what
// was opened. It must be called also after an error.
func (s *Shell) redirect(ctx context.Context, redirs []*syntax.Redir) (restore func(), u *unwinding, err error) {
	saved := make(map[int]stream)
	had := make(map[int]bool)
	var opened []io.Closer
	restore = func() {
		for fd := range had {
			if st, ok := saved[fd]; ok {
				s.fds[fd] = st
			} else {
				delete(s.fds, fd)
			}
		}
		for _, f := range opened {
			_ = f.Close() // what was written has reached the system
		}
	}
	for _, r := range redirs {
		fd := r.Fd
		if fd < 0 {
			if fd = 1; r.Op[0] == '<' {
				fd = 0
			}
		}
		target, u := s.text(ctx, r.Target)
		if u != nil {
			return restore, u, nil
		}
		if !had[fd] {
			had[fd] = true
			if st, ok := s.fds[fd]; ok {
				saved[fd] = st
			}
		}
		st, file, err := s.openRedir(r.Op, target)
		if file != nil {
			opened = append(opened, file)
		}
		if err != nil {
			return restore, nil, err
		}
		if st == (stream{}) {
			delete(s.fds, fd)
		} else {
			s.fds[fd] = st
		}
	}
	return restore, nil, nil
}

// openRedir opens the target of one redirection. The zero stream closes.
func (s *Shell) openRedir(op, target string) (stream, io.Closer, error) {
	switch op {
	case "<<", "<<-":
		return stream{r: strings.NewReader(target)}, nil, nil
	case "<&", ">&":
		if target == "-" {
			return stream{}, nil, nil
		}
		n, err := strconv.Atoi(target)
		st, ok := s.fds[n]
		if err != nil || !ok {
			return stream{}, nil, fmt.Errorf("%s: bad file descriptor", target)
		}
		return st, nil, nil
	}
	if target == "" {
		return stream{}, nil, errors.New("cannot open '': no such file or directory")
	}
	flags := map[string]int{
		"<": os.O_RDONLY, "<>": os.O_RDWR | os.O_CREATE,
		">": os.O_WRONLY | os.O_CREATE | os.O_TRUNC, ">|": os.O_WRONLY | os.O_CREATE | os.O_TRUNC,
		">>": os.O_WRONLY | os.O_CREATE | os.O_APPEND,
	}
	f, err := os.OpenFile(s.abs(target), flags[op], 0o666)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		verb := "create"
		if op == "<" {
			verb = "open"
		}
		return stream{}, nil, fmt.Errorf("cannot %s %s: %w", verb, target, err)
	}
	st := stream{r: f, f: f}
	if op != "<" {
		st.w = f
	}
	return st, f, nil
}
