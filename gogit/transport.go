package gogit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/groundwork-go/groundwork/gogit/internal/pktline"
	"github.com/groundwork-go/groundwork/gogit/odb"
	"github.com/groundwork-go/groundwork/gogit/refs"
)

// RemoteOptions tune what speaks to a remote repository. A nil *RemoteOptions means
// the defaults.
type RemoteOptions struct {
	// Client makes the requests. Nil means http.DefaultClient. User and password
	// of a URL are sent as basic authentication.
	Client *http.Client

	// Progress takes the messages of the remote. Nil discards them.
	Progress io.Writer
}

// A RemoteError is an answer of a remote that is no success.
type RemoteError struct {
	URL    string // without user and password
	Status int    // of HTTP, 0 if the fault is not there
	Msg    string
}

// Error names the URL and the fault.
func (e *RemoteError) Error() string {
	if e.Status != 0 {
		return fmt.Sprintf("gogit: %s answered %d: %s", e.URL, e.Status, e.Msg)
	}
	return fmt.Sprintf("gogit: %s: %s", e.URL, e.Msg)
}

// remote is one smart-HTTP peer (gitprotocol-http, protocol version 0).
type remote struct {
	url  string
	o    RemoteOptions
	refs []refs.Ref
	caps map[string]string
	head string // the branch that HEAD points to
}

const agent = "gogit/0.1"

// maxAdvert bounds the list of refs of a remote.
const maxAdvert = 64 << 20

func (m *remote) request(ctx context.Context, method, path, contentType string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(m.url, "/")+path, body)
	if err != nil {
		return nil, fmt.Errorf("gogit: %w", err)
	}
	req.Header.Set("User-Agent", agent)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	client := m.o.Client
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("gogit: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(res.Body, 1024)) // what it says beside the status
		return nil, &RemoteError{URL: req.URL.Redacted(), Status: res.StatusCode, Msg: strings.TrimSpace(string(text))}
	}
	return res, nil
}

func (m *remote) fault(format string, args ...any) error {
	return &RemoteError{URL: m.url, Msg: fmt.Sprintf(format, args...)}
}

// advertised reads the remote's refs.
func (m *remote) advertised(ctx context.Context, service string) error {
	res, err := m.request(ctx, http.MethodGet, "/info/refs?service="+service, "", nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if ct := res.Header.Get("Content-Type"); ct != "application/x-"+service+"-advertisement" {
		return m.fault("not a smart HTTP server: it answered with %q", ct)
	}
	r := pktline.NewReader(io.LimitReader(res.Body, maxAdvert))
	if line, _, err := r.Line(); err != nil || line != "# service="+service {
		return m.fault("bad answer to info/refs")
	}
	if _, flush, err := r.Line(); err != nil || !flush {
		return m.fault("bad answer to info/refs")
	}
	m.caps = make(map[string]string)
	for first := true; ; first = false {
		line, flush, err := r.Line()
		if err != nil {
			return m.fault("bad list of refs: %v", err)
		}
		if flush {
			return nil
		}
		if first {
			var caps string
			line, caps, _ = strings.Cut(line, "\x00")
			m.readCaps(caps)
		}
		hex, name, ok := strings.Cut(line, " ")
		id, err := odb.ParseOID(hex)
		if !ok || err != nil {
			return m.fault("bad list of refs: %q", line)
		}
		if id.IsZero() || strings.HasSuffix(name, "^{}") || refs.CheckName(name) != nil {
			continue // none at all, peeled tags, names that cannot be stored
		}
		m.refs = append(m.refs, refs.Ref{Name: name, ID: id})
	}
}

func (m *remote) readCaps(caps string) {
	for c := range strings.FieldsSeq(caps) {
		key, value, _ := strings.Cut(c, "=")
		m.caps[key] = value
		if from, to, ok := strings.Cut(value, ":"); key == "symref" && ok && from == "HEAD" && refs.CheckName(to) == nil {
			m.head = to
		}
	}
}

// ListRemote returns the refs of a remote repository.
func ListRemote(ctx context.Context, url string, o *RemoteOptions) ([]refs.Ref, error) {
	m := newRemote(url, o)
	if err := m.advertised(ctx, "git-upload-pack"); err != nil {
		return nil, err
	}
	return m.refs, nil
}

func newRemote(url string, o *RemoteOptions) *remote {
	m := &remote{url: url}
	if o != nil {
		m.o = *o
	}
	return m
}

// CloneOptions tune Clone. A nil *CloneOptions means the defaults.
type CloneOptions struct {
	RemoteOptions

	// Bare makes a bare repository and writes no files.
	Bare bool
}

// Clone copies a remote repository into a folder, which must be empty or absent,
// and writes the files of its HEAD.
func Clone(ctx context.Context, url, path string, o *CloneOptions) (*Repository, error) {
	if o == nil {
		o = &CloneOptions{}
	}
	if entries, err := os.ReadDir(path); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("gogit: clone: %s is not empty", path)
	}
	m := newRemote(url, &o.RemoteOptions)
	if err := m.advertised(ctx, "git-upload-pack"); err != nil {
		return nil, err
	}
	branch := strings.TrimPrefix(m.head, "refs/heads/")
	r, err := Init(path, &InitOptions{Bare: o.Bare, Branch: branch})
	if err != nil {
		return nil, err
	}
	if err := r.cloneInto(ctx, m, path, o.Bare); err != nil {
		_ = r.Close() // the first error counts
		return nil, err
	}
	return r, nil
}

