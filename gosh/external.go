package gosh

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// external runs one of Options.Commands or a program.
func (s *Shell) external(ctx context.Context, args []string) *unwinding {
	c := &Cmd{
		Path: args[0], Args: args, Env: s.environ(), Dir: s.dir,
		Stdin: s.fds[0].r, Stdout: s.fds[1].w, Stderr: s.fds[2].w, OwnGroup: !s.o.OwnProcess,
	}
	for fd, st := range s.fds {
		if fd > 2 && st.f != nil {
			if c.Files == nil {
				c.Files = make(map[int]*os.File)
			}
			c.Files[fd] = st.f
		}
	}
	run, ok := s.o.Commands[args[0]]
	if !ok {
		path, err := s.lookPath(args[0])
		if err != nil {
			s.errorf("%v", err)
			s.status = 127
			if !errors.Is(err, errNotFound) {
				s.status = 126
			}
			return nil
		}
		c.Path = path
		if run = s.o.Exec; run == nil {
			run = RunProcess
		}
	}
	err := run(ctx, c)
	if ctxErr := ctx.Err(); ctxErr != nil {
		return fatal(ctxErr)
	}
	var exit *ExitError
	switch {
	case err == nil:
		s.status = 0
	case errors.As(err, &exit):
		s.status = exit.Status
		s.lastSig = exit
	default:
		s.errorf("%s: %v", args[0], err)
		s.status = 126
	}
	return nil
}

// lookPath finds a program in PATH.
func (s *Shell) lookPath(name string) (string, error) {
	if strings.Contains(name, "/") {
		path := s.abs(name)
		if err := executable(path); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		return path, nil
	}
	path, _ := s.get("PATH")
	var denied error
	for _, dir := range filepath.SplitList(path) {
		if dir == "" {
			dir = "."
		}
		file := filepath.Join(s.abs(dir), name)
		err := executable(file)
		if err == nil {
			return file, nil
		}
		if !errors.Is(err, errNotFound) {
			denied = fmt.Errorf("%s: %w", file, err)
		}
	}
	if denied != nil {
		return "", denied
	}
	return "", fmt.Errorf("%s: %w", name, errNotFound)
}

func executable(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return errNotFound
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("is a directory")
	}
	return checkExecutable(path, info)
}
