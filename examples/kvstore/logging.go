package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
)

// verbose is Redis's level between debug and notice.
const verbose = slog.LevelDebug + 2

// A lineHandler writes records as lines of Redis's log, which programs that start a
// server read: process, time, level and message, with the attributes behind it.
type lineHandler struct {
	level slog.Leveler
	attrs []slog.Attr

	mu *sync.Mutex
	w  io.Writer // guarded by mu
}

func newLogger(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(&lineHandler{level: level, mu: new(sync.Mutex), w: w})
}

// Enabled compares levels.
func (h *lineHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level.Level()
}

// Handle writes a line.
func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	sign := byte('.')
	switch {
	case r.Level >= slog.LevelWarn:
		sign = '#'
	case r.Level >= slog.LevelInfo:
		sign = '*'
	case r.Level >= verbose:
		sign = '-'
	}
	b := fmt.Appendf(nil, "%d:M %s %c %s", os.Getpid(), r.Time.Format("02 Jan 2006 15:04:05.000"), sign, r.Message)
	add := func(a slog.Attr) bool {
		b = fmt.Appendf(b, " %s=%v", a.Key, a.Value)
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := h.w.Write(append(b, '\n'))
	return err
}

// WithAttrs returns a handler that adds attributes.
func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	n := *h
	n.attrs = append(n.attrs[:len(n.attrs):len(n.attrs)], attrs...)
	return &n
}

// WithGroup ignores the group: the names of attributes are clear without.
func (h *lineHandler) WithGroup(string) slog.Handler { return h }
