package kvstore_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore"
	"github.com/groundwork-go/groundwork/kvstore/server"
)

// TestScriptsAgainstRedis plays testdata/scripts to our server and to a real Redis and
// compares all replies. A file has scenarios, each with fresh connections and empty
// databases. They are for what random commands of one connection do not reach.
//
//	-- a name             begins a scenario
//	a SET k v             connection a sends a command; the reply is compared
//	a/3 SUBSCRIBE x y z   so many replies are
//	a/sorted SMEMBERS s   before, it is made comparable, see comparable
//	a& BLPOP k 0          sends only; the reply comes with
//	a<                    which reads one (a<3: three, a</sorted: see above) and compares
//	a<end                 the connection is closed
//	a! PING\r\n           sends a text as it is, with line ends as \r and \n
//	a/=p DUMP k           the reply is not compared, but $p is it from now on
//	blocked 1             waits until so many connections wait
//	mute a                no last PING of it, as it would not be answered
//	tap a                 which is subscribed to __key*: after each further line, all
//	                      messages that have come are compared
//
// A word in quotes has Go's escapes; "x"*600 is one that is repeated. When a scenario
// ends, every connection that waits for nothing is asked for a PING, which shows
// replies that came too many.
func TestScriptsAgainstRedis(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/scripts/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			ours, theirs := serve(t), startRedis(t)
			for _, part := range strings.Split("\n"+string(text), "\n-- ")[1:] {
				name, lines, _ := strings.Cut(part, "\n")
				t.Run(name, func(t *testing.T) { play(t, ours, theirs, lines) })
			}
		})
	}
}

// serve starts our server and returns the path of its socket.
func serve(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "redis") // as that of Redis; a socket's path must be short
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	sock := filepath.Join(dir, "s")
	l, err := net.Listen("unix", sock)
	require.NoError(t, err)
	srv := server.New(open(t, "", &kvstore.Options{DebugCommand: "yes"}), nil)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	t.Cleanup(func() {
		require.NoError(t, srv.Close())
		require.ErrorIs(t, <-served, server.ErrServerClosed)
	})
	return sock
}

// A side is one of the two servers.
type side struct {
	sock  string
	conns map[string]*bufio.ReadWriter
	vars  map[string]string
}

func newSide(sock string) *side {
	return &side{sock: sock, conns: make(map[string]*bufio.ReadWriter), vars: make(map[string]string)}
}

// patient waits for input, but not for ever.
type patient struct{ net.Conn }

func (p patient) Read(b []byte) (int, error) {
	if err := p.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return 0, err
	}
	return p.Conn.Read(b)
}

func (s *side) conn(t *testing.T, name string) *bufio.ReadWriter {
	if s.conns[name] == nil {
		c, err := net.Dial("unix", s.sock)
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		s.conns[name] = bufio.NewReadWriter(bufio.NewReader(patient{c}), bufio.NewWriter(c))
	}
	return s.conns[name]
}

func (s *side) send(t *testing.T, name string, words []string) {
	c := s.conn(t, name)
	_, _ = fmt.Fprintf(c, "*%d\r\n", len(words)) // Flush returns the error
	for _, w := range words {
		if v, ok := strings.CutPrefix(w, "$"); ok && s.vars[v] != "" {
			w = s.vars[v]
		}
		_, _ = fmt.Fprintf(c, "$%d\r\n%s\r\n", len(w), w)
	}
	require.NoError(t, c.Flush())
}

func (s *side) read(t *testing.T, name string) string {
	raw, err := readRaw(s.conn(t, name).Reader, nil)
	switch {
	case errors.Is(err, io.EOF):
		return "(closed)"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "(nothing) " + string(raw)
	}
	require.NoError(t, err)
	return string(raw)
}

// ended tells what is read instead of the end of the connection.
func (s *side) ended(t *testing.T, name string) string {
	b, err := s.conn(t, name).ReadByte()
	if err == nil {
		return fmt.Sprintf("%q", b)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "(nothing)"
	}
	return "(closed)"
}

