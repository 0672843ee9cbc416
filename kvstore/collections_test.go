package kvstore_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore"
)

func texts(list [][]byte) []string {
	var s []string
	for _, b := range list {
		s = append(s, string(b))
	}
	return s
}

func TestList(t *testing.T) {
	l := open(t, "", nil).List("l")
	_, err := l.PopFront()
	require.ErrorIs(t, err, kvstore.ErrNotFound)
	n, err := l.PushBack([]byte("c"), []byte("d"))
	require.NoError(t, err)
	require.Equal(t, 2, n)
	n, err = l.PushFront([]byte("b"), []byte("a"))
	require.NoError(t, err)
	require.Equal(t, 4, n)
	all, err := l.Range(0, -1)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c", "d"}, texts(all))
	require.NoError(t, l.Set(-1, []byte("D")))
	require.ErrorIs(t, l.Set(4, nil), kvstore.ErrNotFound)
	v, err := l.At(3)
	require.NoError(t, err)
	require.Equal(t, "D", string(v))
	_, err = l.At(4)
	require.ErrorIs(t, err, kvstore.ErrNotFound)
	require.NoError(t, l.Trim(1, 2))
	v, err = l.PopBack()
	require.NoError(t, err)
	require.Equal(t, "c", string(v))
	v, err = l.PopFront()
	require.NoError(t, err)
	require.Equal(t, "b", string(v))
	n, err = l.PushBack()
	require.NoError(t, err)
	require.Zero(t, n)
	require.ErrorIs(t, l.Set(0, nil), kvstore.ErrNotFound)
}

func TestHash(t *testing.T) {
	db := open(t, "", nil)
	h := db.Hash("h")
	isNew, err := h.Set("f", []byte("1"))
	require.NoError(t, err)
	require.True(t, isNew)
	isNew, err = h.Set("f", []byte("2"))
	require.NoError(t, err)
	require.False(t, isNew)
	sum, err := h.Incr("f", 40)
	require.NoError(t, err)
	require.EqualValues(t, 42, sum)
	_, err = h.Set("g", []byte("text"))
	require.NoError(t, err)
	_, err = h.Incr("g", 1)
	require.ErrorIs(t, err, kvstore.ErrNotInteger)
	_, err = h.Incr("f", math.MaxInt64)
	require.ErrorIs(t, err, kvstore.ErrNotInteger)
	v, err := h.Get("f")
	require.NoError(t, err)
	require.Equal(t, "42", string(v))
	_, err = h.Get("x")
	require.ErrorIs(t, err, kvstore.ErrNotFound)
	require.Equal(t, map[string][]byte{"f": []byte("42"), "g": []byte("text")}, maps.Collect(h.All()))
	n, err := h.Delete("f", "x")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	n, err = h.Len()
	require.NoError(t, err)
	require.Equal(t, 1, n)
	_, err = db.List("h").Len()
	require.ErrorIs(t, err, kvstore.ErrWrongType)
	_, err = db.Incr("h", 1)
	require.ErrorIs(t, err, kvstore.ErrWrongType)
}

func TestMembers(t *testing.T) {
	m := open(t, "", nil).Members("m")
	n, err := m.Add("a", "b", "a")
	require.NoError(t, err)
	require.Equal(t, 2, n)
	has, err := m.Has("a")
	require.NoError(t, err)
	require.True(t, has)
	require.Equal(t, []string{"a", "b"}, slices.Sorted(m.All()))
	n, err = m.Remove("a", "x")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	has, err = m.Has("a")
	require.NoError(t, err)
	require.False(t, has)
	n, err = m.Len()
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func TestSortedSet(t *testing.T) {
	z := open(t, "", nil).SortedSet("z")
	isNew, err := z.Set("b", 2)
	require.NoError(t, err)
	require.True(t, isNew)
	_, err = z.Set("a", 2)
	require.NoError(t, err)
	score, err := z.Add("c", math.Inf(-1))
	require.NoError(t, err)
	require.Equal(t, math.Inf(-1), score)
	all, err := z.Range(0, -1)
	require.NoError(t, err)
	require.Equal(t, []kvstore.Scored{{"c", math.Inf(-1)}, {"a", 2}, {"b", 2}}, all)
	some, err := z.RangeByScore(1.5, math.Inf(1))
	require.NoError(t, err)
	require.Equal(t, all[1:], some)
	rank, err := z.Rank("b")
	require.NoError(t, err)
	require.Equal(t, 2, rank)
	_, err = z.Rank("x")
	require.ErrorIs(t, err, kvstore.ErrNotFound)
	_, err = z.Score("x")
	require.ErrorIs(t, err, kvstore.ErrNotFound)
	score, err = z.Score("a")
	require.NoError(t, err)
	require.EqualValues(t, 2, score)
	n, err := z.Remove("a", "b", "x")
	require.NoError(t, err)
	require.Equal(t, 2, n)
	n, err = z.Len()
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func ExampleDB_List() {
	db, err := kvstore.Open("", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	jobs := db.List("jobs")
	_, _ = jobs.PushBack([]byte("first"), []byte("second"))
	job, err := jobs.PopFront()
	n, _ := jobs.Len()
	fmt.Println(string(job), err, n)
	// Output: first <nil> 1
}

func ExampleDB_SortedSet() {
	db, err := kvstore.Open("", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	points := db.SortedSet("points")
	_, _ = points.Set("ann", 31)
	_, _ = points.Set("bob", 12)
	_, _ = points.Add("bob", 30)
	best, err := points.Range(-1, -1)
	fmt.Println(best, err)
	// Output: [{bob 42}] <nil>
}

func ExampleDB_Hash() {
	db, err := kvstore.Open("", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	user := db.Hash("user:1")
	_, _ = user.Set("name", []byte("Ann"))
	visits, err := user.Incr("visits", 1)
	name, _ := user.Get("name")
	fmt.Println(string(name), visits, err)
	// Output: Ann 1 <nil>
}

func ExampleDB_Members() {
	db, err := kvstore.Open("", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	tags := db.Members("tags")
	n, err := tags.Add("red", "green", "red")
	has, _ := tags.Has("green")
	fmt.Println(n, err, has)
	// Output: 2 <nil> true
}

func ExampleDB_GetView() {
	db, err := kvstore.Open("", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	_ = db.Set("greeting", []byte("hello"), nil)
	err = db.GetView("greeting", func(v []byte) error {
		fmt.Println(len(v), "bytes") // v is not ours when this has returned
		return nil
	})
	fmt.Println(err, db.GetView("nothing", nil))
	// Output:
	// 5 bytes
	// <nil> kvstore: key not found
}

func ExampleDB_Snapshot() {
	db, err := kvstore.Open("", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	_ = db.Set("k", []byte("before"), nil)
	sn := db.Snapshot()
	defer sn.Close()
	_ = db.Set("k", []byte("after"), nil)
	then, _ := sn.Get("k")
	now, _ := db.Get("k")
	fmt.Println(string(then), string(now))
	// Output: before after
}
