package gosh

import (
	"context"
	"strings"
)

// readLine reads up to a newline, byte by byte: what is behind it belongs to
// others. With a backslash the newline is part of the line, unless raw.
func (s *Shell) readLine(raw bool) (line string, escaped []bool, ok bool) {
	var b []byte
	in := s.stdin()
	buf := make([]byte, 1)
	for {
		n, err := in.Read(buf)
		if n == 0 && err == nil {
			continue
		}
		if n == 0 {
			return string(b), escaped, false
		}
		c := buf[0]
		if c == '\n' {
			return string(b), escaped, true
		}
		if c == '\\' && !raw {
			if n, _ := in.Read(buf); n == 0 { // at the end the backslash is dropped
				return string(b), escaped, false
			}
			if buf[0] == '\n' {
				continue
			}
			b = append(b, buf[0])
			escaped = append(escaped, true)
			continue
		}
		b = append(b, c)
		escaped = append(escaped, false)
	}
}

func read(s *Shell, _ context.Context, args []string) (int, *unwinding) {
	names := args[1:]
	raw := false
	for len(names) > 0 && strings.HasPrefix(names[0], "-") && len(names[0]) > 1 {
		if names[0] != "-r" {
			return s.complain("read", "%s: unknown option", names[0]), nil
		}
		raw = true
		names = names[1:]
	}
	for _, name := range names {
		if !isName(name) {
			return s.complain("read", "%s: bad variable name", name), nil
		}
	}
	if len(names) == 0 {
		return s.complain("read", "the name of a variable is needed"), nil
	}
	line, escaped, ok := s.readLine(raw)
	for i, value := range s.splitLine(line, escaped, len(names)) {
		if err := s.set(names[i], value); err != nil {
			return 0, s.expansionError("read: %v", err)
		}
	}
	if !ok {
		return 1, nil
	}
	return 0, nil
}

// splitLine divides a line for read into n fields, of which the last has the rest.
func (s *Shell) splitLine(line string, escaped []bool, n int) []string {
	ifs, set := s.get("IFS")
	if !set {
		ifs = " \t\n"
	}
	isSep := func(i int) bool { return !escaped[i] && strings.IndexByte(ifs, line[i]) >= 0 }
	isBlank := func(i int) bool { return isSep(i) && strings.IndexByte(" \t\n", line[i]) >= 0 }
	fields := make([]string, n)
	i := 0
	skipBlanks := func() {
		for i < len(line) && isBlank(i) {
			i++
		}
	}
	skipBlanks()
	for k := range n {
		if k == n-1 {
			end := len(line)
			for end > i && isBlank(end-1) {
				end--
			}
			// One separator at the very end is no part of the last field.
			if end > i && isSep(end-1) && !containsSep(i, end-1, isSep) {
				end--
			}
			fields[k] = line[i:end]
			break
		}
		start := i
		for i < len(line) && !isSep(i) {
			i++
		}
		fields[k] = line[start:i]
		skipBlanks()
		if i < len(line) && isSep(i) {
			i++
			skipBlanks()
		}
	}
	return fields
}

func containsSep(from, to int, isSep func(int) bool) bool {
	for i := from; i < to; i++ {
		if isSep(i) {
			return true
		}
	}
	return false
}
