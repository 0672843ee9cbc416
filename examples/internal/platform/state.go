package platform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/groundwork-go/groundwork/kvstore"
)

// State keeps what the platform must not forget. Values have revisions, so that of
// two changes at the same time one fails instead of being lost.
type State interface {
	// Get returns a value and its revision, 0 if there is none.
	Get(ctx context.Context, key string) (value []byte, rev int64, err error)

	// Put stores a value if the revision is still prev, and returns the new one.
	// Otherwise the error wraps ErrConflict.
	Put(ctx context.Context, key string, value []byte, prev int64) (rev int64, err error)

	// List yields the keys that begin with prefix, with their values, in order.
	List(ctx context.Context, prefix string) iter.Seq2[string, []byte]

	// Watch yields keys as they are changed, until ctx ends or the state is closed.
	Watch(ctx context.Context, prefix string) iter.Seq[string]
}

// ErrConflict is wrapped by the error of a Put that came too late.
var ErrConflict = errors.New("platform: state has changed meanwhile")

// kvState keeps state in a kvstore: a value is "REVISION CONTENT".
type kvState struct{ db *kvstore.DB }

func splitRev(v []byte) ([]byte, int64) {
	rev, content, _ := strings.Cut(string(v), " ")
	n, _ := strconv.ParseInt(rev, 10, 64) // written by Put
	return []byte(content), n
}

func (s kvState) Get(_ context.Context, key string) ([]byte, int64, error) {
	v, err := s.db.Get(key)
	if errors.Is(err, kvstore.ErrNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	content, rev := splitRev(v)
	return content, rev, nil
}

func (s kvState) Put(ctx context.Context, key string, value []byte, prev int64) (int64, error) {
	err := s.db.Update(func(tx *kvstore.Tx) error {
		now := int64(0)
		v, err := tx.Get(key)
		if err == nil {
			_, now = splitRev(v)
		} else if !errors.Is(err, kvstore.ErrNotFound) {
			return err
		}
		if now != prev {
			return fmt.Errorf("%w: %s", ErrConflict, key)
		}
		tx.Set(key, append(strconv.AppendInt(nil, prev+1, 10), append([]byte(" "), value...)...))
		return nil
	})
	if err != nil {
		return 0, err
	}
	// It is stored: that the caller has left must not make it look as if it were not.
	_, err = s.db.Do(context.WithoutCancel(ctx), "PUBLISH", "state/"+key, "")
	return prev + 1, err
}

func (s kvState) List(_ context.Context, prefix string) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for k, v := range s.db.All(prefix) {
			content, _ := splitRev(v)
			if !yield(k, content) {
				return
			}
		}
	}
}

func (s kvState) Watch(ctx context.Context, prefix string) iter.Seq[string] {
	sub := s.db.Subscribe(ctx, "state/"+prefix+"*")
	return func(yield func(string) bool) {
		defer sub.Close()
		for m := range sub.C {
			if !yield(strings.TrimPrefix(m.Channel, "state/")) {
				return
			}
		}
	}
}

// An App is what the state says of an app.
type App struct {
	Name    string `json:"name"`
	Current int    `json:"current"` // release that serves; 0 if none
	Last    int    `json:"last"`    // highest release number
	Scale   int    `json:"scale,omitempty"`
}

// A Release is one version of an app. Recorded ones were healthy.
type Release struct {
	App    string    `json:"app"`
	N      int       `json:"n"`
	Commit string    `json:"commit"`
	Dir    int       `json:"dir"` // the release whose files it uses: another one's after a rollback
	Time   time.Time `json:"time"`
	Recipe recipe    `json:"recipe"`
}

func appKey(app string) string { return "app/" + app }

func releaseKey(app string, n int) string { return fmt.Sprintf("release/%s/%08d", app, n) }

// load reads a JSON value.
func load[T any](ctx context.Context, s State, key string) (v T, rev int64, err error) {
	data, rev, err := s.Get(ctx, key)
	if err != nil || rev == 0 {
		return v, rev, err
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return v, rev, fmt.Errorf("state %s: %w", key, err)
	}
	return v, rev, nil
}

// store writes a JSON value.
func store(ctx context.Context, s State, key string, v any, prev int64) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("state %s: %w", key, err)
	}
	_, err = s.Put(ctx, key, data, prev)
	return err
}
