package gosh

import (
	"context"
	"strconv"
	"strings"
)

func getopts(s *Shell, _ context.Context, args []string) (int, *unwinding) {
	if len(args) < 3 {
		return s.complain("getopts", "usage: getopts optstring var [arg ...]"), nil
	}
	list := s.args
	if len(args) > 3 {
		list = args[3:]
	}
	text, _ := s.get("OPTIND")
	index, sub, _ := strings.Cut(text, ".") // OPTIND may carry the place inside of -abc
	i, err := strconv.Atoi(index)
	at, _ := strconv.Atoi(sub) // empty: 0
	if err != nil || i < 1 {
		i, at = 1, 0
	}
	finish := func(name, value string, index, at int, arg *string) (int, *unwinding) {
		optind := strconv.Itoa(index)
		if at > 0 {
			optind += "." + strconv.Itoa(at)
		}
		vars := map[string]string{args[2]: name, "OPTIND": optind}
		if arg != nil {
			vars["OPTARG"] = *arg
		} else {
			delete(s.vars, "OPTARG")
		}
		for n, v := range vars {
			if err := s.set(n, v); err != nil {
				return 0, s.expansionError("getopts: %v", err)
			}
		}
		return map[bool]int{true: 1, false: 0}[value == "end"], nil
	}
	if i > len(list) || at == 0 && (len(list[i-1]) < 2 || list[i-1][0] != '-') {
		return finish("?", "end", i, 0, nil)
	}
	if list[i-1] == "--" && at == 0 {
		return finish("?", "end", i+1, 0, nil)
	}
	word := list[i-1]
	pos := max(at, 1)
	c := string(word[pos])
	spec := strings.TrimPrefix(args[1], ":")
	quiet := spec != args[1]
	known := strings.Index(spec, c)
	next, nextAt := i, pos+1
	if nextAt >= len(word) {
		next, nextAt = i+1, 0
	}
	if known < 0 || c == ":" {
		if quiet {
			return finish("?", "", next, nextAt, &c)
		}
		s.errorf("illegal option -- %s", c)
		return finish("?", "", next, nextAt, nil)
	}
	if known+1 >= len(spec) || spec[known+1] != ':' {
		return finish(c, "", next, nextAt, nil)
	}
	if nextAt > 0 {
		arg := word[nextAt:]
		return finish(c, "", i+1, 0, &arg)
	}
	if next > len(list) {
		if quiet {
			return finish(":", "", next, 0, &c)
		}
		s.errorf("option requires an argument -- %s", c)
		return finish("?", "", next, 0, nil)
	}
	arg := list[next-1]
	return finish(c, "", next+1, 0, &arg)
}
