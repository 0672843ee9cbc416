package types

// Identical tells whether a and b are the same type. Open types are identical only
// to themselves.
func Identical(a, b *Type) bool { return match(a, b, false) }

// Unify makes a and b the same type by deciding what is open in them, and tells
// whether that is possible. It may have decided a part when it fails.
func Unify(a, b *Type) bool { return match(a, b, true) }

func match(a, b *Type, decide bool) bool {
	a, b = a.Decided(), b.Decided()
	if a == b {
		return true
	}
	if decide {
		if a.Kind == KOpen {
			return a.decide(b)
		}
		if b.Kind == KOpen {
			return b.decide(a)
		}
	}
	if a.Kind != b.Kind {
		return false
	}
	switch a.Kind {
	case KList, KOption:
		return match(a.Elem, b.Elem, decide)
	case KMap:
		return match(a.Key, b.Key, decide) && match(a.Elem, b.Elem, decide)
	case KFunc:
		if len(a.Params) != len(b.Params) {
			return false
		}
		for i := range a.Params {
			if !match(a.Params[i], b.Params[i], decide) {
				return false
			}
		}
		return match(a.Result, b.Result, decide)
	case KStruct:
		return a.Struct == b.Struct
	case KOpaque, KOpen, KPending:
		return a.ID == b.ID
	}
	return true
}

// decide makes an open type another one, unless it would contain itself.
func (t *Type) decide(to *Type) bool {
	if !to.IsValue() || to.Kind == KPending || to.contains(t) {
		return false
	}
	t.Elem = to
	return true
}

func (t *Type) contains(open *Type) bool {
	t = t.Decided()
	if t == open {
		return true
	}
	switch t.Kind {
	case KList, KOption:
		return t.Elem.contains(open)
	case KMap:
		return t.Key.contains(open) || t.Elem.contains(open)
	case KFunc:
		for _, p := range t.Params {
			if p.contains(open) {
				return true
			}
		}
		return t.Result.contains(open)
	}
	return false
}

// Join returns the type that both a and b convert to, or Invalid.
func Join(a, b *Type) *Type {
	a, b = a.Decided(), b.Decided()
	switch {
	case b.Kind == KNever:
		return a
	case a.Kind == KNever:
		return b
	case a.Kind == KInt && b.Kind == KFloat, a.Kind == KFloat && b.Kind == KInt:
		return Float
	case a.Kind == KAny || b.Kind == KAny:
		if FitsAny(a) && FitsAny(b) {
			return Any
		}
		return Invalid
	case a.Kind == KOption || b.Kind == KOption:
		e := Join(a.Unwrapped(), b.Unwrapped())
		if !e.IsValue() {
			return Invalid
		}
		return OptionOf(e)
	case Unify(a, b):
		return a
	}
	return Invalid
}

// Unwrapped returns T for T?, else the type itself.
func (t *Type) Unwrapped() *Type {
	if t = t.Decided(); t.Kind == KOption {
		return t.Elem.Decided()
	}
	return t
}

// FitsAny tells whether values of type t are kept as they are in an any.
func FitsAny(t *Type) bool {
	t = t.Decided()
	switch t.Kind {
	case KInt, KFloat, KBool, KString, KAny:
		return true
	case KOption: // that of nil alone is open
		return t.Elem.Is(KOpen) || FitsAny(t.Elem)
	case KList:
		return t.Elem.Is(KAny)
	case KMap:
		return t.Key.Is(KString) && t.Elem.Is(KAny)
	}
	return false
}
