package container

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/groundwork-go/groundwork/container/internal/cgroup"
	"github.com/groundwork-go/groundwork/container/internal/plan"
)

// process is a started container.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // set before done is closed
}

func (p *process) wait() error {
	<-p.done
	return p.err
}

func (p *process) signal(sig os.Signal) error { return p.cmd.Process.Signal(sig) }

// syncFD is where the program inside waits until its limits are in force.
const syncFD = plan.ReportFD + 1

func (c *Cmd) start() (*process, error) {
	path, err := c.lookPath()
	if err != nil {
		return nil, err
	}
	root, err := os.MkdirTemp("", "container-")
	if err != nil {
		return nil, &Error{Op: "mkdir", Err: err}
	}
	prog := plan.Compile(c.steps(root, path))
	started := make(chan error, 1)
	p := &process{done: make(chan struct{})}
	go func() {
		defer close(p.done)
		// The kernel kills the container when the thread that made it ends, and so
		// with this process. The thread stays for as long as the container does.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		p.err = c.run(p, prog, started)
		if err := os.Remove(root); err != nil && p.err == nil {
			p.err = &Error{Op: "rmdir", Path: root, Err: err}
		}
	}()
	if err := <-started; err != nil {
		<-p.done
		return nil, err
	}
	return p, nil
}

// run starts the program, tells started how that went, and waits for its end.
func (c *Cmd) run(p *process, prog *plan.Program, started chan<- error) error {
	fail := func(err error) error {
		started <- err
		return nil
	}
	image, err := sealed(prog.Image)
	if err != nil {
		return fail(&Error{Op: "memfd", Err: err})
	}
	defer image.Close()
	reportR, reportW, err := os.Pipe()
	if err != nil {
		return fail(&Error{Op: "pipe", Err: err})
	}
	defer reportR.Close()
	syncR, syncW, err := os.Pipe()
	if err != nil {
		_ = reportW.Close() // nothing was written
		return fail(&Error{Op: "pipe", Err: err})
	}
	defer syncW.Close()
	cmd := exec.CommandContext(c.ctx, fmt.Sprintf("/proc/self/fd/%d", image.Fd()))
	cmd.Args = []string{"container"}
	cmd.Env = []string{}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Stdin, c.Stdout, c.Stderr
	cmd.ExtraFiles = []*os.File{reportW, syncR} // plan.ReportFD, syncFD
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
		Setsid:      true, // a terminal's signals are the caller's business
		Pdeathsig:   syscall.SIGKILL,
	}
	if c.bundle != nil {
		cmd.SysProcAttr.Cloneflags |= c.bundle.cloneFlags()
	}
	err = cmd.Start()
	_ = reportW.Close() // now only inside
	_ = syncR.Close()
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return fail(&Error{Op: "clone", Path: "namespaces", Err: err})
	}
	p.cmd = cmd
	group, err := c.limit(cmd.Process.Pid)
	if err == nil {
		_, err = syncW.Write([]byte{1})
	}
	if err == nil {
		err = c.began(prog, reportR)
	}
	if err != nil {
		_ = cmd.Process.Kill() // it may have ended by itself
		_ = cmd.Wait()         // the cause is known
		return fail(errors.Join(err, remove(group)))
	}
	started <- nil
	err = cmd.Wait()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // its output was held open by nobody who counts
	}
	if ctxErr := c.ctx.Err(); ctxErr != nil && err != nil && errors.Is(ctxErr, context.Cause(c.ctx)) {
		err = ctxErr
	}
	if rmErr := remove(group); err == nil {
		err = rmErr
	}
	return err
}

// began reads the report: none means that the program inside was replaced by the
// command.
func (c *Cmd) began(prog *plan.Program, r io.Reader) error {
	report, err := io.ReadAll(r)
	if err != nil {
		return &Error{Op: "report", Err: err}
	}
	if len(report) == 0 {
		return nil
	}
	i, step, errno, err := prog.Failed(report)
	if err != nil {
		return &Error{Op: "report", Err: err}
	}
	return &Error{Op: step.Op, Path: step.Path, Step: i + 1, Err: errno}
}

