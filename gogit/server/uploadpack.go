package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/groundwork-go/groundwork/gogit"
	"github.com/groundwork-go/groundwork/gogit/internal/pktline"
	"github.com/groundwork-go/groundwork/gogit/internal/reach"
	"github.com/groundwork-go/groundwork/gogit/odb"
	"github.com/groundwork-go/groundwork/gogit/refs"
)

// advertise answers info/refs (gitprotocol-http).
func (h *handler) advertise(w http.ResponseWriter, r *http.Request, repo *gogit.Repository, service string) {
	list, err := advertised(repo)
	if err != nil {
		h.o.Logger.Error("list refs", "path", r.URL.Path, "error", err)
		http.Error(w, "the refs cannot be read", http.StatusInternalServerError)
		return
	}
	caps := "report-status delete-refs side-band-64k ofs-delta object-format=sha1 agent=" + agent
	if service == uploadPack {
		caps = "side-band-64k ofs-delta no-progress include-tag object-format=sha1 agent=" + agent
		if head, err := repo.Refs().Head(); err == nil && head != "" {
			caps += " symref=HEAD:" + head
		}
	}
	b := pktline.Append(nil, "# service="+service+"\n")
	b = append(b, pktline.Flush...)
	if len(list) == 0 {
		b = pktline.Append(b, gogit.OID{}.String()+" capabilities^{}\x00"+caps+"\n")
	}
	for _, ref := range list {
		if service == receivePack && ref.Name == "HEAD" {
			continue
		}
		line := ref.ID.String() + " " + ref.Name
		if caps != "" {
			line += "\x00" + caps
			caps = ""
		}
		b = pktline.Append(b, line+"\n")
	}
	b = append(b, pktline.Flush...)
	w.Header().Set("Content-Type", "application/x-"+service+"-advertisement")
	_, _ = w.Write(b) // the client may have gone
}

// advertised lists HEAD, if it points to something, and all refs whose objects
// exist.
func advertised(repo *gogit.Repository) ([]refs.Ref, error) {
	all, err := repo.Refs().List("refs/")
	if err != nil {
		return nil, err
	}
	var list []refs.Ref
	if id, err := repo.Refs().Get("HEAD"); err == nil && repo.Objects().Has(id) {
		list = append(list, refs.Ref{Name: "HEAD", ID: id})
	}
	for _, r := range all {
		if repo.Objects().Has(r.ID) {
			list = append(list, r)
		}
	}
	return list, nil
}

// maxLines bounds the lines of one request.
const maxLines = 1 << 20

var errRequest = errors.New("malformed request")

// upload answers git-upload-pack: what the client wants and has, then a pack.
func (h *handler) upload(ctx context.Context, repo *gogit.Repository, body io.Reader, out *response) error {
	r := pktline.NewReader(body)
	allowed, err := advertised(repo)
	if err != nil {
		return err
	}
	var wants, common []odb.OID
	band := false
	for {
		line, flush, err := r.Line()
		if err != nil {
			return fmt.Errorf("%w: %w", errRequest, err)
		}
		if flush {
			break
		}
		hex, caps, _ := strings.Cut(strings.TrimPrefix(line, "want "), " ")
		id, err := odb.ParseOID(hex)
		if err != nil || !strings.HasPrefix(line, "want ") || len(wants) > maxLines {
			return fmt.Errorf("%w: %.100q", errRequest, line)
		}
		if !advertises(allowed, id) {
			_, err := out.Write(pktline.Append(nil, "ERR upload-pack: not our ref "+id.String()))
			return err
		}
		band = band || strings.Contains(" "+caps+" ", " side-band-64k ")
		wants = append(wants, id)
	}
	if len(wants) == 0 {
		return nil
	}
	done := false
	for n := 0; !done && n < maxLines; n++ {
		line, flush, err := r.Line()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errRequest, err)
		}
		if flush {
			continue
		}
		if done = line == "done"; done {
			break
		}
		id, err := odb.ParseOID(strings.TrimPrefix(line, "have "))
		if err != nil || !strings.HasPrefix(line, "have ") {
			return fmt.Errorf("%w: %.100q", errRequest, line)
		}
		if repo.Objects().Has(id) {
			common = append(common, id)
		}
	}
	answer := "NAK\n"
	if len(common) > 0 {
		answer = "ACK " + common[0].String() + "\n"
	}
	if _, err := out.Write(pktline.Append(nil, answer)); err != nil || !done {
		return err
	}
	ids, err := reach.Missing(ctx, repo.Objects(), wants, common)
	if err != nil {
		return h.bandError(out, band, err)
	}
	w := &pktline.BandWriter{W: out}
	if band {
		w.Band = pktline.BandData
	}
	// Small writes would make small packets.
	buffered := &packets{w: w}
	if err := repo.Objects().WritePack(ctx, buffered, ids); err != nil {
		return h.bandError(out, band, err)
	}
	if err := buffered.flush(); err != nil {
		return err
	}
	if band {
		_, err = out.Write([]byte(pktline.Flush))
	}
	return err
}

func advertises(list []refs.Ref, id odb.OID) bool {
	for _, r := range list {
		if r.ID == id {
			return true
		}
	}
	return false
}

// bandError tells the client what went wrong in the middle of an answer.
func (h *handler) bandError(out *response, band bool, err error) error {
	if band {
		w := &pktline.BandWriter{W: out, Band: pktline.BandError}
		_, _ = w.Write([]byte("the repository cannot be read\n")) // the client may have gone
	}
	return err
}

// packets collects data for full packets.
type packets struct {
	w   io.Writer
	buf []byte
}

func (p *packets) Write(b []byte) (int, error) {
	p.buf = append(p.buf, b...)
	if len(p.buf) < pktline.MaxData-1 {
		return len(b), nil
	}
	return len(b), p.flush()
}

func (p *packets) flush() error {
	_, err := p.w.Write(p.buf)
	p.buf = p.buf[:0]
	return err
}
