package calc

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
