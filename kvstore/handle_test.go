package kvstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore"
)

func TestHandle(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, nil)
	take := func(tx *kvstore.Tx, args [][]byte) (kvstore.Reply, error) {
		r, err := tx.Do("DECRBY", string(args[1]), string(args[3]))
		if err != nil {
			return r, err
		}
		if _, err := tx.Do("INCRBY", string(args[2]), string(args[3])); err != nil {
			return r, err
		}
		if r.Int < 0 {
			return r, errors.New("not enough")
		}
		return kvstore.Reply{Kind: kvstore.ArrayReply, Elems: []kvstore.Reply{r, {Kind: kvstore.StatusReply, Text: "DONE"}}}, nil
	}
	require.NoError(t, db.Handle("my.transfer", &kvstore.CommandSpec{Arity: 4, FirstKey: 1, LastKey: 2}, take))
	require.ErrorIs(t, db.Handle("GET", nil, take), kvstore.ErrConfig)
	require.NoError(t, db.Handle("my.peek", &kvstore.CommandSpec{FirstKey: 1, ReadOnly: true}, func(tx *kvstore.Tx, args [][]byte) (kvstore.Reply, error) {
		v, err := tx.Get(string(args[2]))
		return kvstore.Reply{Kind: kvstore.BulkReply, Bytes: v}, err
	}))
	do(t, db, "SET a 10")
	require.Equal(t, "[7 DONE]", do(t, db, "MY.TRANSFER a b 3").String())
	_, err := db.Do(t.Context(), "my.transfer", "a", "b", 8)
	require.EqualError(t, err, "ERR not enough")
	require.Equal(t, `["7" "3"]`, do(t, db, "MGET a b").String(), "nothing has changed")
	_, err = db.Do(t.Context(), "my.transfer", "a", "b")
	require.ErrorContains(t, err, "wrong number of arguments")
	found := false
	for i := 0; i < 20 && !found; i++ { // one in 64 shares the lock of the key that was announced
		_, err = db.Do(t.Context(), "my.peek", "somewhere", fmt.Sprint("elsewhere", i))
		found = strings.Contains(err.Error(), "not announced")
	}
	require.True(t, found)
	require.NoError(t, db.Handle("my.panic", nil, func(tx *kvstore.Tx, _ [][]byte) (kvstore.Reply, error) {
		tx.Set("a", []byte("lost"))
		panic("oops")
	}))
	_, err = db.Do(t.Context(), "my.panic")
	require.EqualError(t, err, "ERR the command 'my.panic' has failed: oops")
	s := db.NewSession(nil)
	for _, line := range []string{"MULTI", "my.transfer a b 1", "GET a", "my.transfer a b 100", "GET b", "EXEC"} {
		out := s.Exec(nil, bytes.Fields([]byte(line)))
		if line == "EXEC" {
			require.Equal(t, `[[6 DONE] "6" ERR not enough "4"]`, kvstore.ParseReply(out).String())
		}
	}
	require.NoError(t, db.Commit(s.EndBatch()))
	require.NoError(t, db.Close())
	db = open(t, dir, nil) // without the command
	require.Equal(t, `["6" "4"]`, do(t, db, "MGET a b").String())
}
