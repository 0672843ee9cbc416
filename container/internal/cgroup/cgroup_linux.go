// Package cgroup bounds memory and processes by control groups, version 2 or 1. It
// knows no containers.
package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const root = "/sys/fs/cgroup"

// A Group is a group made by New: one folder in version 2, one for each controller
// in version 1.
type Group struct{ dirs []string }

// New makes a group with limits; a zero limit is none. What the kernel refuses is an
// error that names the file.
func New(name string, memory int64, pids int) (*Group, error) {
	limits := map[string]map[string]string{"memory": {}, "pids": {}}
	if memory > 0 {
		limits["memory"]["memory.max"] = strconv.FormatInt(memory, 10)
	}
	if pids > 0 {
		limits["pids"]["pids.max"] = strconv.Itoa(pids)
	}
	g := &Group{}
	var err error
	if _, statErr := os.Stat(filepath.Join(root, "cgroup.controllers")); statErr == nil {
		err = g.makeV2(name, limits)
	} else {
		err = g.makeV1(name, limits)
	}
	if err != nil {
		return nil, errors.Join(err, g.Remove())
	}
	return g, nil
}

func (g *Group) makeV2(name string, limits map[string]map[string]string) error {
	dir := filepath.Join(root, name)
	if err := g.mkdir(dir); err != nil {
		return err
	}
	for controller, files := range limits {
		for file, value := range files {
			if err := write(filepath.Join(dir, file), value); err != nil {
				return fmt.Errorf("controller %s: %w", controller, err)
			}
		}
	}
	return nil
}

func (g *Group) makeV1(name string, limits map[string]map[string]string) error {
	// Version 1 has another name for the limit of memory.
	v1 := map[string]string{"memory.max": "memory.limit_in_bytes"}
	for controller, files := range limits {
		if len(files) == 0 {
			continue
		}
		dir := filepath.Join(root, controller, name)
		if err := g.mkdir(dir); err != nil {
			return err
		}
		for file, value := range files {
			if other := v1[file]; other != "" {
				file = other
			}
			if err := write(filepath.Join(dir, file), value); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *Group) mkdir(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	g.dirs = append(g.dirs, dir)
	return nil
}

func write(path, value string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// Add puts a process into the group.
func (g *Group) Add(pid int) error {
	for _, d := range g.dirs {
		if err := write(filepath.Join(d, "cgroup.procs"), strconv.Itoa(pid)); err != nil {
			return err
		}
	}
	return nil
}

// Remove removes the group, whose processes have ended. The kernel may need a moment
// to notice that.
func (g *Group) Remove() error {
	var first error
	for _, d := range g.dirs {
		var err error
		for delay := time.Millisecond; delay < time.Second; delay *= 2 {
			if err = os.Remove(d); !errors.Is(err, unix.EBUSY) {
				break
			}
			time.Sleep(delay)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) && first == nil {
			first = err
		}
	}
	return first
}