// keep makes a reply the value of a variable: the text of a string, else all of it.
func (s *side) keep(name, raw string) {
	v := strings.TrimSuffix(raw[1:], "\r\n")
	if raw[0] == '$' || raw[0] == '=' {
		_, v, _ = strings.Cut(v, "\r\n")
	}
	s.vars[name] = v
}

// player plays a scenario.
type player struct {
	t       *testing.T
	sides   [2]*side // ours, theirs
	waiting map[string]int
	muted   map[string]bool
	tapped  string // a connection
	line    string
}

func play(t *testing.T, ours, theirs, lines string) {
	p := &player{t: t, waiting: make(map[string]int), muted: make(map[string]bool)}
	for i, sock := range []string{ours, theirs} {
		p.sides[i] = newSide(sock)
		p.sides[i].send(t, "admin", []string{"FLUSHALL"})
		require.Equal(t, "+OK\r\n", p.sides[i].read(t, "admin"))
	}
	for line := range strings.Lines(lines) {
		line = strings.TrimSpace(line)
		if line != "" && line[0] != '#' {
			p.line = line
			p.step(line)
			if p.tapped != "" {
				p.tap()
			}
		}
	}
	p.line = "the end"
	for name := range p.sides[1].conns {
		if name == "admin" || p.muted[name] || p.waiting[name] > 0 {
			continue
		}
		p.line = "the last PING of " + name
		for _, s := range p.sides {
			s.send(t, name, []string{"PING"})
		}
		p.compare(name, nil)
	}
}

// head is what begins a step: a connection and what to do with it.
var head = regexp.MustCompile(`^(\w+)(<end|<\d*|[&!])?(?:/([^ ]+))?(?: (.*))?$`)

func (p *player) step(line string) {
	m := head.FindStringSubmatch(line)
	require.NotNil(p.t, m, "what is %q?", line)
	name, how, ways, rest := m[1], m[2], m[3], m[4]
	switch {
	case name == "blocked":
		p.blocked(rest)
	case name == "tap":
		p.tapped, p.muted[rest] = rest, true
	case name == "mute":
		p.muted[rest] = true
	case how == "<end":
		for i, s := range p.sides {
			if got := s.ended(p.t, name); got != "(closed)" {
				p.t.Errorf("%s: not closed by side %d, but %s", line, i, got)
			}
		}
		p.muted[name] = true
	case strings.HasPrefix(how, "<"):
		n, _ := strconv.Atoi(how[1:]) // none: one
		p.replies(name, max(n, 1), ways)
		p.waiting[name] -= max(n, 1)
	case how == "!":
		text := strings.NewReplacer(`\r`, "\r", `\n`, "\n").Replace(rest)
		for _, s := range p.sides {
			c := s.conn(p.t, name)
			_, _ = c.WriteString(text) // Flush returns the error
			require.NoError(p.t, c.Flush())
		}
	default:
		words := wordsOf(p.t, rest)
		for _, s := range p.sides {
			s.send(p.t, name, words)
		}
		if how == "&" {
			p.waiting[name]++
			return
		}
		p.replies(name, 1, ways)
	}
}

// replies reads and compares n replies, or as many as how begins with.
func (p *player) replies(name string, n int, how string) {
	if v, ok := strings.CutPrefix(how, "="); ok {
		for _, s := range p.sides {
			s.keep(v, s.read(p.t, name))
		}
		return
	}
	var ways []string
	if how != "" {
		ways = strings.Split(how, ",")
	}
	if len(ways) > 0 {
		if i, err := strconv.Atoi(ways[0]); err == nil {
			n, ways = i, ways[1:]
		}
	}
	for range n {
		p.compare(name, ways)
	}
}

// tap compares the messages that have come.
func (p *player) tap() {
	if heard := p.heard(); heard[0] != heard[1] {
		p.t.Errorf("messages after %s\n got %s\nwant %s", p.line, short(heard[0]), short(heard[1]))
	}
}

// heard returns the messages that have come.
func (p *player) heard() (heard [2]string) {
	for i, s := range p.sides {
		s.send(p.t, "admin", []string{"PUBLISH", "__key", "end"})
		require.Equal(p.t, ":1\r\n", s.read(p.t, "admin"))
		for !strings.HasSuffix(heard[i], "$5\r\n__key\r\n$3\r\nend\r\n") {
			heard[i] += s.read(p.t, p.tapped)
		}
	}
	return heard
}

