package protect_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/pool/internal/protect"
)

func TestCall(t *testing.T) {
	var got []any
	report := func(value any, stack []byte) {
		require.Contains(t, string(stack), "TestCall")
		got = append(got, value)
	}
	protect.Call(func() {}, report)
	protect.Call(func() { panic("boom") }, report)
	done := make(chan struct{})
	go func() {
		defer close(done)
		protect.Call(runtime.Goexit, func(value any, _ []byte) { got = append(got, value) })
		got = append(got, "went on after Goexit")
	}()
	<-done
	require.Equal(t, []any{"boom", nil}, got)
}

func TestBounded(t *testing.T) {
	boom := errors.New("boom")
	failed := func(value any, _ []byte) error { return value.(error) }
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			name string
			f    func(context.Context) error
			want error
		}{
			{"fine", func(context.Context) error { return nil }, nil},
			{"error", func(context.Context) error { return boom }, boom},
			{"panic", func(context.Context) error { panic(boom) }, boom},
			{"heeds its context", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, context.DeadlineExceeded},
			{"does not", func(context.Context) error { time.Sleep(time.Hour); return nil }, context.DeadlineExceeded},
		} {
			require.ErrorIs(t, protect.Bounded(t.Context(), time.Second, c.f, failed), c.want, c.name)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := protect.Bounded(ctx, time.Second, func(context.Context) error { time.Sleep(time.Hour); return nil }, failed)
		require.ErrorIs(t, err, context.Canceled)
		time.Sleep(2 * time.Hour) // the sleepers end
	})
}

// The result and the end of its context come at the same time, and only one of
// the two is true.
func TestAResultInTimeIsNeverMistaken(t *testing.T) {
	for range 50_000 {
		require.NoError(t, protect.Bounded(t.Context(), time.Hour, func(context.Context) error { return nil }, nil))
	}
}
