package refs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/gogit/odb"
	"github.com/groundwork-go/groundwork/gogit/refs"
)

func id(n int) odb.OID { return odb.Hash(odb.Blob, fmt.Append(nil, n)) }

func TestCheckName(t *testing.T) {
	for _, ok := range []string{"HEAD", "refs/heads/main", "refs/heads/a/b-c_d.e", "refs/heads/ü"} {
		require.NoError(t, refs.CheckName(ok), ok)
	}
	for _, bad := range []string{
		"", "main", "refs/", "refs/heads/", "refs/heads/../x", "refs/heads/a..b", "refs/heads/.a", "refs/heads/a.lock", "refs/heads/a.", "refs/heads/a b",
		"refs/heads/a~", "refs/heads/a^", "refs/heads/a:", "refs/heads/a?", "refs/heads/a*", "refs/heads/a[", `refs/heads/a\`, "refs/heads/a@{", "refs//a", "refs/heads/\x01", "/refs/heads/a",
	} {
		require.ErrorIs(t, refs.CheckName(bad), refs.ErrBadName, bad)
	}
}

func TestUpdate(t *testing.T) {
	dir := t.TempDir()
	s := refs.Open(dir)
	require.NoError(t, s.SetHead("refs/heads/main"))
	_, err := s.Get("HEAD")
	require.ErrorIs(t, err, refs.ErrNotFound)
	require.NoError(t, s.Update("refs/heads/main", odb.OID{}, id(1)))
	require.ErrorIs(t, s.Update("refs/heads/main", odb.OID{}, id(2)), refs.ErrChanged)
	require.ErrorIs(t, s.Update("refs/heads/main/sub", odb.OID{}, id(2)), refs.ErrBadName)
	got, err := s.Get("HEAD")
	require.NoError(t, err)
	require.Equal(t, id(1), got)
	require.NoError(t, s.Update("refs/heads/a/b", odb.OID{}, id(1)))
	require.ErrorIs(t, s.Update("refs/heads/a", odb.OID{}, id(1)), refs.ErrBadName)
	require.NoError(t, s.Update("refs/heads/a/b", id(1), odb.OID{}))
	require.NoError(t, s.Update("refs/heads/a", odb.OID{}, id(1)), "empty folders do not matter")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "refs/heads/a.lock"), nil, 0o644))
	require.ErrorIs(t, s.Update("refs/heads/a", id(1), id(2)), refs.ErrLocked)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "refs/heads/broken"), []byte("junk"), 0o644))
	list, err := s.List("refs/heads/")
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "HEAD"), []byte("ref: HEAD\n"), 0o644))
	_, err = s.Get("HEAD")
	require.ErrorContains(t, err, "loop")
}

func TestOfConcurrentUpdatesOneWins(t *testing.T) {
	s := refs.Open(t.TempDir())
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if s.Update("refs/heads/main", odb.OID{}, id(i)) == nil {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, won.Load())
}

func FuzzPackedRefs(f *testing.F) {
	f.Add("# pack-refs with: peeled\n" + id(1).String() + " refs/heads/main\n^" + id(2).String() + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		dir := t.TempDir()
		require.NoError(t, os.Mkdir(filepath.Join(dir, "refs"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "packed-refs"), []byte(text), 0o644))
		list, err := refs.Open(dir).List("refs/")
		require.NoError(t, err)
		for _, r := range list {
			require.NoError(t, refs.CheckName(r.Name))
		}
	})
}

func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	s := refs.Open(dir)
	id := odb.Hash(odb.Blob, nil)
	fmt.Println(s.Update("refs/heads/main", odb.OID{}, id))
	fmt.Println(s.Get("refs/heads/main"))
	// Output:
	// <nil>
	// e69de29bb2d1d6434b8b29ae775ad8c2e48c5391 <nil>
}
