//go:build unix

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// startDaemon starts this program again with other arguments, in the background and without a terminal.
func startDaemon(args []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, args...)
	cmd.Stdin = os.Stdin // for the configuration
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("daemonize: %w", err)
	}
	return cmd.Process.Release()
}

// ready tells systemd that the start is over, if it has started this program.
func ready(socket string) error {
	if socket == "" {
		return nil
	}
	if socket[0] == '@' {
		socket = "\x00" + socket[1:]
	}
	c, err := net.Dial("unixgram", socket)
	if err != nil {
		return fmt.Errorf("supervised: %w", err)
	}
	defer c.Close()
	_, err = c.Write([]byte("STATUS=Ready to accept connections\nREADY=1\n"))
	return err
}

// writePID writes the number of this process to a file.
func writePID(name string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, append(strconv.AppendInt(nil, int64(os.Getpid()), 10), '\n'), 0o644)
}
