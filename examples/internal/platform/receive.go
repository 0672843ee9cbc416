package platform

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/groundwork-go/groundwork/gogit"
	"github.com/groundwork-go/groundwork/gogit/server"
)

// branch is the one that is deployed.
const branch = "refs/heads/main"

// backend finds the repositories of apps.
type backend struct{ p *Platform }

func (b backend) Open(_ context.Context, path string) (*gogit.Repository, error) {
	name, ok := appOfPath(path)
	if !ok {
		return nil, os.ErrNotExist
	}
	return b.p.openRepo(name, false)
}

// appOfPath reads "/NAME.git".
func appOfPath(path string) (string, bool) {
	name := strings.TrimSuffix(strings.TrimPrefix(path, "/"), ".git")
	return name, CheckName(name) == nil
}

// pushKey is where a request keeps the app that its push has locked.
type pushKey struct{}

type pushLock struct{ app *app }

// receive prepares pushes: the first push to a name makes its repository, and the
// app stays locked until the refs have changed.
func (p *Platform) receive(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		repo, isAdvert := strings.CutSuffix(r.URL.Path, "/info/refs")
		if isAdvert && r.URL.Query().Get("service") == "git-receive-pack" {
			name := strings.TrimSuffix(strings.TrimPrefix(repo, "/"), ".git")
			made, err := p.openRepo(name, true)
			if err != nil {
				http.Error(w, err.Error(), http.StatusNotFound)
				return
			}
			_ = made.Close() // opened again by the handler
		}
		lock := &pushLock{}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), pushKey{}, lock)))
		if lock.app != nil {
			lock.app.unlock()
		}
	})
}

// preReceive deploys a push before it is accepted.
func (p *Platform) preReceive(ctx context.Context, push *server.Push) error {
	name, ok := appOfPath(push.Path)
	if !ok {
		return os.ErrNotExist
	}
	for _, u := range push.Updates {
		if u.Name != branch {
			if strings.HasPrefix(u.Name, "refs/heads/") && !u.New.IsZero() {
				fmt.Fprintf(push.Progress, "%s is stored; only main is deployed\n", strings.TrimPrefix(u.Name, "refs/heads/"))
			}
			continue
		}
		if u.New.IsZero() {
			return errors.New("main cannot be deleted, it is what serves")
		}
		a, err := p.app(name)
		if err != nil {
			return err
		}
		if err := a.lock(ctx); err != nil {
			return err
		}
		ctx.Value(pushKey{}).(*pushLock).app = a // receive unlocks
		// Another push may have come through while this one waited.
		if now, err := push.Repo.Refs().Get(branch); err == nil && now != u.Old || err != nil && !u.Old.IsZero() {
			return errors.New("main has changed meanwhile, fetch first")
		}
		repo := push.Repo.WithObjects(push.Objects)
		if _, err := p.deploy(ctx, a, repo, u.New, push.Progress); err != nil {
			fmt.Fprintf(push.Progress, "deploy failed: %v\n", err)
			return errors.New("deploy failed, the old version goes on")
		}
	}
	return nil
}
