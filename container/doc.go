// Package container runs commands behind walls: in user, PID, mount, UTS and IPC
// namespaces of their own, without root, without a daemon, without cgo, and without a
// hook in the caller's main.
//
//	cmd := container.Command("sh", "-c", "hostname; id -u; ps")
//	cmd.Stdout = os.Stdout
//	err := cmd.Run()
//
// A [Cmd] is used as os/exec's. By default it sees the host's files read-only, an
// empty /tmp, and its own /proc; RootFS gives it other files, Mounts folders to write
// to. Inside it is user 0, which is the calling user outside.
//
// # How
//
// What is to be done inside (mounts, pivot_root, host name, exec) is compiled into a
// tiny static program, a list of system calls and a loop over it, which is started
// from sealed memory by clone with the namespaces' flags. Neither the caller's
// binary nor its memory is ever inside.
//
// # Guarantees
//
//   - A step that fails is an [*Error] with its name, path and cause; nothing is left
//     behind.
//   - When the first process ends, all others inside are killed; when the caller
//     dies, all are.
//   - Descriptors of the caller, but the standard ones, do not pass.
//   - Limits that the kernel refuses are an error, not ignored.
//
// # Limits
//
// Linux on amd64; elsewhere Start returns an error that wraps errors.ErrUnsupported.
// The network is the host's, or none with a bundle that asks for its own. The walls are namespaces and no_new_privs: there is no
// seccomp filter, so a hole in the kernel is a hole in the wall.
package container
