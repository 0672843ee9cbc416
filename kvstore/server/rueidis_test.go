package server_test

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore"
)

// rueidis pipelines everything, and speaks RESP3 with pushes.
func TestRueidis(t *testing.T) {
	f := start(t, tcp, nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{f.addr.String()}, DisableCache: true})
	require.NoError(t, err)
	defer c.Close()

	require.NoError(t, c.Do(ctx, c.B().Set().Key("k").Value("v").Ex(time.Hour).Build()).Error())
	v, err := c.Do(ctx, c.B().Get().Key("k").Build()).ToString()
	require.NoError(t, err)
	require.Equal(t, "v", v)
	require.True(t, rueidis.IsRedisNil(c.Do(ctx, c.B().Get().Key("none").Build()).Error()))

	var many rueidis.Commands
	for i := range 1000 {
		many = append(many, c.B().Hset().Key("h").FieldValue().FieldValue(fmt.Sprint(i), fmt.Sprint(i*i)).Build())
	}
	for _, r := range c.DoMulti(ctx, many...) {
		require.NoError(t, r.Error())
	}
	all, err := c.Do(ctx, c.B().Hgetall().Key("h").Build()).AsStrMap()
	require.NoError(t, err)
	require.Len(t, all, 1000)
	require.Equal(t, "81", all["9"])

	require.NoError(t, c.Dedicated(func(d rueidis.DedicatedClient) error {
		for _, r := range d.DoMulti(ctx, d.B().Watch().Key("n").Build(), d.B().Multi().Build(), d.B().Incr().Key("n").Build(), d.B().Exec().Build()) {
			require.NoError(t, r.Error())
		}
		return nil
	}))

	// The channel is written to until its subscriber has come.
	receiving, stop := context.WithCancel(ctx)
	got := make(chan string, 1)
	done := make(chan error, 1)
	go func() {
		done <- c.Receive(receiving, c.B().Subscribe().Channel("news").Build(), func(m rueidis.PubSubMessage) {
			select {
			case got <- m.Message:
			default:
			}
		})
	}()
	require.Eventually(t, func() bool {
		n, err := c.Do(ctx, c.B().Publish().Channel("news").Message("hi").Build()).AsInt64()
		return err == nil && n == 1
	}, 30*time.Second, time.Millisecond)
	require.Equal(t, "hi", <-got)
	stop()
	require.ErrorIs(t, <-done, context.Canceled)
}

// A command written in Go is there for all clients.
func TestServerHandle(t *testing.T) {
	f := start(t, tcp, nil)
	require.NoError(t, f.Handle("my.double", &kvstore.CommandSpec{Arity: 2, FirstKey: 1}, func(tx *kvstore.Tx, args [][]byte) (kvstore.Reply, error) {
		v, err := tx.Get(string(args[1]))
		if err != nil {
			return kvstore.Reply{}, err
		}
		v = append(v, v...)
		tx.Set(string(args[1]), v)
		return kvstore.Reply{Kind: kvstore.BulkReply, Bytes: v}, nil
	}))
	require.ErrorIs(t, f.Handle("get", nil, nil), kvstore.ErrConfig)
	c := f.dial(t)
	_, err := c.Write([]byte("SET k ab\r\nMY.DOUBLE k\r\nGET k\r\nMY.DOUBLE\r\n"))
	require.NoError(t, err)
	want := "+OK\r\n$4\r\nabab\r\n$4\r\nabab\r\n-ERR wrong number of arguments for 'my.double' command\r\n"
	got := make([]byte, len(want))
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	require.Equal(t, want, string(got))
}
