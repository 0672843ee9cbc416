package kvstore

import (
	"slices"
	"strconv"
	"strings"
)

// A keySpec says where a command has keys, and what it does with them, in the terms of
// Redis's key specifications.
type keySpec struct {
	flags   []string
	unknown bool // the keys are not where a rule could say
	index   int
	num     bool // the argument at index counts the keys that follow
	last    int  // otherwise: the last key, relative to index; negative from the end
	step    int
}

// specs parses the text in the table of commands: specifications with semicolons
// between them, of flags with commas, the index of the first key, and what the last
// key is relative to it, or "num". Flags alone are for the keys from first to last.
func (c *command) specs() []keySpec {
	if c.spec == "" {
		return nil
	}
	var list []keySpec
	for text := range strings.SplitSeq(c.spec, "; ") {
		fields := strings.Fields(text)
		k := keySpec{flags: strings.Split(fields[0], ","), step: 1}
		switch {
		case len(fields) == 1:
			k.index, k.last, k.step = c.first, c.last, c.step
			if k.last > 0 {
				k.last -= k.index
			}
		case fields[1] == "?":
			k.unknown = true
		default:
			k.index, _ = strconv.Atoi(fields[1]) // it is our own text
			if k.num = fields[2] == "num"; !k.num {
				k.last, _ = strconv.Atoi(fields[2])
			}
		}
		list = append(list, k)
	}
	return list
}

// places returns where the keys are in some arguments.
func (k *keySpec) places(a [][]byte) []int {
	if k.unknown {
		return nil
	}
	if k.num {
		return keysFrom(a, k.index)
	}
	last := k.index + k.last
	if k.last < 0 {
		last = len(a) + k.last
	}
	var list []int
	for i := k.index; i <= last && i < len(a); i += k.step {
		list = append(list, i)
	}
	return list
}

// describeKeys appends the specifications as COMMAND INFO has them.
func (s *Session) describeKeys(c *command) {
	list := c.specs()
	s.w.setHead(len(list))
	// A part of a specification is its type, and numbers with names.
	part := func(name, kind string, names []string, numbers ...int) {
		s.w.str(name)
		s.w.mapHead(2)
		s.w.str("type")
		s.w.str(kind)
		s.w.str("spec")
		s.w.mapHead(len(names))
		for i, n := range names {
			s.w.str(n)
			s.w.int(int64(numbers[i]))
		}
	}
	for _, k := range list {
		s.w.mapHead(3)
		s.w.str("flags")
		s.w.setHead(len(k.flags))
		for _, f := range k.flags {
			s.w.status(f)
		}
		if k.unknown {
			part("begin_search", "unknown", nil)
			part("find_keys", "unknown", nil)
			continue
		}
		part("begin_search", "index", []string{"index"}, k.index)
		if k.num {
			part("find_keys", "keynum", []string{"keynumidx", "firstkey", "keystep"}, 0, 1, 1)
		} else {
			part("find_keys", "range", []string{"lastkey", "keystep", "limit"}, k.last, k.step, 0)
		}
	}
}

// A keyUse is a key in the arguments of a command, and what becomes of it.
type keyUse struct {
	at    int
	flags []string
}

// keyUses returns the keys in some arguments, none if a number of keys is wrong.
func (c *command) keyUses(a [][]byte) []keyUse {
	var list []keyUse
	for _, k := range c.specs() {
		if slices.Contains(k.flags, "not_key") {
			continue
		}
		flags := k.flags
		if slices.Contains(flags, "variable_flags") {
			flags = c.actualFlags(a)
		}
		places := k.places(a)
		if k.num && len(places) == 0 {
			return k.doubtful(a)
		}
		for _, i := range places {
			list = append(list, keyUse{i, flags})
		}
	}
	if c.name == "sort" {
		if i := storeOfSort(a); i > 0 {
			list = append(list, keyUse{i, []string{"OW", "update"}})
		}
	}
	return list
}

// doubtful returns the keys where their number is no proper one. Redis then takes what
// the text begins with, puts the destination last, and knows of no flags.
func (k *keySpec) doubtful(a [][]byte) (list []keyUse) {
	if k.index >= len(a) {
		return nil
	}
	n := leading(a[k.index])
	if n < 1 || n > len(a)-1-k.index {
		return nil
	}
	for i := range n {
		list = append(list, keyUse{at: k.index + 1 + i})
	}
	if slices.Contains(k.flags, "access") && !slices.Contains(k.flags, "delete") && k.index == 2 { // a STORE
		list = append(list, keyUse{at: 1})
	}
	return list
}

// leading returns the number that a text begins with, as C's atoi
// does; 0 if there is none.
func leading(b []byte) int {
	text := strings.TrimLeft(string(b), " \t\n\v\f\r")
	end := 0
	for end < len(text) && (text[end] >= '0' && text[end] <= '9' || end == 0 && (text[0] == '+' || text[0] == '-')) {
		end++
	}
	n, _ := strconv.Atoi(text[:end]) // 0 then, or a very large one
	return n
}

// storeOfSort returns the place of the key behind the last STORE, 0 if there is none.
func storeOfSort(a [][]byte) (at int) {
	for i := 2; i < len(a); i++ {
		switch {
		case is(a[i], "LIMIT"):
			i += 2
		case is(a[i], "GET"), is(a[i], "BY"):
			i++
		case is(a[i], "STORE") && i+1 < len(a):
			i++
			at = i
		}
	}
	return at
}

// actualFlags are those of commands for which it depends on the arguments.
func (c *command) actualFlags(a [][]byte) []string {
	switch {
	case c.name == "set" && !slices.ContainsFunc(a[3:], func(arg []byte) bool { return is(arg, "GET") }):
		return []string{"OW", "update"}
	case c.name == "bitfield" && onlyGets(a):
		return []string{"RO", "access"}
	}
	return []string{"RW", "access", "update"}
}

// onlyGets tells whether a BITFIELD changes nothing, and is right as far as that goes.
func onlyGets(a [][]byte) bool {
	for i := 2; i < len(a); i++ {
		left := len(a) - i - 1
		switch {
		case is(a[i], "GET") && left >= 2:
			i += 2
		case is(a[i], "OVERFLOW") && left >= 1:
			i++
		default:
			return false
		}
	}
	return true
}
