// Package server serves Git repositories over smart HTTP, so that git clones from,
// fetches from and pushes to them.
//
//	h := server.NewHandler(server.Dir("repos"), nil)
//	err := http.ListenAndServe("127.0.0.1:8080", h)
//
// A push is received into a quarantine: its objects are checked, and hooks may look
// at them and refuse, before anything of it can be seen. There is no authentication;
// put a handler that asks for it in front.
package server

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/groundwork-go/groundwork/gogit"
	"github.com/groundwork-go/groundwork/gogit/odb"
)

// A Backend finds repositories.
type Backend interface {
	// Open opens the repository of a URL's path, as "/project.git". An error that
	// wraps os.ErrNotExist gives 404. The handler closes the repository.
	Open(ctx context.Context, path string) (*gogit.Repository, error)
}

// Dir is a Backend of the bare repositories below a folder.
type Dir string

// Open opens a repository below the folder.
func (d Dir) Open(_ context.Context, path string) (*gogit.Repository, error) {
	name := strings.TrimPrefix(path, "/")
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return nil, os.ErrNotExist
	}
	r, err := gogit.Open(filepath.Join(string(d), filepath.FromSlash(name)), nil)
	if errors.Is(err, gogit.ErrNotRepository) {
		return nil, os.ErrNotExist
	}
	return r, err
}

// An Update is a change of one ref that a push asks for.
type Update struct {
	Name     string
	Old, New gogit.OID // zero: the ref is made, deleted
}

// A Push is what hooks look at.
type Push struct {
	Path    string // of the URL
	Repo    *gogit.Repository
	Updates []Update
	// Objects has the new objects beside those of Repo.
	Objects *odb.Store
	// Progress is shown to the pusher, in lines that begin with "remote:".
	Progress io.Writer
}

// Options tune a handler. A nil *Options means the defaults.
type Options struct {
	// PreReceive is called before a push is accepted. Its error refuses the whole
	// push and is shown as the reason.
	PreReceive func(ctx context.Context, p *Push) error

	// PostReceive is called when the refs have changed.
	PostReceive func(ctx context.Context, p *Push)

	// Logger is told of requests that fail. Nil: silent.
	Logger *slog.Logger
}

// NewHandler returns a handler. It serves PATH/info/refs, PATH/git-upload-pack and
// PATH/git-receive-pack for each repository PATH.
func NewHandler(b Backend, o *Options) http.Handler {
	h := &handler{b: b}
	if o != nil {
		h.o = *o
	}
	if h.o.Logger == nil {
		h.o.Logger = slog.New(slog.DiscardHandler)
	}
	return h
}

type handler struct {
	b Backend
	o Options
}

const (
	uploadPack  = "git-upload-pack"
	receivePack = "git-receive-pack"
	agent       = "gogit/0.1"
)

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i := strings.LastIndexByte(r.URL.Path, '/')
	path, last := r.URL.Path[:max(i, 0)], r.URL.Path[i+1:]
	service := last
	switch {
	case last == "refs" && strings.HasSuffix(path, "/info"):
		path = strings.TrimSuffix(path, "/info")
		service = r.URL.Query().Get("service")
		if service != uploadPack && service != receivePack {
			http.Error(w, "only smart HTTP is served", http.StatusForbidden)
			return
		}
	case last != uploadPack && last != receivePack:
		http.NotFound(w, r)
		return
	case r.Method != http.MethodPost:
		http.Error(w, "POST is needed", http.StatusMethodNotAllowed)
		return
	case r.Header.Get("Content-Type") != "application/x-"+service+"-request":
		http.Error(w, "wrong content type", http.StatusUnsupportedMediaType)
		return
	}
	repo, err := h.b.Open(r.Context(), path)
	if errors.Is(err, os.ErrNotExist) {
		http.Error(w, "no such repository", http.StatusNotFound)
		return
	}
	if err != nil {
		h.o.Logger.Error("open repository", "path", path, "error", err)
		http.Error(w, "the repository cannot be opened", http.StatusInternalServerError)
		return
	}
	defer repo.Close()
	w.Header().Set("Cache-Control", "no-cache")
	if last == "refs" {
		h.advertise(w, r, repo, service)
		return
	}
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			http.Error(w, "body is not gzip", http.StatusBadRequest)
			return
		}
		body = z
	}
	w.Header().Set("Content-Type", "application/x-"+service+"-result")
	out := &response{w: w, rc: http.NewResponseController(w)}
	// Replies are written while the request is still read.
	_ = out.rc.EnableFullDuplex() // HTTP/2 has it anyway
	if service == uploadPack {
		err = h.upload(r.Context(), repo, body, out)
	} else {
		err = h.receive(r.Context(), path, repo, body, out)
	}
	if err != nil {
		h.o.Logger.Warn(service, "path", path, "error", err)
		if !out.wrote {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}
}

// response writes at once, so that progress is seen while it is made. It may be
// used by hooks concurrently.
type response struct {
	mu    sync.Mutex
	w     http.ResponseWriter
	rc    *http.ResponseController
	wrote bool
}

func (o *response) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.wrote = true
	n, err := o.w.Write(p)
	return n, err
}

func (o *response) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = o.rc.Flush() // the next Write tells if the client has gone
}
