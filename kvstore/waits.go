package kvstore

import "time"

// cmdWait waits for replicas, of which there are none: until the time is over, if there
// have to be any.
func cmdWait(s *Session, a [][]byte) {
	n, ok := s.intArg(a[1])
	if !ok {
		return
	}
	ms, ok := parseInt(a[2])
	switch {
	case !ok:
		s.fail("ERR timeout is not an integer or out of range")
	case ms < 0:
		s.fail("ERR timeout is negative")
	case n <= 0:
		s.w.int(0)
	default:
		none := func(w *writer) { w.int(0) }
		s.wait(time.Duration(min(ms, int64(1<<62)/int64(time.Millisecond)))*time.Millisecond, &waiter{nobody: none}, nil)
	}
}