func (p *player) compare(name string, ways []string) {
	got, want := p.sides[0].read(p.t, name), p.sides[1].read(p.t, name)
	for _, way := range ways {
		got, want = comparable(p.t, way, got), comparable(p.t, way, want)
	}
	if strings.HasPrefix(got+want, "(nothing)") || strings.HasPrefix(want, "(nothing)") {
		p.t.Fatalf("%s\n got %s\nwant %s", p.line, short(got), short(want))
	}
	if got != want {
		p.t.Errorf("%s\n got %s\nwant %s", p.line, short(got), short(want))
	}
}

func short(s string) string {
	s = strconv.Quote(s)
	if len(s) > 1500 {
		s = s[:1500] + "..."
	}
	return s
}

var digits = regexp.MustCompile(`\d+`)

// comparable makes replies equal that may differ.
func comparable(t *testing.T, way, raw string) string {
	switch way {
	case "sorted": // elements in any order
		return sorted([]byte(raw), 1)
	case "pairs": // or pairs of them
		return sorted([]byte(raw), 2)
	case "type": // only the kind of reply
		return raw[:1]
	case "digits": // any numbers
		return digits.ReplaceAllString(raw, "0")
	case "code": // the first word of an error
		code, _, _ := strings.Cut(raw, " ")
		return code
	case "headers": // of the sections of INFO
		return strings.Join(regexp.MustCompile(`(?m)^# .*$`).FindAllString(raw, -1), " ")
	case "ttl": // seconds, give or take one
		if n, err := strconv.ParseInt(strings.TrimSpace(raw[1:]), 10, 64); err == nil && n > 50 {
			return strconv.FormatInt((n+25)/50*50, 10)
		}
		return raw
	case "state": // those fields of CLIENT LIST that are not sizes or times
		return strings.Join(regexp.MustCompile(` (name|flags|db|sub|psub|ssub|multi|qbuf|obl|oll|omem|events|cmd|user|redir|resp)=\S*`).FindAllString(raw, -1), "")
	case "monitor": // without time and address
		return regexp.MustCompile(`^\+[\d.]+ (\[\d+) [^]]+`).ReplaceAllString(raw, "$1")
	case "calls": // lines of INFO without times, in any order
		lines := strings.Split(regexp.MustCompile(`usec=\d+,usec_per_call=[\d.]+`).ReplaceAllString(raw, ""), "\r\n")[1:]
		slices.Sort(lines)
		return strings.Join(lines, " ")
	case "lookups":
		return strings.Join(regexp.MustCompile(`keyspace_\w+:\d+`).FindAllString(raw, -1), " ")
	case "fields": // the names in name=value or name:value, and not the length before
		return strings.Join(regexp.MustCompile(`[\w-]+[=:]`).FindAllString(raw, -1), " ")
	}
	t.Fatalf("there is no way %q", way)
	return ""
}

func (p *player) blocked(n string) {
	for _, s := range p.sides {
		require.Eventually(p.t, func() bool {
			s.send(p.t, "admin", []string{"INFO", "clients"})
			return strings.Contains(s.read(p.t, "admin"), "blocked_clients:"+n+"\r\n")
		}, 10*time.Second, time.Millisecond, "%s", p.line)
	}
}

// wordsOf splits a command.
func wordsOf(t *testing.T, line string) (words []string) {
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		if line[0] != '"' {
			word, rest, _ := strings.Cut(line, " ")
			words, line = append(words, word), rest
			continue
		}
		quoted, err := strconv.QuotedPrefix(line)
		require.NoError(t, err, line)
		word, err := strconv.Unquote(quoted)
		require.NoError(t, err, line)
		line = line[len(quoted):]
		if times, ok := strings.CutPrefix(line, "*"); ok {
			count, rest, _ := strings.Cut(times, " ")
			n, err := strconv.Atoi(count)
			require.NoError(t, err, line)
			word, line = strings.Repeat(word, n), rest
		}
		words = append(words, word)
	}
	return slices.Clip(words)
}
