package aof

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// readBack returns the commands of all files, each with its database, and lets go of
// transactions' brackets.
func readBack(t *testing.T, dir string) (list []string) {
	t.Helper()
	m, err := ReadManifest(dir)
	require.NoError(t, err)
	for _, f := range m.Files {
		data, done, err := Map(filepath.Join(dir, f.Name))
		require.NoError(t, err)
		db := 0
		_, err = Scan(data, player(func(_ int, args [][]byte) error {
			switch name := strings.ToUpper(string(args[0])); name {
			case "SELECT":
				db, _ = strconv.Atoi(string(args[1]))
			case "MULTI", "EXEC":
			default:
				list = append(list, fmt.Sprint(db, " ", string(bytes.Join(args, []byte(" ")))))
			}
			return nil
		}))
		require.NoError(t, err, f.Name)
		done()
	}
	return list
}

func openLog(t *testing.T, p Policy) (*Log, string) {
	t.Helper()
	dir := t.TempDir()
	l, err := Open(dir, nil, p, false, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() }) // most tests close it before
	return l, dir
}

func TestManyCommit(t *testing.T) {
	t.Parallel()
	for _, p := range []Policy{Always, EverySec, Never} {
		l, dir := openLog(t, p)
		var want []string
		var mu sync.Mutex
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				for i := range 50 {
					n := l.Append(w%2, cmd("SET", strconv.Itoa(w), strconv.Itoa(i)), 1)
					if i%3 == 0 {
						done := make(chan error)
						l.CommitAsync(n, func(err error) { done <- err })
						if err := <-done; err != nil {
							t.Error(err)
						}
					} else if err := l.Commit(n); err != nil {
						t.Error(err)
					}
					mu.Lock()
					want = append(want, fmt.Sprintf("%d SET %d %d", w%2, w, i))
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		require.NoError(t, l.Sync())
		got := readBack(t, dir)
		require.ElementsMatch(t, want, got)
		for w := range 8 { // each in its own order
			mine := slices.DeleteFunc(slices.Clone(got), func(s string) bool { return !strings.Contains(s, fmt.Sprintf(" SET %d ", w)) })
			for i, s := range mine {
				require.Equal(t, fmt.Sprintf("%d SET %d %d", w%2, w, i), s)
			}
		}
		require.NoError(t, l.Close())
		require.NoError(t, l.Close())
		require.ErrorIs(t, l.Commit(l.Append(0, cmd("SET", "x", "y"), 1)), ErrClosed)
	}
}

func TestAppendToTheLastFile(t *testing.T) {
	t.Parallel()
	l, dir := openLog(t, Always)
	require.NoError(t, l.Commit(l.Append(2, cmd("SET", "a", "1"), 1)))
	total, _ := l.Size()
	require.NoError(t, l.Close())
	m, err := ReadManifest(dir)
	require.NoError(t, err)
	l, err = Open(dir, m, Always, true, total)
	require.NoError(t, err)
	require.NoError(t, l.Commit(l.Append(2, cmd("SET", "b", "2"), 1)))
	require.NoError(t, l.Close())
	require.Equal(t, []string{"2 SET a 1", "2 SET b 2"}, readBack(t, dir))
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 2)
}

func TestRewrite(t *testing.T) {
	for _, c := range []struct {
		name  string
		abort bool
		want  []string
	}{
		{"finished", false, []string{"0 SET base 1", "1 SET after 1", "1 SET after 2"}},
		{"given up", true, []string{"1 SET before 1", "1 SET after 1", "1 SET after 2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, dir := openLog(t, EverySec)
			l.Append(1, cmd("SET", "before", "1"), 1)
			r, err := l.Rewrite(false)
			require.NoError(t, err)
			require.Nil(t, r.Writer())
			r.Switch()
			last := l.Append(1, cmd("SET", "after", "1"), 1)
			require.NoError(t, r.Add(cmd("SET", "base", "1")))
			if c.abort {
				r.Abort()
			} else {
				require.NoError(t, r.Finish())
			}
			require.NoError(t, l.Commit(last))
			l.Append(1, cmd("SET", "after", "2"), 1)
			require.NoError(t, l.Sync())
			require.Equal(t, c.want, readBack(t, dir))
			require.NoError(t, l.Close())
			require.Equal(t, c.want, readBack(t, dir))
			left, err := filepath.Glob(filepath.Join(dir, "temp-*"))
			require.NoError(t, err)
			require.Empty(t, left)
			now, _ := l.Size()
			size := int64(0)
			files, err := filepath.Glob(filepath.Join(dir, "*.aof"))
			require.NoError(t, err)
			for _, f := range files {
				st, err := os.Stat(f)
				require.NoError(t, err)
				size += st.Size()
			}
			if !c.abort {
				require.Equal(t, size, now)
			}
		})
	}
}

func TestRewriteOfASnapshot(t *testing.T) {
	l, dir := openLog(t, EverySec)
	l.Append(0, cmd("SET", "before", "1"), 1)
	r, err := l.Rewrite(true)
	require.NoError(t, err)
	r.Switch()
	_, err = io.WriteString(r.Writer(), "a snapshot")
	require.NoError(t, err)
	require.NoError(t, r.Finish())
	require.NoError(t, l.Close())
	b, err := os.ReadFile(filepath.Join(dir, Name+".1.base.rdb"))
	require.NoError(t, err)
	require.Equal(t, "a snapshot", string(b))
	m, err := ReadManifest(dir)
	require.NoError(t, err)
	require.Len(t, m.Files, 2)
}

// TestSyncFails gives the log a file that takes what is written, but cannot be synced
// or cut: nothing may be acknowledged any more until there is a good one again.
func TestSyncFails(t *testing.T) {
	t.Parallel()
	l, dir := openLog(t, Always)
	require.NoError(t, l.Commit(l.Append(3, cmd("SET", "good", "1"), 1)))
	in, out, err := os.Pipe()
	require.NoError(t, err)
	defer in.Close()
	defer out.Close()
	l.mu.Lock()
	for l.leader {
		l.change.Wait()
	}
	real := l.seg.file
	l.seg.file = out
	l.mu.Unlock()
	for i := range 3 {
		require.Error(t, l.Commit(l.Append(3, cmd("SET", "bad", strconv.Itoa(i)), 1)))
		require.Error(t, l.Err())
		require.Error(t, l.Sync())
	}
	require.Equal(t, []string{"3 SET good 1"}, readBack(t, dir))
	l.mu.Lock()
	for l.leader {
		l.change.Wait()
	}
	require.Equal(t, out, l.seg.file)
	l.seg.file = real
	l.mu.Unlock()
	// ticks tries again by itself.
	l.mu.Lock()
	for l.err != nil {
		l.change.Wait()
	}
	l.mu.Unlock()
	require.NoError(t, l.Commit(l.Append(3, cmd("SET", "good", "2"), 1)))
	want := []string{"3 SET good 1", "3 SET bad 0", "3 SET bad 1", "3 SET bad 2", "3 SET good 2"}
	require.Equal(t, want, readBack(t, dir))
	require.NoError(t, l.Close())
	m, err := ReadManifest(dir)
	require.NoError(t, err)
	require.Len(t, m.Files, 2, "what could not be synced is not trusted: there is a new file")
}
