package container

import (
	"encoding/binary"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/groundwork-go/groundwork/container/internal/plan"
)

// cloneFlags are the namespaces that a bundle asks for besides those always made.
func (b *bundle) cloneFlags() uintptr {
	var flags uintptr
	if b.network {
		flags |= unix.CLONE_NEWNET
	}
	if b.cgroupNS {
		flags |= unix.CLONE_NEWCGROUP
	}
	return flags
}

// specMounts makes the mounts of a bundle below root.
func (b *builder) specMounts(root, dir string, s *bundle) {
	device := false
	for _, m := range s.mounts {
		target := root + m.Destination
		flags, data := mountOptions(m)
		b.mkdirs(root, m.Destination)
		switch {
		case flags&unix.MS_BIND != 0:
			source := m.Source
			if !filepath.IsAbs(source) {
				source = filepath.Join(dir, source)
			}
			b.mount("bind", source, target, "", unix.MS_BIND|unix.MS_REC, "")
			if flags&unix.MS_RDONLY != 0 {
				b.readOnly(target, unix.AT_RECURSIVE)
			}
		case m.Type == "cgroup" || m.Type == "sysfs" && !s.network:
			// A file system of the host's namespace cannot be mounted anew.
			source := map[string]string{"cgroup": "/sys/fs/cgroup", "sysfs": "/sys"}[m.Type]
			b.mount("bind", source, target, "", unix.MS_BIND|unix.MS_REC, "")
			b.readOnly(target, unix.AT_RECURSIVE)
		default:
			b.mount("mount", m.Source, target, m.Type, flags, data)
		}
		device = device || m.Destination == "/dev"
	}
	if device {
		b.deviceNodes(root + "/dev")
		b.add("symlink", root+"/dev/ptmx", unix.SYS_SYMLINK, plan.Str("pts/ptmx"), plan.Str(root+"/dev/ptmx")).IgnoreError = true
	}
	for _, path := range s.masked {
		// One of them fits: a file or a folder, or nothing if it is not there.
		b.mount("mask", "/dev/null", root+path, "", unix.MS_BIND, "").IgnoreError = true
		b.mount("mask", "tmpfs", root+path, "tmpfs", unix.MS_RDONLY, "size=0").IgnoreError = true
	}
	for _, path := range s.readOnly {
		b.mount("bind", root+path, root+path, "", unix.MS_BIND|unix.MS_REC, "").IgnoreError = true
		b.readOnly(root+path, unix.AT_RECURSIVE)
		b.steps[len(b.steps)-1].IgnoreError = true // it is not there
	}
	if s.rootReadOnly {
		b.readOnly(root, 0)
	}
}

// mountOptions splits options into flags and what the file system itself reads.
func mountOptions(m specs.Mount) (flags uintptr, data string) {
	known := map[string]uintptr{
		"ro": unix.MS_RDONLY, "nosuid": unix.MS_NOSUID, "nodev": unix.MS_NODEV, "noexec": unix.MS_NOEXEC, "sync": unix.MS_SYNCHRONOUS,
		"noatime": unix.MS_NOATIME, "nodiratime": unix.MS_NODIRATIME, "relatime": unix.MS_RELATIME, "strictatime": unix.MS_STRICTATIME,
		"bind": unix.MS_BIND, "rbind": unix.MS_BIND | unix.MS_REC,
		"rw": 0, "defaults": 0, "private": 0, "rprivate": 0, "suid": 0, "dev": 0, "exec": 0, "async": 0,
	}
	var rest []string
	for _, o := range m.Options {
		if f, ok := known[o]; ok {
			flags |= f
		} else if !strings.HasPrefix(o, "gid=") && !strings.HasPrefix(o, "uid=") { // there is only user 0
			rest = append(rest, o)
		}
	}
	if m.Type == "bind" {
		flags |= unix.MS_BIND
	}
	return flags, strings.Join(rest, ",")
}

// capabilities, in the order of their numbers (capabilities(7)).
func capabilityNames() []string {
	return strings.Fields(`CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
		NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE
		SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL
		SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`)
}

// dropCapabilities leaves only those that a bundle names. None at all are left where
// it names none.
func (b *builder) dropCapabilities(c *specs.LinuxCapabilities) {
	names := capabilityNames()
	mask := func(list []string) (m uint64) {
		for _, name := range list {
			if i := slices.Index(names, strings.TrimPrefix(name, "CAP_")); i >= 0 {
				m |= 1 << i
			}
		}
		return m
	}
	bounding := mask(c.Bounding)
	for i, name := range names {
		if bounding>>i&1 == 0 {
			// The kernel may know fewer than we do.
			b.add("drop capability", name, unix.SYS_PRCTL, plan.Num(unix.PR_CAPBSET_DROP), plan.Num(uintptr(i))).IgnoreError = i > 36
		}
	}
	header := binary.LittleEndian.AppendUint32(nil, unix.LINUX_CAPABILITY_VERSION_3)
	header = append(header, 0, 0, 0, 0) // this process
	sets := []uint64{mask(c.Effective), mask(c.Permitted), mask(c.Inheritable)}
	var data []byte
	for shift := 0; shift <= 32; shift += 32 {
		for _, set := range sets {
			data = binary.LittleEndian.AppendUint32(data, uint32(set>>shift))
		}
	}
	b.add("set capabilities", "", unix.SYS_CAPSET, plan.Bytes(header), plan.Bytes(data))
	ambient := mask(c.Ambient)
	for i, name := range names {
		if ambient>>i&1 == 1 {
			// The kernel raises only those that are inheritable too; runc passes over
			// the others as well.
			b.add("raise ambient capability", name, unix.SYS_PRCTL, plan.Num(unix.PR_CAP_AMBIENT), plan.Num(unix.PR_CAP_AMBIENT_RAISE), plan.Num(uintptr(i))).IgnoreError = true
		}
	}
}

// setLimits sets resource limits. An unknown one has no number and fails.
func (b *builder) setLimits(list []specs.POSIXRlimit) {
	numbers := map[string]int{
		"RLIMIT_CPU": 0, "RLIMIT_FSIZE": 1, "RLIMIT_DATA": 2, "RLIMIT_STACK": 3, "RLIMIT_CORE": 4, "RLIMIT_RSS": 5, "RLIMIT_NPROC": 6, "RLIMIT_NOFILE": 7,
		"RLIMIT_MEMLOCK": 8, "RLIMIT_AS": 9, "RLIMIT_LOCKS": 10, "RLIMIT_SIGPENDING": 11, "RLIMIT_MSGQUEUE": 12, "RLIMIT_NICE": 13, "RLIMIT_RTPRIO": 14, "RLIMIT_RTTIME": 15,
	}
	for _, l := range list {
		n, ok := numbers[l.Type]
		if !ok {
			n = -1
		}
		value := binary.LittleEndian.AppendUint64(nil, l.Soft)
		value = binary.LittleEndian.AppendUint64(value, l.Hard)
		b.add("set limit", l.Type, unix.SYS_PRLIMIT64, plan.Num(0), plan.Int(n), plan.Bytes(value), plan.Num(0))
	}
}
