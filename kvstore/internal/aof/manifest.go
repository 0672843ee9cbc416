package aof

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Name is the beginning of the names of all files, and the name of the single file
// of Redis up to version 6.
const Name = "appendonly.aof"

// Dir is the folder of the files.
const Dir = "appendonlydir"

// A File is a file that the manifest lists.
type File struct {
	Name string
	Seq  int64
	Type byte // 'b': base, 'i': incremental, 'h': history, to be deleted
}

// A Manifest lists the files that make up the log, in order: Redis 7's format, with
// a last line that has a checksum, which Redis takes for a comment.
type Manifest struct{ Files []File }

// ErrManifest is wrapped by errors about a manifest that cannot be read.
var ErrManifest = errors.New("bad manifest")

func manifestName(dir string) string { return filepath.Join(dir, Name+".manifest") }

// ReadManifest reads the manifest of a folder; os.ErrNotExist if there is none.
func ReadManifest(dir string) (*Manifest, error) {
	data, err := os.ReadFile(manifestName(dir))
	if err != nil {
		return nil, err
	}
	m := &Manifest{}
	rest := data
	for len(rest) > 0 {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		at := len(data) - len(rest)
		rest = after
		text := strings.TrimSpace(string(line))
		if strings.HasPrefix(text, prefix) {
			n, sum, _, ok := annotation(data, at)
			if !ok || n != at || checksum(data[:at]) != sum {
				return nil, fmt.Errorf("%w: the checksum is wrong", ErrManifest)
			}
			continue
		}
		if text == "" || text[0] == '#' {
			continue
		}
		f, err := parseManifestLine(text)
		if err != nil {
			return nil, err
		}
		if err := m.check(f); err != nil {
			return nil, err
		}
		m.Files = append(m.Files, f)
	}
	if len(m.Files) == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrManifest)
	}
	return m, nil
}

// check tells what speaks against a further file.
func (m *Manifest) check(f File) error {
	for _, o := range m.Files {
		switch {
		case f.Type == 'b' && o.Type == 'b':
			return fmt.Errorf("%w: there are two base files", ErrManifest)
		case f.Type == 'i' && o.Type == 'i' && f.Seq <= o.Seq:
			return fmt.Errorf("%w: the numbers of the incremental files do not rise", ErrManifest)
		}
	}
	return nil
}

func parseManifestLine(text string) (f File, err error) {
	words := strings.Fields(text)
	if len(words) < 6 || len(words)%2 != 0 {
		return f, fmt.Errorf("%w: line %q", ErrManifest, text)
	}
	for i := 0; i < len(words); i += 2 {
		v := words[i+1]
		switch words[i] {
		case "file":
			f.Name = v
			if strings.HasPrefix(v, `"`) {
				f.Name, err = strconv.Unquote(v)
			}
		case "seq":
			f.Seq, err = strconv.ParseInt(v, 10, 64)
		case "type":
			f.Type = v[0]
		}
		if err != nil {
			return f, fmt.Errorf("%w: line %q", ErrManifest, text)
		}
	}
	if f.Name == "" || f.Name != filepath.Base(f.Name) || f.Name[0] == '.' || !strings.ContainsRune("bih", rune(f.Type)) {
		return f, fmt.Errorf("%w: line %q", ErrManifest, text)
	}
	return f, nil
}

// Write puts the manifest in place of the old one, whole or not at all.
func (m *Manifest) Write(dir string) error {
	var b []byte
	for _, f := range m.Files {
		b = fmt.Appendf(b, "file %s seq %d type %c\n", f.Name, f.Seq, f.Type)
	}
	b = appendAnnotation(b, len(b), checksum(b))
	return writeFile(dir, manifestName(dir), b)
}

// writeFile replaces a file.
func writeFile(dir, name string, b []byte) error {
	tmp, err := os.CreateTemp(dir, "temp-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	if err == nil {
		err = tmp.Sync()
	}
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		_ = os.Remove(tmp.Name()) // the first error counts
		return err
	}
	return SyncDir(dir)
}

// last returns the highest number of a kind of file.
func (m *Manifest) last(types string) int64 {
	n := int64(0)
	for _, f := range m.Files {
		if strings.ContainsRune(types, rune(f.Type)) {
			n = max(n, f.Seq)
		}
	}
	return n
}

// SyncDir makes renames in a folder last.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	if errors.Is(err, os.ErrInvalid) || errors.Is(err, os.ErrPermission) {
		return nil // systems that cannot sync a folder
	}
	return err
}
