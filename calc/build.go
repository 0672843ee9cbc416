package calc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/groundwork-go/groundwork/calc/internal/ir"
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

// An executable is the runner, the image of the program, and a trailer: the checksum
// and the length of the image and imageMagic. The image is a number of texts, the
// texts, names and sources in turn, that of the program first, and the program as
// package ir encodes it.
const (
	imagePrefix = "calc program v"
	imageMagic  = imagePrefix + "2\n"
	trailerSize = 4 + 8 + len(imageMagic)

	// maxImage bounds the bytes of a program in an executable.
	maxImage = 1 << 30
)

// Build compiles a program and writes an executable that runs it: the runner with
// the compiled program behind it, in a form that does not depend on the system, and
// the sources, which errors show. Of the options Name, Env, Funcs, Modules and
// Limits.Source count; the others are for the runner to give.
func Build(w io.Writer, src string, t Target, o *Options) error {
	if t.Runner == nil {
		return errors.New("calc: Build: Target.Runner is nil")
	}
	c, err := newCompiler(o)
	if err != nil {
		return err
	}
	img, err := c.encode(src)
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, t.Runner); err != nil {
		return fmt.Errorf("calc: Build: copy the runner: %w", err)
	}
	if _, err := w.Write(img); err != nil {
		return fmt.Errorf("calc: Build: %w", err)
	}
	return nil
}

// encode compiles a program and returns its image with the trailer.
func (c *compiler) encode(src string) (img []byte, err error) {
	if len(c.env) > 0 || len(c.o.Funcs) > 0 {
		return nil, errors.New("calc: Build: an executable has no host values or functions")
	}
	prog, err := c.compile(c.o.Name, src)
	if err != nil {
		return nil, err
	}
	defer c.sources.internal(c.o.Name, &err)
	code, err := c.intermediate(prog, &image{}, false).Encode()
	if err != nil {
		return nil, fmt.Errorf("calc: Build: %w", err)
	}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(c.sources)), func(n string) bool { return n == c.o.Name })
	img = binary.AppendUvarint(img, uint64(2*len(names)+2))
	for _, name := range append([]string{c.o.Name}, names...) {
		for _, text := range []string{name, c.sources[name]} {
			img = binary.AppendUvarint(img, uint64(len(text)))
			img = append(img, text...)
		}
	}
	return seal(append(img, code...)), nil
}

// seal puts the trailer behind an image.
func seal(img []byte) []byte {
	sum, n := crc32.Checksum(img, crc32.MakeTable(crc32.Castagnoli)), uint64(len(img))
	img = binary.LittleEndian.AppendUint32(img, sum)
	img = binary.LittleEndian.AppendUint64(img, n)
	return append(img, imageMagic...)
}

// Open returns the program that [Build] has put at the end of a file of the given
// size. Without one the error is ErrNoProgram; one that is not whole, or was made by
// another version of this package, is another error. Of the options Name and Modules
// are those of the build; on Tree the program is compiled anew.
func Open(r io.ReaderAt, size int64, o *Options) (*Program, error) {
	img, err := readImage(r, size)
	if err != nil {
		return nil, err
	}
	if o == nil {
		o = &Options{}
	}
	p, err := openImage(img, *o)
	var known *Error
	if err != nil && !errors.As(err, &known) {
		return nil, fmt.Errorf("calc: Open: the program at byte %d: %w", size-int64(trailerSize+len(img)), err)
	}
	return p, err
}

// openImage makes a program of an image.
func openImage(img []byte, o Options) (p *Program, err error) {
	texts, code, err := readTexts(img)
	if err != nil {
		return nil, err
	}
	modules := make(textFS)
	for i := 2; i < len(texts); i += 2 {
		modules[texts[i]] = texts[i+1]
	}
	o.Name, o.Modules = texts[0], modules
	if o.Backend == Tree {
		return Compile(texts[1], &o)
	}
	c, err := newCompiler(&o)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(texts); i += 2 {
		c.sources[texts[i]] = texts[i+1]
	}
	defer c.sources.internal(o.Name, &err)
	var bad error
	made, err := c.code(func() (p *ir.Program, err error) {
		p, bad = ir.Decode(code)
		return p, bad
	}, &image{}, false)
	switch {
	case bad != nil:
		return nil, bad
	case err != nil: // too large for the VM: there is the tree
		o.Backend = Tree
		return Compile(texts[1], &o)
	}
	return &Program{compiler: c, image: made, opened: true}, nil
}

