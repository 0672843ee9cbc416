package kvstore

import (
	"strconv"
	"strings"
)

// The classes of key events, as in notify-keyspace-events.
const (
	notifyKeyspace = 1 << iota // K
	notifyKeyevent             // E
	notifyGeneric              // g
	notifyString               // $
	notifyList                 // l
	notifySet                  // s
	notifyHash                 // h
	notifyZSet                 // z
	notifyExpired              // x
	notifyEvicted              // e
	notifyStream               // t
	notifyKeyMiss              // m
	notifyModule               // d
	notifyNew                  // n

	notifyAll = notifyGeneric | notifyString | notifyList | notifySet | notifyHash | notifyZSet |
		notifyExpired | notifyEvicted | notifyStream | notifyModule // A
)

const notifyLetters = "KEg$lshzxetmdn"

func parseNotify(s string) (int64, bool) {
	var flags int64
	for _, c := range s {
		if c == 'A' {
			flags |= notifyAll
			continue
		}
		i := strings.IndexRune(notifyLetters, c)
		if i < 0 {
			return 0, false
		}
		flags |= 1 << i
	}
	return flags, true
}

// formatNotify returns the letters in Redis's order.
func formatNotify(flags int64) string {
	var b strings.Builder
	if flags&notifyAll == notifyAll {
		b.WriteByte('A')
	} else {
		for _, c := range "g$lshzxetdn" {
			if flags&(1<<strings.IndexRune(notifyLetters, c)) != 0 {
				b.WriteRune(c)
			}
		}
	}
	for _, c := range "KEm" {
		if flags&(1<<strings.IndexRune(notifyLetters, c)) != 0 {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// notify publishes an event of a key.
func (s *Session) notify(class int64, event string, key []byte) { s.notifyIn(s.dbi, class, event, key) }

func (s *Session) notifyIn(dbi int, class int64, event string, key []byte) {
	flags := s.db.conf.notify.Load()
	if flags == 0 || s.replaying {
		return
	}
	if s.foreseen != nil {
		s.beforeEvent()
	}
	if flags&class == 0 {
		return
	}
	at := "@" + strconv.Itoa(dbi) + "__:"
	if flags&notifyKeyspace != 0 {
		s.db.hub.publish("__keyspace"+at+string(key), []byte(event), false, nil)
	}
	if flags&notifyKeyevent != 0 {
		s.db.hub.publish("__keyevent"+at+event, key, false, nil)
	}
}