func (r *Repository) cloneInto(ctx context.Context, m *remote, path string, bare bool) error {
	config := fmt.Sprintf("[remote \"origin\"]\n\turl = %s\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n", m.url)
	if err := appendFile(filepath.Join(r.dir, "config"), config); err != nil {
		return err
	}
	if err := r.fetch(ctx, m); err != nil {
		return err
	}
	head := OID{}
	for _, ref := range m.refs {
		name := ref.Name
		if branch, ok := strings.CutPrefix(name, "refs/heads/"); ok && !bare {
			if name == m.head {
				if err := r.refs.Update(name, OID{}, ref.ID); err != nil {
					return err
				}
			}
			name = "refs/remotes/origin/" + branch
		}
		if ref.Name == m.head || ref.Name == "HEAD" && head.IsZero() {
			head = ref.ID
		}
		if strings.HasPrefix(name, "refs/") {
			if err := r.refs.Update(name, OID{}, ref.ID); err != nil {
				return err
			}
		}
	}
	if bare || head.IsZero() {
		return nil
	}
	return r.Checkout(ctx, head, path)
}

// fetch gets all objects of the advertised refs.
func (r *Repository) fetch(ctx context.Context, m *remote) error {
	var wants []OID
	for _, ref := range m.refs {
		if !slices.Contains(wants, ref.ID) && !r.objects.Has(ref.ID) {
			wants = append(wants, ref.ID)
		}
	}
	if len(wants) == 0 {
		return nil
	}
	var body []byte
	_, band := m.caps["side-band-64k"]
	caps := " ofs-delta agent=" + agent
	if band {
		caps += " side-band-64k"
	}
	for i, id := range wants {
		line := "want " + id.String()
		if i == 0 {
			line += caps
		}
		body = pktline.Append(body, line+"\n")
	}
	body = append(body, pktline.Flush...)
	mine, err := r.refs.List("refs/")
	if err != nil {
		return err
	}
	told := make(map[OID]bool)
	for _, ref := range mine {
		if !told[ref.ID] {
			told[ref.ID] = true
			body = pktline.Append(body, "have "+ref.ID.String()+"\n")
		}
	}
	body = pktline.Append(body, "done\n")
	res, err := m.request(ctx, http.MethodPost, "/git-upload-pack", "application/x-git-upload-pack-request", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	pr := pktline.NewReader(res.Body)
	line, _, err := pr.Line()
	if err != nil || line != "NAK" && !strings.HasPrefix(line, "ACK ") {
		return m.fault("bad answer to upload-pack: %.200s", line)
	}
	for pr.Starts("ACK", "NAK") { // a server may answer each have
		if _, _, err := pr.Line(); err != nil {
			return m.fault("bad answer to upload-pack: %v", err)
		}
	}
	var pack io.Reader = pr.Rest()
	if band {
		pack = &pktline.BandReader{R: pr, Progress: m.o.Progress}
	}
	if _, err := r.objects.ReceivePack(ctx, pack); err != nil {
		return err
	}
	return nil
}

// Fetch gets the branches of a remote, as refs/remotes/NAME/*, and its tags.
func (r *Repository) Fetch(ctx context.Context, name, url string, o *RemoteOptions) error {
	m := newRemote(url, o)
	if err := m.advertised(ctx, "git-upload-pack"); err != nil {
		return err
	}
	if err := r.fetch(ctx, m); err != nil {
		return err
	}
	for _, ref := range m.refs {
		local := ref.Name
		branch, isBranch := strings.CutPrefix(ref.Name, "refs/heads/")
		if isBranch {
			local = "refs/remotes/" + name + "/" + branch
		} else if !strings.HasPrefix(ref.Name, "refs/tags/") {
			continue
		}
		old, err := r.refs.Get(local)
		if err != nil && !errors.Is(err, refs.ErrNotFound) {
			return err
		}
		if old == ref.ID || !isBranch && !old.IsZero() {
			continue // tags do not move
		}
		if err := r.refs.Update(local, old, ref.ID); err != nil {
			return err
		}
	}
	return nil
}

// A PushUpdate asks for one ref of a remote to be changed.
type PushUpdate struct {
	Name  string // full, as refs/heads/main
	ID    OID    // zero deletes it
	Force bool   // even if that loses commits
}

// Push sends objects and changes refs of a remote. A refusal, also of some of the
// refs, is a [*RemoteError] with the remote's reason.
func (r *Repository) Push(ctx context.Context, url string, updates []PushUpdate, o *RemoteOptions) error {
	m := newRemote(url, o)
	if err := m.advertised(ctx, "git-receive-pack"); err != nil {
		return err
	}
	have := make(map[string]OID)
	var haveIDs, tips []OID
	for _, ref := range m.refs {
		have[ref.Name] = ref.ID
		haveIDs = append(haveIDs, ref.ID)
	}
	_, band := m.caps["side-band-64k"]
	caps := "\x00report-status agent=" + agent
	if band {
		caps += " side-band-64k"
	}
	var body []byte
	deletesOnly := true
	for _, u := range updates {
		if err := refs.CheckName(u.Name); err != nil {
			return err
		}
		if have[u.Name] == u.ID {
			continue
		}
		if !u.ID.IsZero() {
			deletesOnly = false
			tips = append(tips, u.ID)
			if err := r.checkForward(ctx, have[u.Name], u); err != nil {
				return err
			}
		}
		body = pktline.Append(body, fmt.Sprintf("%v %v %s%s", have[u.Name], u.ID, u.Name, caps))
		caps = ""
	}
	if len(body) == 0 {
		return nil
	}
	body = append(body, pktline.Flush...)
	buf := bytes.NewBuffer(body)
	if !deletesOnly {
		ids, err := r.missing(ctx, tips, haveIDs)
		if err != nil {
			return err
		}
		if err := r.objects.WritePack(ctx, buf, ids); err != nil {
			return err
		}
	}
	res, err := m.request(ctx, http.MethodPost, "/git-receive-pack", "application/x-git-receive-pack-request", buf)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return m.readReport(res.Body, band)
}

// checkForward refuses a push that would lose commits.
func (r *Repository) checkForward(ctx context.Context, old OID, u PushUpdate) error {
	if u.Force || old.IsZero() || !strings.HasPrefix(u.Name, "refs/heads/") {
		return nil
	}
	if r.objects.Has(old) {
		for c, err := range r.Log(ctx, &LogOptions{From: []OID{u.ID}}) {
			if err != nil {
				return err
			}
			if c.ID == old {
				return nil
			}
		}
	}
	return fmt.Errorf("gogit: push: %s: not a fast-forward, the remote has commits that are missing here", u.Name)
}

// readReport reads what receive-pack says of each ref.
func (m *remote) readReport(body io.Reader, band bool) error {
	r := pktline.NewReader(body)
	if band {
		r = pktline.NewReader(&pktline.BandReader{R: r, Progress: m.o.Progress})
	}
	line, _, err := r.Line()
	if err != nil {
		if strings.HasPrefix(err.Error(), "remote error: ") {
			return m.fault("%v", err)
		}
		return m.fault("no report: %v", err)
	}
	if line != "unpack ok" {
		return m.fault("%s", line)
	}
	var refused []string
	for {
		line, flush, err := r.Line()
		if err != nil {
			return m.fault("report is cut: %v", err)
		}
		if flush {
			break
		}
		if reason, ok := strings.CutPrefix(line, "ng "); ok {
			refused = append(refused, reason)
		}
	}
	if len(refused) > 0 {
		return m.fault("refused: %s", strings.Join(refused, "; "))
	}
	return nil
}

func appendFile(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("gogit: %w", err)
	}
	_, err = f.WriteString(text)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("gogit: %w", err)
	}
	return nil
}
