package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/groundwork-go/groundwork/gogit"
	"github.com/groundwork-go/groundwork/gogit/internal/pktline"
	"github.com/groundwork-go/groundwork/gogit/internal/reach"
	"github.com/groundwork-go/groundwork/gogit/odb"
	"github.com/groundwork-go/groundwork/gogit/refs"
)

// receive answers git-receive-pack: changes of refs, then a pack.
func (h *handler) receive(ctx context.Context, path string, repo *gogit.Repository, body io.Reader, out *response) error {
	r := pktline.NewReader(body)
	p := &Push{Path: path, Repo: repo}
	caps, err := readCommands(r, p)
	if err != nil || len(p.Updates) == 0 {
		return err
	}
	band := strings.Contains(caps, " side-band-64k ")
	p.Progress = io.Discard
	if band {
		p.Progress = &pktline.BandWriter{W: out, Band: pktline.BandProgress, Flush: out.flush}
	}
	quarantine, err := repo.Objects().Quarantine()
	if err != nil {
		return h.report(out, band, p, err, nil)
	}
	accepted := false
	defer func() {
		if !accepted {
			if err := quarantine.Discard(); err != nil {
				h.o.Logger.Error("discard quarantine", "path", path, "error", err)
			}
		}
	}()
	p.Objects = quarantine
	if err := h.unpack(ctx, r, p); err != nil {
		return h.report(out, band, p, err, nil)
	}
	reasons := make([]error, len(p.Updates))
	if err := h.decide(ctx, p); err != nil {
		for i := range reasons {
			reasons[i] = err
		}
		return h.report(out, band, p, nil, reasons)
	}
	// From here on the push goes through, whatever the client does.
	if err := quarantine.Accept(); err != nil {
		return h.report(out, band, p, err, nil)
	}
	accepted = true
	var done []Update
	for i, u := range p.Updates {
		if reasons[i] = repo.Refs().Update(u.Name, u.Old, u.New); reasons[i] == nil {
			done = append(done, u)
		}
	}
	if h.o.PostReceive != nil && len(done) > 0 {
		post := *p
		post.Updates, post.Objects = done, repo.Objects()
		h.o.PostReceive(context.WithoutCancel(ctx), &post)
	}
	return h.report(out, band, p, nil, reasons)
}

// readCommands reads the list of changes and the capabilities, with a space around
// each.
func readCommands(r *pktline.Reader, p *Push) (caps string, err error) {
	for first := true; ; first = false {
		line, flush, err := r.Line()
		if err != nil {
			return "", fmt.Errorf("%w: %w", errRequest, err)
		}
		if flush {
			return caps, nil
		}
		if first {
			line, caps, _ = strings.Cut(line, "\x00")
			caps = " " + caps + " "
		}
		f := strings.SplitN(line, " ", 3)
		if len(f) != 3 || len(p.Updates) > maxLines {
			return "", fmt.Errorf("%w: %.100q", errRequest, line)
		}
		old, err1 := odb.ParseOID(f[0])
		id, err2 := odb.ParseOID(f[1])
		if err1 != nil || err2 != nil {
			return "", fmt.Errorf("%w: %.100q", errRequest, line)
		}
		p.Updates = append(p.Updates, Update{Name: f[2], Old: old, New: id})
	}
}

// unpack receives the pack into the quarantine and checks that nothing is missing.
func (h *handler) unpack(ctx context.Context, r *pktline.Reader, p *Push) error {
	var tips []odb.OID
	for _, u := range p.Updates {
		if !u.New.IsZero() {
			tips = append(tips, u.New)
		}
	}
	if len(tips) == 0 {
		return nil
	}
	if _, err := p.Objects.ReceivePack(ctx, r.Rest()); err != nil {
		return err
	}
	err := reach.Connected(ctx, p.Objects, tips, p.Repo.Objects().Has)
	if errors.Is(err, odb.ErrNotFound) {
		return fmt.Errorf("objects are missing: %w", err)
	}
	return err
}

// decide checks names and old values and asks the hook.
func (h *handler) decide(ctx context.Context, p *Push) error {
	seen := make(map[string]bool)
	for _, u := range p.Updates {
		if err := refs.CheckName(u.Name); err != nil || u.Name == "HEAD" {
			return fmt.Errorf("bad ref name %q", u.Name)
		}
		if seen[u.Name] {
			return fmt.Errorf("%s is changed twice", u.Name)
		}
		seen[u.Name] = true
		now, err := p.Repo.Refs().Get(u.Name)
		if err != nil && !errors.Is(err, refs.ErrNotFound) {
			return err
		}
		if now != u.Old {
			return errors.New("the ref has changed meanwhile, fetch first")
		}
	}
	if h.o.PreReceive != nil {
		return h.o.PreReceive(ctx, p)
	}
	return nil
}

// report tells the client the fate of its push; reasons has an error or nil for
// each update.
func (h *handler) report(out *response, band bool, p *Push, unpackErr error, reasons []error) error {
	var b []byte
	if unpackErr != nil {
		b = pktline.Append(b, "unpack "+oneLine(unpackErr)+"\n")
	} else {
		b = pktline.Append(b, "unpack ok\n")
	}
	for i, u := range p.Updates {
		switch {
		case unpackErr != nil:
			b = pktline.Append(b, "ng "+u.Name+" unpacker error\n")
		case reasons[i] != nil:
			b = pktline.Append(b, "ng "+u.Name+" "+oneLine(reasons[i])+"\n")
		default:
			b = pktline.Append(b, "ok "+u.Name+"\n")
		}
	}
	b = append(b, pktline.Flush...)
	if !band {
		if _, err := out.Write(b); err != nil {
			return err
		}
		return unpackErr
	}
	w := &pktline.BandWriter{W: out, Band: pktline.BandData}
	if _, err := w.Write(b); err != nil {
		return err
	}
	if _, err := out.Write([]byte(pktline.Flush)); err != nil {
		return err
	}
	return unpackErr
}

// oneLine keeps an error from breaking the protocol.
func oneLine(err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	return text[:min(len(text), 500)]
}
