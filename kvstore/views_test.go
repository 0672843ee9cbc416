package kvstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore"
)

// TestViewsStayAsTheyAre looks at strings for long, in goroutines that take turns on
// few threads, while others look at theirs and all are overwritten.
func TestViewsStayAsTheyAre(t *testing.T) {
	db := open(t, "", nil)
	const keys = 20
	name := func(i int) string { return fmt.Sprintf("some key %03d", i) }
	text := func(i, n int) []byte { return bytes.Repeat([]byte{byte('a' + i), byte('0' + n%10)}, 20) }
	for i := range keys {
		require.NoError(t, db.Set(name(i), text(i, 0), nil))
	}
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			for range 300 {
				err := db.GetView(name(i), func(v []byte) error {
					before := string(v)
					if v[0] != byte('a'+i) {
						return fmt.Errorf("key %d has %q", i, v)
					}
					runtime.Gosched() // others look meanwhile
					if string(v) != before {
						return fmt.Errorf("%q became %q", before, v)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for n := range 300 {
		for i := range keys {
			require.NoError(t, db.Set(name(i), text(i, n), nil))
		}
	}
	wg.Wait()
}

func TestViewMayPanic(t *testing.T) {
	db := open(t, "", nil)
	require.NoError(t, db.Set("some key", []byte("some value"), nil))
	before := db.Stats().Hits
	const times = 100
	for range times {
		require.Panics(t, func() { _ = db.GetView("some key", func([]byte) error { panic("mine") }) })
		require.NoError(t, db.GetView("some key", func(v []byte) error {
			require.Equal(t, "some value", string(v))
			return nil
		}))
	}
	require.EqualValues(t, 2*times, db.Stats().Hits-before)
	require.NoError(t, db.Set("some key", []byte("another"), nil), "no lock is left")
}

func TestViewOfOtherGoroutine(t *testing.T) {
	db := open(t, "", nil)
	require.NoError(t, db.Set("some key", []byte("some value"), nil))
	for range 100 {
		got := make(chan string)
		require.NoError(t, db.GetView("some key", func(v []byte) error {
			go func() { got <- string(v) }()
			require.Equal(t, "some value", <-got)
			return nil
		}))
	}
	mine := errors.New("mine")
	require.ErrorIs(t, db.GetView("some key", func([]byte) error { return mine }), mine)
	require.ErrorIs(t, db.GetView("no such key", func([]byte) error { return mine }), kvstore.ErrNotFound)
}
