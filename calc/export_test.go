package calc

// WithVerify returns a copy of o under which the intermediate form is looked at
// behind each pass.
func WithVerify(o Options) *Options {
	o.verify = true
	return &o
}
