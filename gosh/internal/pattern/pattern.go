// Package pattern matches shell patterns: * ? [...] and backslash, over characters.
package pattern

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// HasMeta tells whether p has an active * ? or [.
func HasMeta(p string) bool {
	for i := 0; i < len(p); i++ {
		switch p[i] {
		case '\\':
			i++
		case '*', '?', '[':
			return true
		}
	}
	return false
}

// Escape quotes all characters of s that mean something.
func Escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte(`*?[\]!-`, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// Unescape removes the backslashes.
func Unescape(p string) string {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		if p[i] == '\\' && i+1 < len(p) {
			i++
		}
		b.WriteByte(p[i])
	}
	return b.String()
}

// Match tells whether the whole of s matches p. Only the last * is tried again, so
// that it takes time proportional to the product of both lengths at the worst.
func Match(p, s string) bool {
	pi, si := 0, 0
	star, mark := -1, 0
	for si < len(s) {
		if pi < len(p) {
			if p[pi] == '*' {
				star, mark = pi, si
				pi++
				continue
			}
			r, size := utf8.DecodeRuneInString(s[si:])
			if n, ok := one(p[pi:], r, s[si:si+size]); ok {
				pi += n
				si += size
				continue
			}
		}
		if star < 0 {
			return false
		}
		_, size := utf8.DecodeRuneInString(s[mark:])
		mark += size
		pi, si = star+1, mark
	}
	for pi < len(p) && p[pi] == '*' {
		pi++
	}
	return pi == len(p)
}

// one matches a character, given also as text, with the first element of p, which
// is n bytes long.
func one(p string, r rune, text string) (n int, ok bool) {
	switch p[0] {
	case '?':
		return 1, true
	case '[':
		if n, ok, closed := bracket(p, r); closed {
			return n, ok
		}
	case '\\':
		if len(p) > 1 {
			p = p[1:]
			n = 1
		}
	}
	_, size := utf8.DecodeRuneInString(p)
	return n + size, p[:size] == text
}

// bracket matches [...]; not closed means that the [ is an ordinary character.
func bracket(p string, r rune) (n int, ok, closed bool) {
	i := 1
	negated := i < len(p) && (p[i] == '!' || p[i] == '^')
	if negated {
		i++
	}
	for first := true; i < len(p); first = false {
		if p[i] == ']' && !first {
			return i + 1, ok != negated, true
		}
		if strings.HasPrefix(p[i:], "[:") {
			if end := strings.Index(p[i:], ":]"); end > 0 {
				ok = ok || class(p[i+2:i+end], r)
				i += end + 2
				continue
			}
		}
		lo, size := char(p[i:])
		i += size
		hi := lo
		if i+1 < len(p) && p[i] == '-' && p[i+1] != ']' {
			hi, size = char(p[i+1:])
			i += 1 + size
		}
		ok = ok || lo <= r && r <= hi
	}
	return 0, false, false
}

// char decodes a character that may be escaped.
func char(p string) (rune, int) {
	if p[0] == '\\' && len(p) > 1 {
		r, size := utf8.DecodeRuneInString(p[1:])
		return r, size + 1
	}
	return utf8.DecodeRuneInString(p)
}

func class(name string, r rune) bool {
	switch name {
	case "alpha":
		return unicode.IsLetter(r)
	case "digit":
		return '0' <= r && r <= '9'
	case "alnum":
		return unicode.IsLetter(r) || '0' <= r && r <= '9'
	case "space":
		return unicode.IsSpace(r)
	case "blank":
		return r == ' ' || r == '\t'
	case "upper":
		return unicode.IsUpper(r)
	case "lower":
		return unicode.IsLower(r)
	case "punct":
		return r > ' ' && r < 0x7f && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	case "xdigit":
		return strings.ContainsRune("0123456789abcdefABCDEF", r)
	case "cntrl":
		return unicode.IsControl(r)
	case "print":
		return unicode.IsPrint(r)
	case "graph":
		return unicode.IsGraphic(r) && !unicode.IsSpace(r)
	}
	return false
}
