package plugins

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// An installation may be replaced while a command runs. A start then takes the first of these whose digest is the one that a pin has:
//
//	the file at the path          with the pin that this run has read
//	the file that was there       held open since this run began; where the system executes open files, and it was not overwritten
//	the file at the path          with the pin that a new command would find, by the rules of Find
//
// While files and locks do not fit each other, it looks again for a short time. What does not fit then is an *Error of CodeReplaced:
// nothing was sent to the provider, and a new command goes on with what is installed then.

// maxHeld is how many executables a run holds.
const maxHeld = 64

// heldFrom is the limit of open files from which a run holds executables: below it, they are needed to start one.
const heldFrom = 256

// replacePause is the time between two looks at files that are being replaced.
const replacePause = 50 * time.Millisecond

// held is an executable as it was when the run began.
type held struct {
	// file is open where this system executes open files; else nil.
	file *os.File
	path string
	info os.FileInfo
}

// Hold opens the executables of the providers, so that this run goes on with them when they are replaced or removed. One that cannot
// be opened, or is not trusted, is left for its start to report. Close lets go of them.
func (h *Host) Hold() {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil && limit.Cur < heldFrom {
		return
	}
	files := map[string]held{}
	for _, spec := range h.options.Specs[:min(len(h.options.Specs), maxHeld)] {
		file, path, err := openTrusted(spec.Path())
		if err != nil {
			continue
		}
		one := held{file: file, path: path}
		if one.info, err = file.Stat(); err != nil || !executesOpenFiles {
			closeFiles(file)
			one.file = nil
		}
		if err == nil {
			files[spec.Name] = one
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held = files
}

// letGo closes what is held. The caller holds the lock.
func (h *Host) letGo() {
	for _, one := range h.held {
		if one.file != nil {
			closeFiles(one.file)
		}
	}
	h.held = nil
}

// heldFile opens the executable as it was when the run began, if it is the pinned one; nil otherwise.
func (h *Host) heldFile(spec Spec) (*os.File, string) {
	h.mu.Lock()
	one := h.held[spec.Name]
	var file *os.File
	if one.file != nil {
		file = duplicate(one.file)
	}
	h.mu.Unlock()
	if file == nil {
		return nil, ""
	}
	if digest, err := digestOf(file); err != nil || digest != spec.SHA256 {
		closeFiles(file)
		return nil, ""
	}
	return file, one.path
}

// replaced says whether the executable is another one than when the run began. Without Hold nobody knows.
func (h *Host) replaced(spec Spec) bool {
	h.mu.Lock()
	one, known := h.held[spec.Name]
	h.mu.Unlock()
	if !known {
		return false
	}
	is, err := os.Stat(spec.Path())
	return err != nil || !os.SameFile(is, one.info) || is.Size() != one.info.Size() || !is.ModTime().Equal(one.info.ModTime())
}

// openReplaced opens what takes the place of an executable that is no longer the pinned one; cause is what was wrong with that.
func (s *supervisor) openReplaced(ctx context.Context, spec Spec, cause error) (executableFile, error) {
	if file, path := s.host.heldFile(spec); file != nil {
		return executableFile{spec, file, path}, nil
	}
	limit := time.NewTimer(s.host.limits.Replace)
	defer limit.Stop()
	for {
		fresh, found := s.host.findAgain(spec)
		if found {
			file, path, err := s.host.openPinned(fresh)
			if err == nil {
				s.host.adopt(fresh)
				return executableFile{fresh, file, path}, nil
			}
		}
		if !s.host.replaced(spec) {
			return executableFile{}, cause
		}
		select {
		case <-time.After(replacePause):
		case <-ctx.Done():
			return executableFile{}, context.Cause(ctx)
		case <-limit.C:
			return executableFile{}, beingReplaced(spec.Name, cause)
		}
	}
}

// findAgain returns a provider as a new command would find it.
func (h *Host) findAgain(spec Spec) (Spec, bool) {
	if h.options.FindAgain == nil {
		return Spec{}, false
	}
	specs, err := h.options.FindAgain()
	if err != nil {
		return Spec{}, false // a lock that is being written: the next look sees it whole
	}
	for _, fresh := range specs {
		if fresh.Name == spec.Name && h.mayRun(fresh) == nil {
			return fresh, true
		}
	}
	return Spec{}, false
}

// adopt lets a provider be what it is now: its pin, with the sources that are pinned with it. Whose a source is stays as it was when
// the run began.
func (h *Host) adopt(spec Spec) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.specs[spec.Name].SHA256 != spec.SHA256 {
		h.specs[spec.Name] = spec.clone()
		h.adopted[spec.Name] = true
	}
}

// isAdopted says whether a provider is another one than when the run began.
func (h *Host) isAdopted(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.adopted[name]
}

// adoptedSources are those of the pin of a provider that is another one than when the run began, where that pin has them.
func (h *Host) adoptedSources(name string) (ids []string, adopted bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ids = h.specs[name].Sources
	return ids, h.adopted[name] && ids != nil
}

// pinned returns the ids that the pin of a provider lets it describe. They are its claims, unless it was replaced since.
func (h *Host) pinned(name string) (ids []string, known bool) {
	if ids, adopted := h.adoptedSources(name); adopted {
		return ids, true
	}
	return h.Claims(name)
}

// beingReplaced is the error of a provider that was replaced by what this run cannot use.
func beingReplaced(name string, cause error) *Error {
	e := newError(CodeReplaced, name, "was replaced while this command runs, and what is installed now cannot be used by it")
	var known *Error
	if errors.As(cause, &known) {
		e = e.fact("%s", known.Message())
	}
	return e.hint("run the same command again when the installation is complete: it goes on where this one ended")
}