// readTexts reads the texts of an image, an even number of them, and returns what is
// behind them.
func readTexts(img []byte) (texts []string, rest []byte, err error) {
	number := func() uint64 {
		x, n := binary.Uvarint(img)
		if n <= 0 {
			x, n = 1<<63, len(img)
		}
		img = img[n:]
		return x
	}
	n := number()
	if n < 2 || n%2 != 0 || n > uint64(len(img)) {
		return nil, nil, errors.New("damaged: its list of sources")
	}
	for range n {
		k := number()
		if k > uint64(len(img)) {
			return nil, nil, fmt.Errorf("damaged: source %d", len(texts)/2)
		}
		texts = append(texts, string(img[:k]))
		img = img[k:]
	}
	return texts, img, nil
}

// readImage reads the image at the end of a file and checks that it is whole.
func readImage(r io.ReaderAt, size int64) ([]byte, error) {
	var trailer [trailerSize]byte
	if size < int64(trailerSize) {
		return nil, ErrNoProgram
	}
	if _, err := r.ReadAt(trailer[:], size-int64(trailerSize)); err != nil && err != io.EOF {
		return nil, fmt.Errorf("calc: Open: %w", err)
	}
	sum, n, magic := binary.LittleEndian.Uint32(trailer[:]), binary.LittleEndian.Uint64(trailer[4:]), string(trailer[12:])
	switch {
	case magic == imageMagic:
	case strings.HasPrefix(magic, imagePrefix):
		return nil, fmt.Errorf("calc: Open: the program at the end of the file is of %q, not %q", strings.TrimSpace(magic), strings.TrimSpace(imageMagic))
	default:
		if end := elfEnd(r, size); end > 0 && end < size {
			return nil, fmt.Errorf("calc: Open: behind the executable, at byte %d, there is no whole program: %d bytes without an end", end, size-end)
		}
		return nil, ErrNoProgram
	}
	if n > maxImage || int64(n) > size-int64(trailerSize) {
		return nil, fmt.Errorf("calc: Open: the program at the end of the file is said to have %d bytes, the file has %d", n, size)
	}
	img := make([]byte, n)
	at := size - int64(trailerSize) - int64(n)
	if _, err := r.ReadAt(img, at); err != nil && err != io.EOF {
		return nil, fmt.Errorf("calc: Open: %w", err)
	}
	if got := crc32.Checksum(img, crc32.MakeTable(crc32.Castagnoli)); got != sum {
		return nil, fmt.Errorf("calc: Open: the program at byte %d is damaged: its checksum is %08x, not %08x", at, got, sum)
	}
	return img, nil
}

// elfEnd returns where a 64-bit little-endian ELF executable ends by its own account,
// 0 for other files.
func elfEnd(r io.ReaderAt, size int64) int64 {
	var head [64]byte
	if _, err := r.ReadAt(head[:], 0); err != nil || !bytes.HasPrefix(head[:], []byte("\x7fELF\x02\x01")) {
		return 0
	}
	at, entry, count := int64(binary.LittleEndian.Uint64(head[40:])), int64(binary.LittleEndian.Uint16(head[58:])), int64(binary.LittleEndian.Uint16(head[60:]))
	if at <= 0 || at > size || entry < 64 || at+entry*count > size {
		return 0
	}
	table := make([]byte, entry*count)
	if _, err := r.ReadAt(table, at); err != nil {
		return 0
	}
	end := at + entry*count
	for ; len(table) > 0; table = table[entry:] {
		const noBits = 8 // of a section that is not in the file
		if binary.LittleEndian.Uint32(table[4:]) != noBits {
			end = max(end, int64(binary.LittleEndian.Uint64(table[24:])+binary.LittleEndian.Uint64(table[32:])))
		}
	}
	return end
}
