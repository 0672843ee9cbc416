//go:build !(linux && amd64)

package container

import (
	"errors"
	"os"
)

type process struct{}

func (c *Cmd) start() (*process, error) {
	return nil, &Error{Op: "start", Path: c.Path, Err: errors.ErrUnsupported}
}

func (p *process) wait() error            { return errors.ErrUnsupported }
func (p *process) signal(os.Signal) error { return errors.ErrUnsupported }
