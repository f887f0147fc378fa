package plugins

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
)

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

// Pinned is a provider that was pinned.
type Pinned struct {
	Entry
	// Problem is why it could not be described, so that its sources are not known; nil where they are.
	Problem error
}

// PinUser pins providers of o.Specs in the user's lock at a path, by the digests of their files as they are now and the sources
// that they describe then: the named ones, or without names all that have no pin, or one without sources. It runs each of them
// once, in parallel. One that cannot be described is pinned without any source, and says why in its Problem.
//
// A pin of the config or of the release would override one of the user's lock. Such a provider is refused with CodeConfigPin or
// CodeReleasePin, unless its file is the one that is pinned and the pin there names no sources: then these are recorded.
// Without names, one whose file is no longer the pinned one is left alone; see Changed.
func PinUser(ctx context.Context, o Options, path string, names []string) ([]Pinned, error) {
	chosen, err := pinnable(o.Specs, names)
	if err != nil || len(chosen) == 0 {
		return nil, err
	}
	pins, err := describePins(ctx, o, chosen)
	if err != nil {
		return nil, err
	}
	return pins, UpdateLock(ctx, path, func(lock *Lock) {
		for i, p := range pins {
			if chosen[i].Pinned != OriginConfig && chosen[i].Pinned != OriginRelease {
				lock.Set(p.Name, p.SHA256)
			}
			lock.Record(p.Name, p.SHA256, p.Sources)
		}
	})
}

// Changed returns the error of the first provider whose file is no longer the pinned one, or is gone; nil where there is none.
func Changed(specs []Spec) error {
	for _, spec := range specs {
		if spec.Dev || spec.SHA256 == "" {
			continue
		}
		if digest, err := spec.Digest(); err != nil {
			return err
		} else if digest != spec.SHA256 {
			return checksumMismatch(spec, digest)
		}
	}
	return nil
}

// FileState is what has become of the executable of a provider since it was pinned.
type FileState string

// The states of an executable.
const (
	// FilePinned: it is the pinned one.
	FilePinned FileState = "ok"
	// FileChanged: it is another one.
	FileChanged FileState = "changed"
	// FileMissing: it is not there, and FileUnreadable: it cannot be read, or is not a file.
	FileMissing    FileState = "missing"
	FileUnreadable FileState = "unreadable"
	// FileUnpinned: nothing pins it.
	FileUnpinned FileState = "unpinned"
)

// FileState reads the executable, and compares it with the pin.
func (s Spec) FileState() FileState {
	digest, err := s.Digest()
	var failed *Error
	switch {
	case errors.As(err, &failed) && (failed.Code() == CodeNotFound || failed.Code() == CodeMissing):
		return FileMissing
	case err != nil:
		return FileUnreadable
	case s.Dev || s.SHA256 == "":
		return FileUnpinned
	case digest != s.SHA256:
		return FileChanged
	}
	return FilePinned
}

// LockDirectory pins every provider in a directory, as a release lock does, and runs each of them once for its sources. One that
// cannot be described, as one for another platform, is pinned without them, to be completed where it runs; its Problem says why.
// What is not a regular file is an *Error.
func LockDirectory(ctx context.Context, o Options, dir string) (*Lock, []Pinned, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, nil, err
	}
	var specs []Spec
	for _, entry := range entries {
		if name, ok := providerName(entry.Name()); ok {
			specs = append(specs, Spec{Name: name, Command: []string{filepath.Join(dir, entry.Name())}})
		}
	}
	pins, err := describePins(ctx, o, specs)
	if err != nil {
		return nil, nil, err
	}
	lock := &Lock{Version: lockVersion}
	for _, p := range pins {
		lock.Set(p.Name, p.SHA256)
		if p.Problem == nil {
			lock.Record(p.Name, p.SHA256, p.Sources)
		}
	}
	return lock, pins, nil
}

// describePins computes the digests of providers, and then runs exactly these files for the sources.
func describePins(ctx context.Context, o Options, specs []Spec) ([]Pinned, error) {
	pins := make([]Pinned, len(specs))
	o.Specs, o.CacheDir, o.UserLock = nil, "", ""
	for i, spec := range specs {
		digest, err := spec.Digest()
		if err != nil {
			return nil, err
		}
		pins[i].Entry = Entry{Name: spec.Name, SHA256: digest, Sources: []string{}}
		o.Specs = append(o.Specs, Spec{
			Name: spec.Name, Command: spec.Command, Origin: spec.Origin, SHA256: digest, Pinned: cmp.Or(spec.Pinned, OriginUser),
		})
	}
	h := New(o)
	var wg sync.WaitGroup
	for i := range pins {
		wg.Go(func() {
			d, err := h.Describe(ctx, pins[i].Name)
			if pins[i].Problem = err; err == nil {
				pins[i].Sources = sourceIDs(d)
			}
		})
	}
	wg.Wait()
	_ = h.Close(context.WithoutCancel(ctx)) // what does not end has lost its lifeline
	return pins, context.Cause(ctx)
}

func pinnable(specs []Spec, names []string) ([]Spec, error) {
	var chosen []Spec
	if len(names) == 0 {
		for _, spec := range specs {
			if !spec.Dev && spec.Sources == nil && !changed(spec) {
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

// changed says whether a provider is pinned, and its file is another one by now: that is pinned again only by its name.
func changed(spec Spec) bool {
	if spec.SHA256 == "" {
		return false
	}
	digest, err := spec.Digest()
	return err != nil || digest != spec.SHA256
}

// overridden refuses a provider whose pin in the config or the release lock overrides the user's lock, unless only its sources
// are to be recorded there.
func overridden(spec Spec) error {
	switch spec.Pinned {
	case OriginRelease:
		if spec.Recorded != OriginRelease && !changed(spec) {
			return nil
		}
		return newError(CodeReleasePin, spec.Name, "is pinned by the release").
			hint("reinstall the release if its file was replaced; a pin in the config file overrides it")
	case OriginConfig:
		digest, err := spec.Digest()
		if err != nil {
			return err
		}
		if digest == spec.SHA256 {
			return nil
		}
		return newError(CodeConfigPin, spec.Name, "is pinned by the config").
			hint("to accept the file as it is now, set there: sha256: %s", digest)
	}
	return nil
}
