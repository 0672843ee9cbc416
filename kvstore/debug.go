package kvstore

import (
	"bytes"
	"fmt"
	"math"
	"net"
	"net/netip"
	"time"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

// debugNames are the values of Options.DebugCommand, the default first.
var debugNames = [...]string{"no", "local", "yes"}

const msgNoDebug = "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", " +
	"you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server."

var debugHelp = [...]string{
	"DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
	"DIGEST", "    Tell a checksum of all data, Redis's.",
	"DIGEST-VALUE <key> [<key> ...]", "    Tell checksums of values.",
	"ERROR <text>", "    Answer an error.",
	"LOADAOF", "    Replace everything by what the log has.",
	"LOG <text>", "    Write a line to the log of the server.",
	"OBJECT <key>", "    Tell how a value is stored.",
	"PAUSE-CRON (0|1)", "    Do nothing in the background, or go on.",
	"POPULATE <count> [<prefix> [<size>]]", "    Make keys.",
	"PROTOCOL <type>", "    Answer a reply of a type.",
	"RELOAD", "    Save everything, and load it again.",
	"SET-ACTIVE-EXPIRE (0|1)", "    Leave keys that have expired until somebody looks, or not.",
	"SET-SKIP-CHECKSUM-VALIDATION (0|1)", "    Let RESTORE take what has a wrong checksum.",
	"SLEEP <seconds>", "    Answer later.",
	"HELP", "    List the subcommands.",
}

// isAllowed tells whether what is allowed from a place, of debugNames, is allowed from
// here.
func (s *Session) isAllowed(from string) bool {
	if s.trusted {
		return true
	}
	switch from {
	case "yes":
		return true
	case "local":
		host, _, _ := net.SplitHostPort(s.o.Addr)
		ip, err := netip.ParseAddr(host)
		return err != nil || ip.IsLoopback() // an error: the path of a socket
	}
	return false
}

func cmdDebug(s *Session, a [][]byte) {
	switch {
	case !s.isAllowed(s.db.conf.debug):
		s.fail(msgNoDebug)
	case s.early && (is(a[1], "RELOAD") || is(a[1], "LOADAOF") || is(a[1], "POPULATE")):
		s.fail(msgLoading)
	case is(a[1], "HELP") && len(a) == 2:
		s.help(debugHelp[:])
	case is(a[1], "SLEEP") && len(a) == 3:
		f, ok := parseFloat(a[2])
		if !ok || f < 0 || f > math.MaxInt32 {
			s.fail(msgNotFloat)
			return
		}
		time.Sleep(time.Duration(f * float64(time.Second)))
		s.w.ok()
	case is(a[1], "SET-ACTIVE-EXPIRE") && len(a) == 3:
		s.db.noExpireCycle.Store(string(a[2]) == "0")
		s.w.ok()
	case is(a[1], "RELOAD") && len(a) > 2:
		s.fail("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.") // of which there are none here
	case is(a[1], "RELOAD"):
		if s.held != 0 {
			s.fail("ERR DEBUG RELOAD inside of a transaction")
			return
		}
		var b bytes.Buffer
		err := s.db.Save(&b)
		if err == nil {
			err = s.db.Load(&b)
		}
		if err != nil {
			s.fail("ERR " + err.Error())
			return
		}
		s.w.ok()
	case is(a[1], "OBJECT") && len(a) >= 3:
		s.lock(keyspace.All, false)
		defer s.unlock(keyspace.All, false)
		e := s.peek(a[2])
		if !e.Exists() {
			s.fail("ERR no such key")
			return
		}
		s.w.status(fmt.Sprintf("Value at:0x0 refcount:1 encoding:%s serializedlength:%d lru:%d lru_seconds_idle:%d", e.Encoding(), e.Bytes(), 0, e.Idle()))
	case is(a[1], "DIGEST") && len(a) == 2:
		s.lock(keyspace.All, false)
		defer s.unlock(keyspace.All, false)
		s.w.status(s.digest().String())
	case is(a[1], "DIGEST-VALUE"):
		s.lock(keyspace.All, false)
		defer s.unlock(keyspace.All, false)
		s.w.array(len(a) - 2)
		for _, key := range a[2:] {
			var d digest
			if e := s.peek(key); e.Exists() {
				d.value(e)
			}
			s.w.status(d.String())
		}
	default:
		if !s.debugTests(a) {
			s.badSubcommand(a)
		}
	}
}
