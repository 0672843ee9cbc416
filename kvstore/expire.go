package kvstore

import (
	"math"
	"strings"
)

// deadline turns a time argument into Unix milliseconds. name is the command's, for
// the error; unit says how to read the argument: EX, PX, EXAT or PXAT.
func (s *Session) deadline(arg []byte, unit, name string, positive bool) (int64, bool) {
	n, ok := s.intArg(arg)
	if !ok {
		return 0, false
	}
	bad := positive && n <= 0
	if unit[0] == 'E' {
		bad = bad || n > math.MaxInt64/1000 || n < math.MinInt64/1000
		if !bad {
			n *= 1000
		}
	}
	if !bad && len(unit) == 2 {
		now := s.now()
		bad = n > math.MaxInt64-now
		n += now
	}
	if bad {
		s.fail("ERR invalid expire time in '" + name + "' command")
		return 0, false
	}
	return n, true
}

// timeUnits tells how each command of the family reads its time.
func expireUnit(name string) string {
	unit := "EX"
	if name[0] == 'p' {
		unit = "PX"
	}
	if strings.HasSuffix(name, "at") {
		unit += "AT"
	}
	return unit
}

func cmdExpire(s *Session, a [][]byte) {
	var nx, xx, gt, lt bool
	for _, opt := range a[3:] {
		switch {
		case is(opt, "NX"):
			nx = true
		case is(opt, "XX"):
			xx = true
		case is(opt, "GT"):
			gt = true
		case is(opt, "LT"):
			lt = true
		default:
			s.fail("ERR Unsupported option " + string(opt))
			return
		}
	}
	if nx && (xx || gt || lt) {
		s.fail("ERR NX and XX, GT or LT options at the same time are not compatible")
		return
	}
	if gt && lt {
		s.fail("ERR GT and LT options at the same time are not compatible")
		return
	}
	at, ok := s.deadline(a[2], expireUnit(s.cmd.name), s.cmd.name, false)
	if !ok {
		return
	}
	key := a[1]
	e := s.write(key)
	if !e.Exists() {
		s.w.int(0)
		return
	}
	old := e.ExpireAt()
	if nx && old != 0 || xx && old == 0 || gt && (old == 0 || at <= old) || lt && old != 0 && at >= old {
		s.w.int(0)
		return
	}
	if at <= s.now() && !s.replaying {
		s.remove(e)
		s.effect([]byte("DEL"), key)
		s.changed(key, 1)
		s.notify(notifyGeneric, "del", key)
		s.w.int(1)
		return
	}
	e.SetExpireAt(max(at, 1))
	s.effect([]byte("PEXPIREAT"), key, itoa(at))
	s.changed(key, 1)
	s.notify(notifyGeneric, "expire", key)
	s.w.int(1)
}

func cmdTtl(s *Session, a [][]byte) {
	e := s.glimpse(a[1])
	if !e.Exists() {
		s.w.int(-2)
		return
	}
	at := e.ExpireAt()
	if at == 0 {
		s.w.int(-1)
		return
	}
	switch s.cmd.upper {
	case "PEXPIRETIME":
		s.w.int(at)
	case "EXPIRETIME":
		s.w.int((at + 500) / 1000)
	case "PTTL":
		s.w.int(max(at-s.now(), 0))
	default:
		s.w.int((max(at-s.now(), 0) + 500) / 1000)
	}
}

func cmdPersist(s *Session, a [][]byte) {
	e := s.write(a[1])
	if !e.Exists() || e.ExpireAt() == 0 {
		s.w.int(0)
		return
	}
	e.SetExpireAt(0)
	s.changed(a[1], 1)
	s.notify(notifyGeneric, "persist", a[1])
	s.w.int(1)
}
