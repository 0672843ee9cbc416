package kvtest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/groundwork-go/groundwork/kvstore"
	"github.com/groundwork-go/groundwork/kvstore/kvtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// In a test, t is the one of the test.
func Example() {
	t := new(exampleT)
	defer t.end()
	srv := kvtest.Run(t)
	if err := srv.DB.Set("session", []byte("ada"), &kvstore.SetOptions{TTL: time.Hour}); err != nil {
		fmt.Println(err)
	}
	srv.Advance(2 * time.Hour)
	_, err := srv.DB.Get("session")
	fmt.Println(err)
	// Output:
	// kvstore: key not found
}

// exampleT stands for the t of a test.
type exampleT struct {
	testing.TB
	cleanups []func()
}

func (t *exampleT) Helper()          {}
func (t *exampleT) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }
func (t *exampleT) end() {
	for _, f := range t.cleanups {
		f()
	}
}

func TestClientsAndTheHandleSeeTheSame(t *testing.T) {
	srv := kvtest.Run(t)
	c := redis.NewClient(&redis.Options{Addr: srv.Addr})
	defer c.Close()
	require.NoError(t, c.Set(t.Context(), "k", "v", time.Minute).Err())
	v, err := srv.DB.Get("k")
	require.NoError(t, err)
	require.Equal(t, "v", string(v))
	require.NoError(t, srv.DB.Set("n", []byte("5"), nil))
	require.EqualValues(t, 6, c.Incr(t.Context(), "n").Val())

	srv.Advance(30 * time.Second)
	require.InDelta(t, 30*time.Second, c.TTL(t.Context(), "k").Val(), float64(2*time.Second))
	srv.Advance(31 * time.Second)
	require.ErrorIs(t, c.Get(t.Context(), "k").Err(), redis.Nil)
	require.Panics(t, func() { srv.Advance(-1) })
}

func TestServersAreApart(t *testing.T) {
	a, b := kvtest.Run(t), kvtest.Run(t)
	require.NotEqual(t, a.Addr, b.Addr)
	require.NoError(t, a.DB.Set("k", nil, nil))
	_, err := b.DB.Get("k")
	require.ErrorIs(t, err, kvstore.ErrNotFound)
}
