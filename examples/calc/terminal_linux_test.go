package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/calc"
)

// terminal is a pseudo-terminal: what is written to it is typed.
type terminal struct {
	keys *os.File
	tty  *os.File
	mu   sync.Mutex
	seen bytes.Buffer // guarded by mu
	at   int          // how far of it was waited for
}

func openTerminal(t *testing.T) *terminal {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("there are no pseudo-terminals here: ", err)
	}
	var n, unlock int32
	for request, arg := range map[uintptr]*int32{syscall.TIOCGPTN: &n, syscall.TIOCSPTLCK: &unlock} {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, keys.Fd(), request, uintptr(unsafe.Pointer(arg)))
		require.Zero(t, errno)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	term := &terminal{keys: keys, tty: tty}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := keys.Read(buf)
			if err != nil {
				return
			}
			term.mu.Lock()
			term.seen.Write(buf[:n])
			term.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = tty.Close()
		_ = keys.Close()
	})
	return term
}

// typed types keys and waits until the screen has shown a text behind what was waited
// for before.
func (term *terminal) typed(t *testing.T, keys, want string) {
	t.Helper()
	_, err := term.keys.WriteString(keys)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		term.mu.Lock()
		defer term.mu.Unlock()
		i := strings.Index(term.seen.String()[term.at:], want)
		if i >= 0 {
			term.at += i + len(want)
		}
		return i >= 0
	}, 20*time.Second, time.Millisecond, "typed %q, waited for %q", keys, want)
}

// TestREPLOnTerminal types into a session: editing, the lines before, completion,
// inputs of several lines, commands.
func TestREPLOnTerminal(t *testing.T) {
	term := openTerminal(t)
	done := make(chan error)
	go func() {
		done <- repl(t.Context(), term.tty, term.tty, &calc.Options{Output: term.tty})
	}()
	term.typed(t, "", "calc> ")
	term.typed(t, "let answer = 6 * 8\x7f7\r", "calc> ")  // backspace
	term.typed(t, "answer\r", "42\r\n")                   // the name
	term.typed(t, "\x1b[A\x1b[A\r", "calc> ")             // up twice: the declaration again
	term.typed(t, "ans\t + 1\r", "43\r\n")                // tab
	term.typed(t, "hasP\t(\"abc\", \"a\")\r", "true\r\n") // and of a builtin
	term.typed(t, "to\t", "toFloat  toInt")               // several
	term.typed(t, "\x01\x0b", "")                         // home, and cut the line
	term.typed(t, "func f(x) {\r", "  ... ")
	term.typed(t, "x * 2\r", "  ... ")
	term.typed(t, "}\r", "calc> ")
	term.typed(t, "f(4)\r", "8\r\n")
	term.typed(t, ":type [1.5]\r", "[]float\r\n")
	term.typed(t, ":time f(1)\r", "s\r\n")
	term.typed(t, ":dump ir f(1)\r", "func main")
	term.typed(t, "1 + )\r", "syntax error")
	term.typed(t, "\x04", "\r\n") // end of input
	require.NoError(t, <-done)
}
