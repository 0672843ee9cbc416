package kvstore

import (
	"bytes"
	"strings"
)

// renames are what rename-command says: clients of servers know commands by other
// names, or not at all. The log and the program itself use the real ones.
type renames struct {
	real map[string]string // the new name, in lower case, and that of the command
	gone map[string]bool   // names that clients do not know any more
}

// rename takes a value of rename-command: a command, and its new name if it has one.
func (db *DB) rename(v string) error {
	words := strings.Fields(strings.ToLower(v))
	if len(words) == 0 || len(words) > 2 {
		return configError("wrong number of arguments")
	}
	t := db.cmds.Load()
	if t.find([]byte(words[0])) == nil {
		return configError("No such command in rename-command")
	}
	if db.renames == nil {
		db.renames = &renames{make(map[string]string), make(map[string]bool)}
	}
	r := db.renames
	r.gone[words[0]] = true
	if len(words) == 2 {
		if t.find([]byte(words[1])) != nil || r.real[words[1]] != "" {
			return configError("Target command name already exists")
		}
		r.real[words[1]] = words[0]
	}
	return nil
}

// resolve returns a command of a client with the real name; ok is false if clients do
// not know it.
func (r *renames) resolve(a [][]byte) (list [][]byte, ok bool) {
	name := bytes.ToLower(a[0])
	if real := r.real[string(name)]; real != "" {
		return append([][]byte{[]byte(real)}, a[1:]...), true
	}
	return a, !r.gone[string(name)]
}
