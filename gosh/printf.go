package gosh

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

func echo(s *Shell, _ context.Context, args []string) (int, *unwinding) {
	words, end := args[1:], "\n"
	if len(words) > 0 && words[0] == "-n" {
		words, end = words[1:], ""
	}
	text, stop := unescape(strings.Join(words, " "), true)
	if stop {
		end = ""
	}
	return s.write("echo", text+end), nil
}

// unescape replaces the backslash sequences of echo and of printf's %b. stop tells
// that \c ended the output.
func unescape(text string, zero bool) (out string, stop bool) {
	if !strings.Contains(text, `\`) {
		return text, false
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		if j := strings.IndexByte(`abfnrtv\`, text[i]); j >= 0 {
			b.WriteByte("\a\b\f\n\r\t\v\\"[j])
			continue
		}
		switch c := text[i]; {
		case c == 'c' && zero:
			return b.String(), true
		case zero && c == '0', !zero && '0' <= c && c <= '7':
			if zero {
				i++
			}
			n, digits := 0, 0
			for digits < 3 && i+digits < len(text) && '0' <= text[i+digits] && text[i+digits] <= '7' {
				n = n*8 + int(text[i+digits]-'0')
				digits++
			}
			b.WriteByte(byte(n))
			i += digits - 1
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String(), false
}

func printf(s *Shell, _ context.Context, args []string) (int, *unwinding) {
	if len(args) < 2 {
		return s.complain("printf", "a format is needed"), nil
	}
	rest := args[2:]
	var b strings.Builder
	status := 0
	for {
		used, stop, err := s.format(&b, args[1], &rest)
		if err != nil {
			s.errorf("printf: %v", err)
			status = 1
		}
		if stop || used == 0 || len(rest) == 0 {
			break
		}
	}
	return max(s.write("printf", b.String()), status), nil
}

// format applies a format once; used counts the arguments it took.
func (s *Shell) format(b *strings.Builder, f string, rest *[]string) (used int, stop bool, err error) {
	next := func() string {
		used++
		if len(*rest) == 0 {
			return ""
		}
		a := (*rest)[0]
		*rest = (*rest)[1:]
		return a
	}
	number := func() int64 {
		n, e := printfInt(next())
		if e != nil {
			err = e
		}
		return n
	}
	for i := 0; i < len(f); i++ {
		switch {
		case f[i] == '\\' && i+1 < len(f):
			end := i + 2
			for end < len(f) && end < i+4 && '0' <= f[end] && f[end] <= '7' && '0' <= f[i+1] && f[i+1] <= '7' {
				end++
			}
			text, _ := unescape(f[i:end], false)
			b.WriteString(text)
			i = end - 1
			continue
		case f[i] != '%':
			b.WriteByte(f[i])
			continue
		}
		start := i
		for i++; i < len(f) && strings.IndexByte("-+ #0", f[i]) >= 0; i++ {
		}
		spec := f[start:i]
		for ; i < len(f) && (strings.IndexByte("0123456789.", f[i]) >= 0 || f[i] == '*'); i++ {
			if f[i] == '*' {
				spec += strconv.FormatInt(min(max(number(), -1<<20), 1<<20), 10)
			} else {
				spec += string(f[i])
			}
		}
		if i == len(f) {
			return used, true, fmt.Errorf("%s: incomplete format", f[start:])
		}
		if len(strings.Trim(spec, "%-+ #0.")) > 7 {
			return used, true, fmt.Errorf("%s: width too large", spec)
		}
		switch c := f[i]; c {
		case '%':
			b.WriteByte('%')
		case 's':
			fmt.Fprintf(b, spec+"s", next())
		case 'b':
			text, ends := unescape(next(), true)
			fmt.Fprintf(b, spec+"s", text)
			if ends {
				return used, true, err
			}
		case 'c':
			a := next()
			fmt.Fprintf(b, spec+"s", a[:min(1, len(a))])
		case 'd', 'i':
			fmt.Fprintf(b, spec+"d", number())
		case 'o', 'x', 'X':
			fmt.Fprintf(b, spec+string(c), uint64(number()))
		case 'u':
			fmt.Fprintf(b, spec+"d", uint64(number()))
		case 'e', 'E', 'f', 'F', 'g', 'G':
			a := next()
			x, e := strconv.ParseFloat(a, 64)
			if e != nil && a != "" {
				err = fmt.Errorf("%s: not a number", a)
			}
			fmt.Fprintf(b, spec+string(c), x)
		default:
			return used, true, fmt.Errorf("%%%c: unknown directive", c)
		}
	}
	return used, false, err
}

func printfInt(a string) (int64, error) {
	if a == "" {
		return 0, nil
	}
	if a[0] == '\'' || a[0] == '"' {
		for _, r := range a[1:] {
			return int64(r), nil
		}
		return 0, nil
	}
	n, err := strconv.ParseInt(a, 0, 64)
	if err != nil {
		return n, fmt.Errorf("%s: not a number", a)
	}
	return n, nil
}
