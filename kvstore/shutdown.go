package kvstore

func cmdShutdown(s *Session, a [][]byte) {
	var o ShutdownOptions
	for _, arg := range a[1:] {
		switch {
		case is(arg, "NOSAVE"):
			o.NoSave = true
		case is(arg, "SAVE"):
			o.Save = true
		case is(arg, "NOW"):
			o.Now = true
		case is(arg, "FORCE"):
			o.Force = true
		case is(arg, "ABORT"):
			o.Abort = true
		default:
			s.fail(msgSyntax)
			return
		}
	}
	switch {
	case o.Abort && len(a) > 2 || o.Save && o.NoSave:
		s.fail(msgSyntax)
	case o.Abort:
		s.fail("ERR No shutdown in progress.")
	case s.o.Shutdown == nil:
		s.fail("ERR Errors trying to SHUTDOWN. Check logs.")
	default:
		s.closing = true
		s.o.Shutdown(o)
	}
}