// sealed puts a program into memory that nobody can change, at a descriptor that is
// out of the way of those that are passed.
func sealed(image []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate("container", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "container")
	defer f.Close()
	if _, err := f.Write(image); err != nil {
		return nil, err
	}
	seals := unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, seals); err != nil {
		return nil, err
	}
	high, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 64)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(high), "container"), nil
}

// limit puts the process into a cgroup, if there are limits.
func (c *Cmd) limit(pid int) (*cgroup.Group, error) {
	if c.Limits == (Limits{}) {
		return nil, nil
	}
	g, err := cgroup.New(fmt.Sprintf("groundwork-%d-%d", os.Getpid(), pid), c.Limits.Memory, c.Limits.Pids)
	if err == nil {
		err = g.Add(pid)
	}
	if err == nil {
		return g, nil
	}
	e := &Error{Op: "cgroup", Err: err}
	var pe *os.PathError
	if errors.As(err, &pe) {
		e.Path, e.Err = pe.Path, pe.Err
	}
	return g, e
}

func remove(g *cgroup.Group) error {
	if g == nil {
		return nil
	}
	if err := g.Remove(); err != nil {
		return &Error{Op: "cgroup", Err: err}
	}
	return nil
}

func (c *Cmd) env() []string {
	if c.Env == nil {
		return os.Environ()
	}
	return c.Env
}

// lookPath finds the program as it will be seen inside, from outside.
func (c *Cmd) lookPath() (string, error) {
	notFound := &Error{Op: "exec", Path: c.Path, Err: exec.ErrNotFound}
	if strings.Contains(c.Path, "/") {
		if filepath.IsAbs(c.Path) {
			return c.Path, nil
		}
		return filepath.Join(c.dir(), c.Path), nil
	}
	search := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	for _, kv := range c.env() {
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			search = v
		}
	}
	for _, dir := range filepath.SplitList(search) {
		if !filepath.IsAbs(dir) {
			continue
		}
		path := filepath.Join(dir, c.Path)
		// A link of a root folder cannot be followed from outside: it counts.
		if info, err := os.Lstat(filepath.Join(c.RootFS, path)); err == nil && !info.IsDir() {
			return path, nil
		}
	}
	return "", notFound
}

func (c *Cmd) dir() string {
	if c.Dir == "" {
		return "/"
	}
	return c.Dir
}

