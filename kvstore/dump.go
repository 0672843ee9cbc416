package kvstore

import (
	"encoding/binary"
	"errors"

	"github.com/groundwork-go/groundwork/kvstore/internal/crc64"
	"github.com/groundwork-go/groundwork/kvstore/rdb"
)

func cmdDump(s *Session, a [][]byte) {
	e := s.read(a[1])
	if !e.Exists() {
		s.w.null()
		return
	}
	w := rdb.NewDump(nil)
	e.Save(w)
	s.w.bulk(w.Dump())
}

func cmdRestore(s *Session, a [][]byte) {
	var replace, absolute bool
	idle, freq := int64(-1), int64(-1)
	for i := 4; i < len(a); i++ {
		var ok bool
		switch {
		case is(a[i], "REPLACE"):
			replace = true
		case is(a[i], "ABSTTL"):
			absolute = true
		case is(a[i], "IDLETIME") && i+1 < len(a) && freq < 0:
			if idle, ok = s.intArg(a[i+1]); !ok {
				return
			}
			if idle < 0 {
				s.fail("ERR Invalid IDLETIME value, must be >= 0")
				return
			}
			i++
		case is(a[i], "FREQ") && i+1 < len(a) && idle < 0:
			if freq, ok = s.intArg(a[i+1]); !ok {
				return
			}
			if freq < 0 || freq > 255 {
				s.fail("ERR Invalid FREQ value, must be >= 0 and <= 255")
				return
			}
			i++
		default:
			s.fail(msgSyntax)
			return
		}
	}
	key := a[1]
	old := s.write(key)
	if old.Exists() && !replace {
		s.fail("BUSYKEY Target key name already exists.")
		return
	}
	ttl, ok := s.intArg(a[2])
	if !ok {
		return
	}
	if ttl < 0 {
		s.fail("ERR Invalid TTL value, must be >= 0")
		return
	}
	s.restore(key, a[3], ttl, absolute, idle)
}

// restore makes a key, which may be there, the value of a payload.
func (s *Session) restore(key, payload []byte, ttl int64, absolute bool, idle int64) {
	if s.db.skipChecksum.Load() && len(payload) > 8 { // DEBUG says that damage is to come through
		body := payload[: len(payload)-8 : len(payload)-8]
		digest := crc64.New()
		payload = binary.LittleEndian.AppendUint64(body, digest.Update(0, body))
	}
	l := &loader{sp: s.db.sp.NewLike(1)}
	switch err := rdb.Restore(payload, rdb.Key{Name: key}, l); {
	case errors.Is(err, rdb.ErrPayload):
		s.fail("ERR DUMP payload version or checksum are wrong")
		return
	case err != nil:
		s.fail("ERR Bad data format")
		return
	}
	if ttl > 0 && !absolute {
		ttl += s.now()
	}
	e, deleted := s.replaced(key)
	if ttl > 0 && ttl <= s.now() && !s.replaying {
		s.effect([]byte("DEL"), key)
		s.changed(key, 1)
		if deleted {
			s.notify(notifyGeneric, "del", key)
		}
		s.w.ok()
		return
	}
	v := l.b.Entry().Freeze()
	v.ExpireAt = ttl
	e = e.Shard().Put(e, key, &v)
	if idle >= 0 {
		e.SetIdle(uint32(min(idle, 1<<24-1)))
	}
	s.signal(s.dbi, key)
	s.changed(key, 1)
	s.notify(notifyGeneric, "restore", key)
	s.effect([]byte("RESTORE"), key, itoa(ttl), payload, []byte("REPLACE"), []byte("ABSTTL"))
	s.w.ok()
}
