package plugins

import "context"

// Choose returns the provider of a name, or an *Error of CodeUnknown.
func Choose(specs []Spec, name string) (Spec, error) {
	for _, spec := range specs {
		if spec.Name == name {
			return spec, nil
		}
	}
	e := newError(CodeUnknown, "", "unknown provider")
	if ValidName(name) {
		e = newError(CodeUnknown, name, "is not installed")
	}
	return Spec{}, e.hint("see: humanconnect provider list")
}

// PinUser pins providers in the user's lock at a path, by the digests of their files as they are now: the named ones, or
// without names all that have no pin. It returns the new pins. A pin of the config or of the release would override one of the
// user's lock, so that such a provider is refused with CodeConfigPin or CodeReleasePin.
func PinUser(ctx context.Context, path string, specs []Spec, names []string) ([]Entry, error) {
	chosen, err := pinnable(specs, names)
	if err != nil {
		return nil, err
	}
	var pins []Entry
	for _, spec := range chosen {
		digest, err := spec.Digest()
		if err != nil {
			return nil, err
		}
		pins = append(pins, Entry{Name: spec.Name, SHA256: digest})
	}
	if len(pins) == 0 {
		return nil, nil
	}
	return pins, UpdateLock(ctx, path, func(lock *Lock) {
		for _, p := range pins {
			lock.Set(p.Name, p.SHA256)
		}
	})
}

func pinnable(specs []Spec, names []string) ([]Spec, error) {
	var chosen []Spec
	if len(names) == 0 {
		for _, spec := range specs {
			if spec.SHA256 == "" && !spec.Dev {
				chosen = append(chosen, spec)
			}
		}
	}
	for _, name := range names {
		spec, err := Choose(specs, name)
		if err != nil {
			return nil, err
		}
		if err := overridden(spec); err != nil {
			return nil, err
		}
		chosen = append(chosen, spec)
	}
	return chosen, nil
}

// overridden refuses a provider whose pin in the config or the release lock overrides the user's lock.
func overridden(spec Spec) error {
	switch spec.Pinned {
	case OriginRelease:
		return newError(CodeReleasePin, spec.Name, "is pinned by the release").
			hint("reinstall the release if its file was replaced; a pin in the config file overrides it")
	case OriginConfig:
		digest, err := spec.Digest()
		if err != nil {
			return err
		}
		return newError(CodeConfigPin, spec.Name, "is pinned by the config").
			hint("to accept the file as it is now, set there: sha256: %s", digest)
	}
	return nil
}
