package kvstore

// There is no tracking: what clients ask before they use it is answered as by a Redis
// whose client has not turned it on.

func cmdClientTracking(s *Session, a [][]byte) {
	for i := 3; i < len(a); i++ {
		switch {
		case is(a[i], "BCAST"), is(a[i], "OPTIN"), is(a[i], "OPTOUT"), is(a[i], "NOLOOP"):
		case i+1 < len(a) && (is(a[i], "REDIRECT") || is(a[i], "PREFIX")):
			i++
		default:
			s.fail(msgSyntax)
			return
		}
	}
	switch {
	case is(a[2], "OFF"):
		s.w.ok()
	case is(a[2], "ON"):
		s.fail("ERR CLIENT TRACKING ON is not supported")
	default:
		s.fail(msgSyntax)
	}
}

func cmdClientTrackinginfo(s *Session, _ [][]byte) {
	s.w.mapHead(3)
	s.w.str("flags")
	s.w.setHead(1)
	s.w.str("off")
	s.w.str("redirect")
	s.w.int(-1)
	s.w.str("prefixes")
	s.w.emptyArray()
}

func cmdClientGetredir(s *Session, _ [][]byte) { s.w.int(-1) }

func cmdClientCaching(s *Session, _ [][]byte) {
	s.fail("ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled")
}
