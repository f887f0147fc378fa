package problem

import (
	"errors"
	"slices"
)

// Join makes one problem of several errors: nil of none, and one as it is. Of more, its message is the format with their
// number, its code that of the first with one; each is a fact with its code and its own facts below it, and all their hints
// follow, each once.
func Join(format string, errs ...error) error {
	errs = slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return err == nil })
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	all := New("", format, len(errs))
	for _, err := range errs {
		var p *Problem
		if !errors.As(err, &p) {
			all = all.Fact("%s", err)
			continue
		}
		if all.code == "" {
			all.code = p.code
		}
		all = all.Fact("%s [%s]", err, p.code)
		for _, fact := range p.facts {
			all = all.Fact("  %s", fact)
		}
		all = all.WithPlaces(append(all.Places(), p.places...)...)
		for _, hint := range p.hints {
			if !slices.Contains(all.hints, hint) {
				all = all.Hint("%s", hint)
			}
		}
	}
	return all
}
