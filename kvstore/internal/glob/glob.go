// Package glob matches Redis's patterns: * ? [a-z] [^x] and backslash.
package glob

// Match tells whether s matches pattern. It takes time proportional to the
// product of both lengths at the worst: only the last * is tried again.
func Match(pattern, s string) bool {
	p, i := 0, 0
	star, mark := -1, 0
	for i < len(s) {
		if p < len(pattern) {
			if pattern[p] == '*' {
				star, mark = p, i
				p++
				continue
			}
			if n, ok := one(pattern[p:], s[i]); ok {
				p += n
				i++
				continue
			}
		}
		if star < 0 {
			return false
		}
		mark++
		p, i = star+1, mark
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// one matches c with the first element of p, which is n bytes long.
func one(p string, c byte) (n int, ok bool) {
	switch p[0] {
	case '?':
		return 1, true
	case '\\':
		if len(p) > 1 {
			return 2, p[1] == c
		}
	case '[':
		return class(p, c)
	}
	return 1, p[0] == c
}

func class(p string, c byte) (n int, ok bool) {
	i := 1
	negated := i < len(p) && p[i] == '^'
	if negated {
		i++
	}
	for i < len(p) && p[i] != ']' {
		lo := p[i]
		if lo == '\\' && i+1 < len(p) {
			i++
			lo = p[i]
		}
		hi := lo
		if i+2 < len(p) && p[i+1] == '-' {
			hi = p[i+2]
			i += 2
		}
		if min(lo, hi) <= c && c <= max(lo, hi) {
			ok = true
		}
		i++
	}
	return min(i+1, len(p)), ok != negated
}