// steps is what happens inside, in order. root is an empty folder of the host.
func (c *Cmd) steps(root, path string) []plan.Step {
	b := &builder{}
	one := plan.Scratch()
	b.add("wait for limits", "", unix.SYS_READ, plan.Num(syncFD), one, plan.Num(1))
	b.mount("make private", "", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	source := c.RootFS
	if source == "" {
		source = "/"
	} else if abs, err := filepath.Abs(source); err == nil {
		source = abs
	}
	b.mount("bind root", source, root, "", unix.MS_BIND|unix.MS_REC, "")
	if c.RootFS == "" {
		b.readOnly(root, unix.AT_RECURSIVE)
		b.mount("mount", "tmpfs", root+"/tmp", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777")
		b.mount("mount", "tmpfs", root+"/dev/shm", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777").IgnoreError = true
	} else if c.bundle == nil {
		b.devices(root)
	}
	for _, m := range c.Mounts {
		target := m.Target
		if target == "" {
			target = m.Source
		}
		b.mkdirs(root, target)
		b.mount("bind", m.Source, root+target, "", unix.MS_BIND|unix.MS_REC, "")
		if m.ReadOnly {
			b.readOnly(root+target, unix.AT_RECURSIVE)
		}
	}
	if c.bundle == nil {
		b.mkdirs(root, "/proc")
		b.mount("mount", "proc", root+"/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	} else {
		b.specMounts(root, filepath.Dir(source), c.bundle)
	}
	b.add("chdir", root, unix.SYS_CHDIR, plan.Str(root))
	b.add("pivot_root", root, unix.SYS_PIVOT_ROOT, plan.Str("."), plan.Str("."))
	b.add("umount", "old root", unix.SYS_UMOUNT2, plan.Str("."), plan.Num(unix.MNT_DETACH))
	name := c.Hostname
	if name == "" {
		name = "container"
	}
	b.add("sethostname", name, unix.SYS_SETHOSTNAME, plan.Str(name), plan.Num(uintptr(len(name))))
	b.add("chdir", c.dir(), unix.SYS_CHDIR, plan.Str(c.dir()))
	if c.bundle != nil {
		b.setLimits(c.bundle.rlimits)
		if c.bundle.caps != nil {
			b.dropCapabilities(c.bundle.caps)
		}
	}
	b.add("no_new_privs", "", unix.SYS_PRCTL, plan.Num(unix.PR_SET_NO_NEW_PRIVS), plan.Num(1))
	b.add("close descriptors", "", unix.SYS_CLOSE_RANGE, plan.Num(3), plan.Num(1<<31-1), plan.Num(unix.CLOSE_RANGE_CLOEXEC))
	b.add("exec", path, unix.SYS_EXECVE, plan.Str(path), plan.Strs(c.Args), plan.Strs(c.env()))
	return b.steps
}

// builder collects steps.
type builder struct{ steps []plan.Step }

func (b *builder) add(op, path string, nr uintptr, args ...plan.Arg) *plan.Step {
	s := plan.Step{Op: op, Path: path, Nr: nr}
	copy(s.Args[:], args)
	b.steps = append(b.steps, s)
	return &b.steps[len(b.steps)-1]
}

func (b *builder) mount(op, source, target, kind string, flags uintptr, data string) *plan.Step {
	text := func(s string) plan.Arg {
		if s == "" {
			return plan.Num(0)
		}
		return plan.Str(s)
	}
	shown := target
	if op == "mount" {
		shown = kind + " on " + target
	} else if source != "" {
		shown = source
	}
	return b.add(op, shown, unix.SYS_MOUNT, text(source), plan.Str(target), text(kind), plan.Num(flags), text(data))
}

// readOnly makes a mount read-only (mount_setattr, Linux 5.12).
func (b *builder) readOnly(target string, flags uintptr) {
	attr := binary.LittleEndian.AppendUint64(nil, unix.MOUNT_ATTR_RDONLY)
	attr = append(attr, make([]byte, 24)...) // nothing cleared, propagation as it is
	b.add("make read-only", target, unix.SYS_MOUNT_SETATTR, plan.Int(unix.AT_FDCWD), plan.Str(target), plan.Num(flags), plan.Bytes(attr), plan.Num(uintptr(len(attr))))
}

// mkdirs makes the folders of a path below root, where they do not exist. Whether
// that worked shows when something is mounted there.
func (b *builder) mkdirs(root, path string) {
	at := root
	for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		at += "/" + part
		b.add("mkdir", at, unix.SYS_MKDIR, plan.Str(at), plan.Num(0o755)).IgnoreError = true
	}
}

// devices gives a root folder of its own the devices that programs expect.
func (b *builder) devices(root string) {
	dev := root + "/dev"
	b.mkdirs(root, "/dev")
	b.mount("mount", "tmpfs", dev, "tmpfs", unix.MS_NOSUID, "mode=755")
	b.deviceNodes(dev)
	b.mkdirs(root, "/dev/shm")
	b.mount("mount", "tmpfs", dev+"/shm", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777")
}

// deviceNodes binds the host's devices into a folder that is empty so far.
func (b *builder) deviceNodes(dev string) {
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		path := dev + "/" + name
		b.add("create", path, unix.SYS_MKNOD, plan.Str(path), plan.Num(unix.S_IFREG|0o666))
		b.mount("bind", "/dev/"+name, path, "", unix.MS_BIND, "")
	}
	for link, target := range map[string]string{"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"} {
		b.add("symlink", dev+"/"+link, unix.SYS_SYMLINK, plan.Str(target), plan.Str(dev+"/"+link))
	}
}
