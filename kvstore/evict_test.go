package kvstore_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore"
)

func TestMaxmemory(t *testing.T) {
	db := open(t, "", nil)
	fill := func(prefix string, ttl bool) (err error) {
		for i := 0; i < 20_000 && err == nil; i++ {
			o := &kvstore.SetOptions{}
			if ttl {
				o.TTL = time.Hour
			}
			err = db.Set(fmt.Sprint(prefix, i), make([]byte, 100), o)
		}
		return err
	}
	used := func() int64 {
		_, text, _ := strings.Cut(string(do(t, db, "INFO memory").Bytes), "used_memory:")
		text, _, _ = strings.Cut(text, "\r\n")
		n, err := strconv.ParseInt(text, 10, 64)
		require.NoError(t, err)
		return n
	}
	do(t, db, "CONFIG SET maxmemory 1mb")
	require.ErrorContains(t, fill("a", false), "OOM command not allowed when used memory > 'maxmemory'.")
	do(t, db, "CONFIG SET maxmemory-policy volatile-lru")
	require.ErrorContains(t, fill("b", false), "OOM", "nothing has a time to live")
	do(t, db, "FLUSHALL")
	require.NoError(t, db.Set("stays", []byte("1"), nil))
	require.NoError(t, fill("c", true))
	require.Less(t, used(), int64(1<<20+100<<10))
	_, err := db.Get("stays")
	require.NoError(t, err)
	do(t, db, "CONFIG SET maxmemory-policy allkeys-lru")
	require.NoError(t, fill("d", false))
	require.Less(t, used(), int64(1<<20+100<<10))
	require.Contains(t, do(t, db, "INFO stats").String(), "evicted_keys:")
	require.Greater(t, db.Stats().Keys, 3000)
}

func TestLoweringMaxmemoryEvicts(t *testing.T) {
	t.Parallel()
	db := open(t, "", &kvstore.Options{Config: [][2]string{{"maxmemory-policy", "allkeys-lru"}}})
	for i := range 10 {
		require.NoError(t, db.Set(fmt.Sprint("k", i), []byte("v"), nil))
	}
	do(t, db, "CONFIG SET maxmemory 100mb")
	require.NoError(t, db.Set("k", []byte("v"), nil))
	require.Equal(t, 11, db.Stats().Keys)
	do(t, db, "CONFIG SET maxmemory 1")
	require.Eventually(t, func() bool { return db.Stats().Keys == 0 }, 10*time.Second, time.Millisecond)
}
