package calc

// WithVerify returns a copy of o under which the intermediate form is looked at
// behind each pass, and garbage is collected whenever memory is taken.
func WithVerify(o Options) *Options {
	o.verify, o.stress = true, true
	return &o
}
