package kvstore_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore"
)

var linearOps = flag.Int("linear", 20_000, "operations of TestHistoriesAreLinearizable")

type linearInput struct {
	op       string
	key, arg string
	expected string // of cas
}

type linearOutput struct {
	value string
	ok    bool // there was a key; an increment, or a cas, was done
}

// linearModel is one key: "-" if it is not there, or "=" and the string.
var linearModel = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		by := make(map[string][]porcupine.Operation)
		for _, o := range history {
			k := o.Input.(linearInput).key
			by[k] = append(by[k], o)
		}
		var parts [][]porcupine.Operation
		for _, p := range by {
			parts = append(parts, p)
		}
		return parts
	},
	Init: func() any { return "-" },
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.(string), input.(linearInput), output.(linearOutput)
		there, v := s != "-", s[1:]
		switch in.op {
		case "get", "view":
			return out.ok == there && out.value == v, s
		case "set":
			return true, "=" + in.arg
		case "append":
			return out.value == strconv.Itoa(len(v)+len(in.arg)), "=" + v + in.arg
		case "del":
			return out.ok == there, "-"
		case "incr":
			n, err := strconv.ParseInt(v, 10, 64)
			if there && (err != nil || strconv.FormatInt(n, 10) != v) { // Redis takes no leading zeros
				return !out.ok, s
			}
			sum := strconv.FormatInt(n+1, 10)
			return out.ok && out.value == sum, "=" + sum
		}
		if done := there && v == in.expected; done != out.ok { // cas
			return false, s
		} else if done {
			return true, "=" + in.arg
		}
		return true, s
	},
}

func linearDo(t *testing.T, db *kvstore.DB, in linearInput) (out linearOutput) {
	var err error
	switch in.op {
	case "get":
		var v []byte
		v, err = db.Get(in.key)
		out = linearOutput{string(v), err == nil}
	case "view":
		err = db.GetView(in.key, func(v []byte) error {
			out = linearOutput{string(v), true}
			return nil
		})
	case "set":
		err = db.Set(in.key, []byte(in.arg), nil)
	case "append":
		var r kvstore.Reply
		r, err = db.Do(t.Context(), "APPEND", in.key, in.arg)
		out.value = strconv.FormatInt(r.Int, 10)
	case "del":
		var n int
		n, err = db.Delete(in.key)
		out.ok = n == 1
	case "incr":
		var n int64
		n, err = db.Incr(in.key, 1)
		out = linearOutput{strconv.FormatInt(n, 10), err == nil}
	case "cas":
		err = db.Update(func(tx *kvstore.Tx) error {
			v, err := tx.Get(in.key)
			if out.ok = err == nil && string(v) == in.expected; out.ok {
				tx.Set(in.key, []byte(in.arg))
			}
			return nil
		})
	}
	if err != nil && !errors.Is(err, kvstore.ErrNotFound) && !errors.Is(err, kvstore.ErrNotInteger) {
		t.Errorf("%v: %v", in, err)
	}
	return out
}

// TestHistoriesAreLinearizable has goroutines use few keys at the same time, and asks
// whether there is an order of all that was done that explains every result.
func TestHistoriesAreLinearizable(t *testing.T) {
	const clients, keys = 6, 12
	db := open(t, "", nil)
	seed := rand.Uint64()
	t.Log("seed", seed)
	began := time.Now()
	parts := make([][]porcupine.Operation, clients)
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(c)))
			ops := []string{"get", "get", "view", "set", "set", "append", "del", "incr", "incr", "cas"}
			for range *linearOps / clients {
				in := linearInput{op: ops[r.IntN(len(ops))], key: fmt.Sprintf("key:%08d", r.IntN(keys)), arg: strconv.Itoa(r.IntN(20)), expected: strconv.Itoa(r.IntN(20))}
				call := time.Since(began).Nanoseconds()
				out := linearDo(t, db, in)
				parts[c] = append(parts[c], porcupine.Operation{ClientId: c, Input: in, Call: call, Output: out, Return: time.Since(began).Nanoseconds()})
			}
		})
	}
	wg.Wait()
	var history []porcupine.Operation
	for _, p := range parts {
		history = append(history, p...)
	}
	require.Equal(t, porcupine.Ok, porcupine.CheckOperationsTimeout(linearModel, history, time.Minute))
}
