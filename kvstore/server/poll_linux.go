package server

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// A poller waits for descriptors to become ready, and for notify. Only notify may
// be called from another goroutine than the one that waits.
type poller struct {
	ep, ev int
	events [512]unix.EpollEvent
}

func newPoller() (*poller, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	ev, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		_ = unix.Close(ep) // the first error counts
		return nil, err
	}
	p := &poller{ep: ep, ev: ev}
	if err := p.add(ev, unix.EPOLLIN); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *poller) close() {
	_ = unix.Close(p.ev) // nothing can be done about errors of either
	_ = unix.Close(p.ep)
}

func (p *poller) add(fd int, events uint32) error {
	return unix.EpollCtl(p.ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

// watch has the poller tell of fd once when input or its end comes, and when there is
// room for output again. As long as that were true it would look at fd in every round.
func (p *poller) watch(fd int) error {
	return p.add(fd, unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLRDHUP|unix.EPOLLET)
}

// poll returns what is ready, without waiting. It does not tell the scheduler of
// the system call, which is over before that would pay.
func (p *poller) poll() []unix.EpollEvent {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.ep), uintptr(unsafe.Pointer(&p.events[0])), uintptr(len(p.events)), 0, 0, 0)
	if errno != 0 {
		return nil
	}
	return p.events[:n]
}

// wait waits for at most so many milliseconds, or without end for -1.
func (p *poller) wait(millis int) []unix.EpollEvent {
	n, err := unix.EpollWait(p.ep, p.events[:], millis)
	if err != nil { // interrupted by a signal
		return nil
	}
	return p.events[:n]
}

// notify makes wait return.
func (p *poller) notify() {
	one := [8]byte{1}
	_, _ = unix.Write(p.ev, one[:]) // fails only if there are notices already
}

// noticed takes back what notify did.
func (p *poller) noticed() {
	var b [8]byte
	_, _ = unix.Read(p.ev, b[:]) // fails only if there is none
}

// What readFD returns in place of a number of bytes.
const (
	readEnd     = 0 // the client sends no more
	readNothing = -1
	readBroken  = -2 // the client is gone
)

// readFD reads from a socket without blocking. recvfrom is read without what files
// need.
func readFD(fd int, b []byte) int {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0, 0)
		switch errno {
		case 0:
			return int(n)
		case unix.EAGAIN:
			return readNothing
		case unix.EINTR:
		default:
			return readBroken
		}
	}
}

// writeFD writes without blocking what the socket takes; ok is false when the
// connection has ended.
func writeFD(fd int, b []byte) (n int, ok bool) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			return int(n), true
		case unix.EAGAIN:
			return 0, true
		case unix.EINTR:
		default:
			return 0, false
		}
	}
}
