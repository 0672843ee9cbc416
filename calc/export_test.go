package calc

import (
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
)

// WithVerify returns a copy of o under which the intermediate form is looked at
// behind each pass, and garbage is collected whenever memory is taken.
func WithVerify(o Options) *Options {
	o.verify, o.stress = true, true
	return &o
}

// Encode returns the image of a program, without its trailer.
func Encode(src string) ([]byte, error) {
	c, err := newCompiler(nil)
	if err != nil {
		return nil, err
	}
	img, err := c.encode(src)
	if err != nil {
		return nil, err
	}
	return img[:len(img)-trailerSize], nil
}

// OpenImage makes a program of an image.
func OpenImage(img []byte) (*Program, error) { return openImage(img, Options{}) }

// unheard is a node that no engine knows.
type unheard struct{}

func (unheard) Type() *types.Type { return types.Int }

// CompileUnheard compiles a source, at the end of which is what no engine knows.
func CompileUnheard(src string, o *Options) error {
	c, err := newCompiler(o)
	if err != nil {
		return err
	}
	prog, err := c.compile(c.o.Name, src)
	if err != nil {
		return err
	}
	body := prog.Mains[0].Body.(*typed.Block)
	body.Nodes = append(body.Nodes, unheard{})
	_, err = c.build(c.o.Name, prog)
	return err
}
