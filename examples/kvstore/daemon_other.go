//go:build !unix

package main

import "errors"

func startDaemon([]string) error { return errors.ErrUnsupported }

func ready(string) error { return nil } // there is no systemd

func writePID(string) error { return errors.ErrUnsupported }
