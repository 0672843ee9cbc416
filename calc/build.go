package calc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// A Target is what Build builds for.
type Target struct {
	// Runner is the executable that the result begins with: one that calls [Open]
	// for itself and runs the program, as the calc command does. It is copied, so
	// that the result runs wherever the runner does.
	Runner io.Reader
}

// ErrNoProgram is returned by [Open] for a file without a program.
var ErrNoProgram = errors.New("calc: there is no program in this file")

// imageMagic ends an executable with a program. The eight bytes before it are the
// length of what is before those: a list of texts, each behind its length. They
// are the names and sources of the program and of its modules.
const imageMagic = "calc program v1\n"

// maxImage bounds the bytes of a program in an executable.
const maxImage = 1 << 30

// Build checks a program and writes an executable that runs it: the runner with the
// sources behind it, which it compiles when it starts. Of the options Name, Env,
// Funcs, Modules and Limits.Source count; the others are for the runner to give.
func Build(w io.Writer, src string, t Target, o *Options) error {
	if t.Runner == nil {
		return errors.New("calc: Build: Target.Runner is nil")
	}
	p, err := Compile(src, o)
	if err != nil {
		return err
	}
	if len(p.compiler.env) > 0 || len(p.compiler.o.Funcs) > 0 {
		return errors.New("calc: Build: an executable has no host values or functions")
	}
	if _, err := io.Copy(w, t.Runner); err != nil {
		return fmt.Errorf("calc: Build: copy the runner: %w", err)
	}
	if _, err := w.Write(p.compiler.sources.image(p.compiler.o.Name)); err != nil {
		return fmt.Errorf("calc: Build: %w", err)
	}
	return nil
}

// image lists the sources, that of the program first.
func (s sources) image(main string) []byte {
	var b []byte
	add := func(text string) {
		b = binary.LittleEndian.AppendUint64(b, uint64(len(text)))
		b = append(b, text...)
	}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(s)), func(n string) bool { return n == main })
	for _, name := range append([]string{main}, names...) {
		add(name)
		add(s[name])
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(len(b)))
	return append(b, imageMagic...)
}

// Open compiles the program that [Build] has put at the end of a file of the given
// size. Without one the error is ErrNoProgram. Of the options Name and Modules are
// those of the build.
func Open(r io.ReaderAt, size int64, o *Options) (*Program, error) {
	texts, err := readImage(r, size)
	if err != nil {
		return nil, err
	}
	if o == nil {
		o = &Options{}
	}
	opened := *o
	opened.Name = texts[0]
	modules := make(map[string]string)
	for i := 2; i < len(texts); i += 2 {
		modules[texts[i]] = texts[i+1]
	}
	opened.Modules = textFS(modules)
	return Compile(texts[1], &opened)
}

// readImage reads the list of texts at the end of a file, an even number of them.
func readImage(r io.ReaderAt, size int64) ([]string, error) {
	const end = int64(8 + len(imageMagic))
	if size < end {
		return nil, ErrNoProgram
	}
	tail := make([]byte, end)
	if _, err := r.ReadAt(tail, size-end); err != nil && err != io.EOF {
		return nil, fmt.Errorf("calc: Open: %w", err)
	}
	if string(tail[8:]) != imageMagic {
		return nil, ErrNoProgram
	}
	n := binary.LittleEndian.Uint64(tail)
	if n > maxImage || int64(n) > size-end {
		return nil, fmt.Errorf("calc: Open: the program at %d is said to have %d bytes", size-end, n)
	}
	b := make([]byte, n)
	if _, err := r.ReadAt(b, size-end-int64(n)); err != nil && err != io.EOF {
		return nil, fmt.Errorf("calc: Open: %w", err)
	}
	var texts []string
	for len(b) > 0 {
		if len(b) < 8 || binary.LittleEndian.Uint64(b) > uint64(len(b)-8) {
			return nil, fmt.Errorf("calc: Open: text %d of the program is damaged", len(texts))
		}
		k := binary.LittleEndian.Uint64(b)
		texts = append(texts, string(b[8:8+k]))
		b = b[8+k:]
	}
	if len(texts) < 2 || len(texts)%2 != 0 {
		return nil, fmt.Errorf("calc: Open: the program has %d texts", len(texts))
	}
	return texts, nil
}
