package container

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// maxConfig bounds a config.json in bytes.
const maxConfig = 16 << 20

// FromBundle returns the command of an OCI bundle: a folder with a config.json
// (github.com/opencontainers/runtime-spec) and the root that it names. The standard
// streams are left to the caller, also where the config asks for a terminal. The
// user inside is 0, which is the calling user outside.
//
// What the config asks for and this package cannot give (seccomp, labels, hooks,
// namespaces to join, other users, resources beyond memory and pids) is an
// [*Error] that wraps errors.ErrUnsupported and names the field. Device rules are
// not needed: inside nobody can make devices. A masked or read-only path that is not
// there, or that the kernel does not let us cover, is passed over.
func FromBundle(ctx context.Context, dir string) (*Cmd, error) {
	path := filepath.Join(dir, "config.json")
	f, err := os.Open(path)
	if err != nil {
		return nil, &Error{Op: "open", Path: path, Err: err}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxConfig))
	if err != nil {
		return nil, &Error{Op: "read", Path: path, Err: err}
	}
	var s specs.Spec
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, &Error{Op: "config", Path: path, Err: err}
	}
	return fromSpec(ctx, dir, &s)
}

// bundle is what a spec asks for beyond the fields of Cmd.
type bundle struct {
	mounts       []specs.Mount
	rootReadOnly bool
	network      bool // a network namespace of its own
	cgroupNS     bool
	caps         *specs.LinuxCapabilities
	rlimits      []specs.POSIXRlimit
	masked       []string
	readOnly     []string
}

func configError(field, format string, args ...any) error {
	return &Error{Op: "config", Path: field, Err: fmt.Errorf(format, args...)}
}

func fromSpec(ctx context.Context, dir string, s *specs.Spec) (*Cmd, error) {
	switch {
	case s.Process == nil || len(s.Process.Args) == 0:
		return nil, configError("process.args", "is missing")
	case !filepath.IsAbs(s.Process.Cwd):
		return nil, configError("process.cwd", "%q is not absolute", s.Process.Cwd)
	case s.Root == nil || s.Root.Path == "":
		return nil, configError("root.path", "is missing")
	}
	if field := unsupported(s); field != "" {
		return nil, &Error{Op: "config", Path: field, Err: errors.ErrUnsupported}
	}
	root := s.Root.Path
	if !filepath.IsAbs(root) {
		root = filepath.Join(dir, root)
	}
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return nil, configError("root.path", "%s is not a folder", root)
	}
	c := CommandContext(ctx, s.Process.Args[0], s.Process.Args[1:]...)
	c.Env, c.Dir, c.RootFS, c.Hostname = s.Process.Env, s.Process.Cwd, root, s.Hostname
	if c.Env == nil {
		c.Env = []string{}
	}
	c.bundle = &bundle{mounts: s.Mounts, rootReadOnly: s.Root.Readonly, caps: s.Process.Capabilities, rlimits: s.Process.Rlimits}
	for _, m := range s.Mounts {
		if !filepath.IsAbs(m.Destination) || strings.Contains(m.Destination+"/", "/../") {
			return nil, configError("mounts", "destination %q is not absolute", m.Destination)
		}
	}
	if s.Linux != nil {
		if err := c.bundle.linux(s.Linux, &c.Limits); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (b *bundle) linux(l *specs.Linux, limits *Limits) error {
	b.masked, b.readOnly = l.MaskedPaths, l.ReadonlyPaths
	seen := make(map[specs.LinuxNamespaceType]bool)
	for _, ns := range l.Namespaces {
		switch {
		case seen[ns.Type]:
			return configError("linux.namespaces", "%s comes twice", ns.Type)
		case ns.Path != "":
			return &Error{Op: "config", Path: "linux.namespaces." + string(ns.Type) + ".path", Err: errors.ErrUnsupported}
		}
		seen[ns.Type] = true
		switch ns.Type {
		case specs.PIDNamespace, specs.IPCNamespace, specs.UTSNamespace, specs.MountNamespace, specs.UserNamespace: // always made
		case specs.NetworkNamespace:
			b.network = true
		case specs.CgroupNamespace:
			b.cgroupNS = true
		default:
			return configError("linux.namespaces", "unknown type %q", ns.Type)
		}
	}
	if r := l.Resources; r != nil {
		if r.Memory != nil && r.Memory.Limit != nil && *r.Memory.Limit > 0 {
			limits.Memory = *r.Memory.Limit
		}
		if r.Pids != nil && r.Pids.Limit != nil && *r.Pids.Limit > 0 {
			limits.Pids = int(*r.Pids.Limit)
		}
	}
	return nil
}

// unsupported returns the first field that asks for what cannot be given.
func unsupported(s *specs.Spec) string {
	p := s.Process
	fields := []struct {
		name string
		set  bool
	}{
		{"process.user", p.User.UID != 0 || p.User.GID != 0 || len(p.User.AdditionalGids) > 0},
		{"process.apparmorProfile", p.ApparmorProfile != ""},
		{"process.selinuxLabel", p.SelinuxLabel != ""},
		{"process.oomScoreAdj", p.OOMScoreAdj != nil && *p.OOMScoreAdj != 0},
		{"hooks", s.Hooks != nil},
	}
	if l := s.Linux; l != nil {
		fields = append(fields, []struct {
			name string
			set  bool
		}{
			{"linux.seccomp", l.Seccomp != nil},
			{"linux.sysctl", len(l.Sysctl) > 0},
			{"linux.devices", len(l.Devices) > 0},
			{"linux.cgroupsPath", l.CgroupsPath != ""},
			{"linux.rootfsPropagation", l.RootfsPropagation != ""},
			{"linux.mountLabel", l.MountLabel != ""},
			{"linux.intelRdt", l.IntelRdt != nil},
			{"linux.resources", otherResources(l.Resources)},
		}...)
	}
	for _, f := range fields {
		if f.set {
			return f.name
		}
	}
	return ""
}

// otherResources tells whether there are limits besides memory.limit and pids.limit.
func otherResources(r *specs.LinuxResources) bool {
	if r == nil {
		return false
	}
	rest := *r
	rest.Devices, rest.Pids = nil, nil
	if rest.Memory != nil {
		m := *rest.Memory
		m.Limit = nil
		if m != (specs.LinuxMemory{}) {
			return true
		}
		rest.Memory = nil
	}
	return rest.CPU != nil || rest.BlockIO != nil || len(rest.HugepageLimits) > 0 || rest.Network != nil || len(rest.Rdma) > 0 || len(rest.Unified) > 0
}
