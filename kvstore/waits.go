package kvstore

// cmdWait waits for replicas, of which there are none: until the time is over, if there
// have to be any.
func cmdWait(s *Session, a [][]byte) {
	n, ok := s.intArg(a[1])
	if !ok {
		return
	}
	timeout, ok := s.millisArg(a[2])
	switch {
	case !ok:
	case n <= 0:
		s.w.int(0)
	default:
		s.wait(timeout, &waiter{nobody: func(w *writer) { w.int(0) }}, nil)
	}
}
