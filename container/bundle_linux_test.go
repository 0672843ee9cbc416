//go:build amd64

package container_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/container"
)

// spec is what "runc spec" writes, but for the command and the terminal.
func spec(args ...string) *specs.Spec {
	caps := []string{"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"}
	return &specs.Spec{
		Version: specs.Version,
		Process: &specs.Process{
			Args: args, Cwd: "/", Env: []string{"PATH=/bin"}, NoNewPrivileges: true,
			Capabilities: &specs.LinuxCapabilities{Bounding: caps, Effective: caps, Permitted: caps, Ambient: caps},
			Rlimits:      []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Hard: 1024, Soft: 1000}},
		},
		Root:     &specs.Root{Path: "rootfs", Readonly: true},
		Hostname: "bundle",
		Mounts: []specs.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc"},
			{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
			{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
			{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
			{Destination: "/dev/mqueue", Type: "mqueue", Source: "mqueue", Options: []string{"nosuid", "noexec", "nodev"}},
			{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}},
			{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup", Options: []string{"nosuid", "noexec", "nodev", "relatime", "ro"}},
		},
		Linux: &specs.Linux{
			Resources: &specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{{Allow: false, Access: "rwm"}}},
			Namespaces: []specs.LinuxNamespace{
				{Type: specs.PIDNamespace}, {Type: specs.NetworkNamespace}, {Type: specs.IPCNamespace},
				{Type: specs.UTSNamespace}, {Type: specs.MountNamespace}, {Type: specs.CgroupNamespace},
			},
			MaskedPaths:   []string{"/proc/timer_list", "/proc/no-such-file", "/sys/firmware"},
			ReadonlyPaths: []string{"/proc/sys", "/proc/no-such-folder"},
		},
	}
}

// writeBundle makes a bundle whose root has busybox.
func writeBundle(t testing.TB, config any) string {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "rootfs", "bin")
	require.NoError(t, os.MkdirAll(bin, 0o755))
	if busybox, err := exec.LookPath("busybox"); err == nil {
		data, err := os.ReadFile(busybox)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(bin, "busybox"), data, 0o755))
		require.NoError(t, os.Symlink("busybox", filepath.Join(bin, "sh")))
	}
	data, ok := config.([]byte)
	if !ok {
		var err error
		data, err = json.Marshal(config)
		require.NoError(t, err)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), data, 0o644))
	return dir
}

func TestBundle(t *testing.T) {
	if _, err := exec.LookPath("busybox"); err != nil {
		t.Skip("busybox is not installed")
	}
	if !works(t) {
		return
	}
	c, err := container.FromBundle(t.Context(), writeBundle(t, spec("sh", "-c", strings.Join([]string{
		"busybox hostname", "ulimit -n", "busybox grep -E 'CapEff|CapBnd' /proc/self/status",
		"busybox touch /x 2>/dev/null || echo read-only", "echo x 2>/dev/null >/proc/sys/kernel/hostname || echo read-only",
		"busybox cat /proc/timer_list | busybox wc -c", "busybox ls /sys/firmware | busybox wc -l", "busybox ls -d /proc/[0-9]* | busybox head -1",
		"echo ok >/dev/null", "echo shm >/dev/shm/f", "busybox cat /dev/shm/f", "busybox ls /sys/class/net", "exit 3",
	}, "; "))))
	require.NoError(t, err)
	out, err := c.Output()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 3, exit.ExitCode())
	require.Equal(t, "bundle\n1000\nCapEff:\t0000000020000420\nCapBnd:\t0000000020000420\nread-only\nread-only\n0\n0\n/proc/1\nshm\nlo\n", string(out))
}

func TestBundlesThatCannotBeRunAsAskedAreRefused(t *testing.T) {
	score := 100
	for field, change := range map[string]func(s *specs.Spec){
		"process.args":                   func(s *specs.Spec) { s.Process.Args = nil },
		"process.cwd":                    func(s *specs.Spec) { s.Process.Cwd = "relative" },
		"process.user":                   func(s *specs.Spec) { s.Process.User.UID = 7 },
		"process.apparmorProfile":        func(s *specs.Spec) { s.Process.ApparmorProfile = "x" },
		"process.oomScoreAdj":            func(s *specs.Spec) { s.Process.OOMScoreAdj = &score },
		"root.path":                      func(s *specs.Spec) { s.Root.Path = "no-such-folder" },
		"mounts":                         func(s *specs.Spec) { s.Mounts[0].Destination = "/a/../../b" },
		"hooks":                          func(s *specs.Spec) { s.Hooks = &specs.Hooks{} },
		"linux.seccomp":                  func(s *specs.Spec) { s.Linux.Seccomp = &specs.LinuxSeccomp{} },
		"linux.resources":                func(s *specs.Spec) { s.Linux.Resources.CPU = &specs.LinuxCPU{} },
		"linux.namespaces":               func(s *specs.Spec) { s.Linux.Namespaces = append(s.Linux.Namespaces, s.Linux.Namespaces[0]) },
		"linux.namespaces.pid.path":      func(s *specs.Spec) { s.Linux.Namespaces[0].Path = "/proc/1/ns/pid" },
		"linux.devices":                  func(s *specs.Spec) { s.Linux.Devices = make([]specs.LinuxDevice, 1) },
		"linux.namespaces (unknown one)": func(s *specs.Spec) { s.Linux.Namespaces[0].Type = "space" },
	} {
		s := spec("sh")
		change(s)
		_, err := container.FromBundle(t.Context(), writeBundle(t, s))
		var e *container.Error
		require.ErrorAs(t, err, &e, field)
		require.Equal(t, "config", e.Op)
		name, _, _ := strings.Cut(field, " ")
		require.Equal(t, name, e.Path)
		if field == "linux.seccomp" {
			require.ErrorIs(t, err, errors.ErrUnsupported)
		}
	}
	for _, text := range []string{"", "{", "[]", `{"process": 3}`, "null"} {
		_, err := container.FromBundle(t.Context(), writeBundle(t, []byte(text)))
		var e *container.Error
		require.ErrorAs(t, err, &e, text)
	}
	_, err := container.FromBundle(t.Context(), t.TempDir())
	require.ErrorIs(t, err, os.ErrNotExist)
}

func FuzzFromBundle(f *testing.F) {
	data, err := json.Marshal(spec("sh"))
	require.NoError(f, err)
	f.Add(data)
	f.Add([]byte(`{"process":{"args":["x"],"cwd":"/"},"root":{"path":"rootfs"},"linux":{"resources":{"memory":{"limit":-1}}}}`))
	f.Fuzz(func(t *testing.T, config []byte) {
		dir := t.TempDir()
		require.NoError(t, os.Mkdir(filepath.Join(dir, "rootfs"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), config, 0o644))
		_, err := container.FromBundle(t.Context(), dir)
		var e *container.Error
		require.True(t, err == nil || errors.As(err, &e), "%v", err)
	})
}
