// Package clitest runs the example mains in tests.
package clitest

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/examples/internal/cli"
)

// Run is the function that a main calls and that its tests call.
type Run func(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error

// BadFlags checks that -h explains and that wrong flags are one line and status 2.
func BadFlags(t *testing.T, run Run, help []string, wrong ...[]string) {
	t.Helper()
	var out bytes.Buffer
	require.ErrorIs(t, run(t.Context(), help, nil, &out), flag.ErrHelp)
	require.NotEmpty(t, out.String())
	for _, args := range wrong {
		err := run(t.Context(), args, strings.NewReader(""), io.Discard)
		var usage *cli.UsageError
		require.ErrorAs(t, err, &usage, "%q", args)
		require.NotContains(t, usage.Msg, "\n")
	}
}

// Output runs a main to its end.
func Output(t *testing.T, run Run, stdin string, args ...string) (string, error) {
	t.Helper()
	var s Server // several goroutines may write
	err := run(t.Context(), args, strings.NewReader(stdin), &s)
	return s.out.String(), err
}

// Status returns the status with which a program ends.
func Status(t *testing.T, err error) int {
	t.Helper()
	var status cli.StatusError
	if err == nil {
		return 0
	}
	require.True(t, errors.As(err, &status), "%v", err)
	return int(status)
}

// Server is a main that runs in the background.
type Server struct {
	cancel context.CancelFunc
	done   chan error

	mu  sync.Mutex
	out bytes.Buffer // guarded by mu
}

// Write collects the output.
func (s *Server) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(p)
}

// Start runs a main until Stop, at the latest until the end of the test.
func Start(t *testing.T, run Run, args ...string) *Server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{cancel: cancel, done: make(chan error, 1)}
	go func() { s.done <- run(ctx, args, strings.NewReader(""), s) }()
	t.Cleanup(cancel)
	return s
}

// After returns the word behind a text in the output, once it is there.
func (s *Server) After(t *testing.T, text string) string {
	t.Helper()
	var word string
	require.Eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		_, rest, ok := strings.Cut(s.out.String(), text)
		line, _, ended := strings.Cut(rest, "\n")
		word = strings.TrimSpace(line)
		return ok && ended
	}, 60*time.Second, 5*time.Millisecond, "%q does not appear", text)
	return word
}

// Stop ends the main and returns its error.
func (s *Server) Stop() error {
	s.cancel()
	return <-s.done
}
