package kvstore

func cmdHello(s *Session, a [][]byte) {
	proto := s.w.proto
	if len(a) > 1 {
		n, ok := parseInt(a[1])
		if !ok {
			s.fail("ERR Protocol version is not an integer or out of range")
			return
		}
		if n != 2 && n != 3 {
			s.fail("NOPROTO unsupported protocol version")
			return
		}
		proto = int(n)
	}
	var name []byte
	for i := 2; i < len(a); i++ {
		switch {
		case is(a[i], "AUTH") && i+2 < len(a):
			if !s.authenticate(a[i+1], a[i+2]) {
				return
			}
			i += 2
		case is(a[i], "SETNAME") && i+1 < len(a):
			name = a[i+1]
			if !s.setName(name) {
				return
			}
			i++
		default:
			s.fail("ERR Syntax error in HELLO option '" + string(a[i]) + "'")
			return
		}
	}
	if !s.Authenticated() {
		s.fail("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
		return
	}
	s.w.proto = proto
	s.client.proto.Store(int32(proto))
	s.w.mapHead(7)
	s.w.str("server")
	s.w.str("redis")
	s.w.str("version")
	s.w.str(redisVersion)
	s.w.str("proto")
	s.w.count(proto)
	s.w.str("id")
	s.w.int(s.client.id)
	s.w.str("mode")
	s.w.str("standalone")
	s.w.str("role")
	s.w.str("master")
	s.w.str("modules")
	s.w.emptyArray()
}

// redisVersion is that of the Redis whose commands and texts are followed; clients
// choose by it what they send.
const redisVersion = "7.0.15"

func (s *Session) authenticate(user, password []byte) bool {
	if want := s.db.password(); string(user) != "default" || want != "" && !sameSecret(password, want) {
		s.fail("WRONGPASS invalid username-password pair or user is disabled.")
		return false
	}
	s.authed = true
	s.setSpecial()
	return true
}

// sameSecret compares in a time that does not tell where the difference is.
func sameSecret(a []byte, b string) bool {
	diff := len(a) ^ len(b)
	for i := range a {
		diff |= int(a[i] ^ b[i%max(1, len(b))])
	}
	return diff == 0
}

func cmdAuth(s *Session, a [][]byte) {
	if len(a) > 3 {
		s.fail(msgSyntax)
		return
	}
	user, password := []byte("default"), a[len(a)-1]
	if len(a) == 3 {
		user = a[1]
	} else if s.db.password() == "" {
		s.fail("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
		return
	}
	if s.authenticate(user, password) {
		s.w.ok()
	}
}

func cmdReset(s *Session, _ [][]byte) {
	s.endMulti()
	s.unsubscribeAll()
	s.db.monitors.remove(s)
	s.dbi = 0
	s.w.proto = 2
	s.client.proto.Store(2)
	s.client.db.Store(0)
	s.client.name.Store(nil)
	s.client.noEvict.Store(false)
	s.noReply = replyOn
	s.authed = s.trusted || s.db.password() == ""
	s.setSpecial()
	s.w.status("RESET")
}

func cmdQuit(s *Session, _ [][]byte) {
	s.closing = true
	s.w.ok()
}

func cmdPing(s *Session, a [][]byte) {
	if len(a) > 2 {
		s.fail(wrongArity(s.cmd))
		return
	}
	if s.w.proto < 3 && s.subs.n() > 0 {
		s.w.array(2)
		s.w.str("pong")
		if len(a) == 2 {
			s.w.bulk(a[1])
		} else {
			s.w.str("")
		}
		return
	}
	if len(a) == 2 {
		s.w.bulk(a[1])
	} else {
		s.w.status("PONG")
	}
}

func cmdEcho(s *Session, a [][]byte) { s.w.bulk(a[1]) }

func cmdSelect(s *Session, a [][]byte) {
	n, ok := s.intArg(a[1])
	switch {
	case !ok:
	case n < 0 || n >= int64(s.db.sp.DBs()):
		s.fail("ERR DB index is out of range")
	default:
		s.dbi = int(n)
		s.client.db.Store(int32(n))
		s.w.ok()
	}
}
