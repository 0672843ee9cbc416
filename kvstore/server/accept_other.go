//go:build !linux

package server

import "net"

// loops are event loops, which exist only on Linux.
type loops struct{}

func (*loops) adopt(*Server, net.Conn) bool { return false }

func (*loops) stop(bool) {}
