package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/groundwork-go/groundwork/kvstore"
)

// A config is what the command line and the configuration file say, as Redis's do.
type config struct {
	port, textPort, tlsPort int
	bind                    []string
	unixSocket              string
	unixSocketPerm          os.FileMode
	cert, key, clientCA     string
	clientAuth, protocols   string
	logFile, pidFile        string
	daemonize               bool
	supervised              string
	dir                     string
	appendOnly              bool
	save                    *string // nil: not given
	o                       kvstore.Options
}

// errOption is wrapped by the errors for options; they name the option.
var errOption = errors.New("bad option")

func bad(name, format string, args ...any) error {
	return fmt.Errorf("%w '%s': %s", errOption, name, fmt.Sprintf(format, args...))
}

// parseConfig reads a command line: the name of a file in the style of redis.conf or
// - for standard input, if there is one, and options with their values.
func parseConfig(args []string, stdin io.Reader) (*config, error) {
	c := &config{port: 6379, textPort: none, bind: []string{"127.0.0.1", "-::1"}, dir: ".", appendOnly: true, clientAuth: "yes"}
	c.o.Config = [][2]string{{"protected-mode", "yes"}}
	if len(args) > 0 && !strings.HasPrefix(args[0], "--") {
		if err := c.readFile(args[0], stdin); err != nil {
			return nil, err
		}
		args = args[1:]
	}
	for len(args) > 0 {
		name, isOption := strings.CutPrefix(args[0], "--")
		if !isOption {
			return nil, bad(args[0], "options begin with --")
		}
		n := 1
		for n < len(args) && (n == 1 || !strings.HasPrefix(args[n], "--")) {
			n++
		}
		if err := c.option(name, args[1:n]); err != nil {
			return nil, err
		}
		args = args[n:]
	}
	if c.save == nil {
		c.save = new(string)
		if !c.appendOnly {
			*c.save = savePoints
		}
	}
	if c.daemonize && c.pidFile == "" {
		c.pidFile = "/var/run/redis.pid"
	}
	c.o.Config = append(c.o.Config, [2]string{"save", *c.save})
	return c, nil
}

// savePoints are Redis's.
const savePoints = "3600 1 300 100 60 10000"

func (c *config) readFile(name string, stdin io.Reader) error {
	in := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
		if c.o.ConfigFile == "" { // the first one, not what it includes
			if c.o.ConfigFile, err = filepath.Abs(name); err != nil {
				return err
			}
		}
	}
	lines := bufio.NewScanner(in)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		words, err := splitWords(line)
		switch {
		case err != nil:
		case strings.EqualFold(words[0], "include") && len(words) == 2:
			err = c.include(words[1], stdin)
		default:
			err = c.option(words[0], words[1:])
		}
		if err != nil {
			return fmt.Errorf("%s, line %d: %w", name, n, err)
		}
	}
	return lines.Err()
}

// include reads the files that a pattern matches; a name without a wildcard must exist.
func (c *config) include(pattern string, stdin io.Reader) error {
	if !strings.ContainsAny(pattern, "*?[") {
		return c.readFile(pattern, stdin)
	}
	names, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := c.readFile(name, stdin); err != nil {
			return err
		}
	}
	return nil
}

// splitWords splits a line; words in quotes may have spaces and escapes.
func splitWords(line string) ([]string, error) {
	var words []string
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		switch line[0] {
		case '"':
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, fmt.Errorf("unbalanced quotes in %q", line)
			}
			word, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", quoted, err)
			}
			words, line = append(words, word), line[len(quoted):]
		case '\'':
			word, rest, ok := strings.Cut(line[1:], "'")
			if !ok {
				return nil, fmt.Errorf("unbalanced quotes in %q", line)
			}
			words, line = append(words, word), rest
		default:
			n := strings.IndexAny(line, " \t")
			if n < 0 {
				n = len(line)
			}
			words, line = append(words, line[:n]), line[n:]
		}
	}
	return words, nil
}

// option takes one option. What the program itself obeys is told to the store too,
// for CONFIG GET.
func (c *config) option(name string, values []string) error {
	name = strings.ToLower(name)
	if len(values) == 0 && name != "save" && name != "bind" {
		return bad(name, "wrong number of arguments")
	}
	v := strings.Join(values, " ")
	var err error
	switch name {
	case "text-port":
		c.textPort, err = parsePort(v)
	case "databases":
		c.o.Databases, err = strconv.Atoi(v)
	case "dir":
		c.dir = v
	case "appendonly":
		c.appendOnly, err = yesNo(v)
	case "appendfsync":
		policies := []string{"everysec", "always", "no"}
		_, err = oneOf(v, policies...)
		c.o.Fsync = kvstore.Fsync(max(slices.Index(policies, v), 0))
	case "save":
		if c.save != nil && v != "" { // nothing takes back what was before
			v = strings.TrimSpace(*c.save + " " + v)
		}
		c.save = &v
	case "enable-debug-command":
		c.o.DebugCommand, err = oneOf(v, "yes", "no", "local")
	default:
		if err = c.listenOption(name, v, values); err == nil {
			err = c.processOption(name, v)
		}
		if c.port != anyPort || name != "port" {
			c.o.Config = append(c.o.Config, [2]string{name, v})
		}
	}
	if err != nil {
		return bad(name, "%v", err)
	}
	return nil
}

// listenOption takes what is about listening.
func (c *config) listenOption(name, v string, values []string) (err error) {
	switch name {
	case "bind":
		c.bind = slices.DeleteFunc(values, func(host string) bool { return host == "" })
	case "port":
		c.port, err = parsePort(v)
	case "tls-port":
		c.tlsPort, err = parsePort(v)
	case "tls-cert-file":
		c.cert = v
	case "tls-key-file":
		c.key = v
	case "tls-ca-cert-file":
		c.clientCA = v
	case "tls-auth-clients":
		c.clientAuth, err = oneOf(v, "yes", "no", "optional")
	case "tls-protocols":
		c.protocols = v
	case "unixsocket":
		c.unixSocket = v
	case "unixsocketperm":
		var perm uint64
		perm, err = strconv.ParseUint(v, 8, 9)
		c.unixSocketPerm = os.FileMode(perm)
	}
	return err
}

// processOption takes what is about the process.
func (c *config) processOption(name, v string) (err error) {
	switch name {
	case "logfile":
		c.logFile = v
	case "pidfile":
		c.pidFile = v
	case "daemonize":
		c.daemonize, err = yesNo(v)
	case "supervised":
		c.supervised, err = oneOf(v, "no", "systemd", "auto")
	}
	return err
}

// Ports that are none.
const (
	anyPort = -1 // one that is free
	none    = 0
)

func parsePort(v string) (int, error) {
	n, err := strconv.Atoi(v)
	if err == nil && (n < anyPort || n > 65535) {
		err = fmt.Errorf("must be between 0 and 65535, or -1 for one that is free")
	}
	return n, err
}

func yesNo(v string) (bool, error) {
	_, err := oneOf(v, "yes", "no")
	return v == "yes", err
}

func oneOf(v string, allowed ...string) (string, error) {
	if !slices.Contains(allowed, v) {
		return "", fmt.Errorf("must be one of %s, found %q", strings.Join(allowed, ", "), v)
	}
	return v, nil
}
