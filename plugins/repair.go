package plugins

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// checksumMismatch is the error for a file whose digest is not the pinned one, with the command that pins it again where the
// pin is.
func checksumMismatch(spec Spec, found string) *Error {
	e := newError(CodeChecksum, spec.Name, "does not match its pinned checksum").fact("file: %s", spec.Path())
	switch {
	case spec.Pinned == OriginUser:
		e = e.fact("sha256 pinned by the user lock %s: %s", spec.Lock, spec.SHA256).
			hint("if you changed it on purpose: humanconnect provider lock %s", spec.Name)
	case spec.Pinned == OriginRelease && filepath.Dir(spec.Path()) == filepath.Dir(spec.Lock):
		e = e.fact("sha256 pinned by the release lock %s: %s", spec.Lock, spec.SHA256).
			hint("if you rebuilt it on purpose: humanconnect provider lock --dir %s", shellWord(filepath.Dir(spec.Lock)))
	case spec.Pinned == OriginRelease:
		e = e.fact("sha256 pinned by the release lock %s: %s", spec.Lock, spec.SHA256).
			hint("if you replaced it on purpose, add to the config: providers: [{name: %s, sha256: %s}]", spec.Name, found)
	default:
		e = e.fact("sha256 pinned by the config: %s", spec.SHA256).
			hint("if you changed it on purpose, set in the config, at provider %s: sha256: %s", spec.Name, found)
	}
	return e.fact("sha256 found: %s", found).hint("if you did not, reinstall it")
}

// unreadableLock is the error for a lock that cannot be read, with the command that repairs it.
func unreadableLock(path string, origin Origin, err error) *Error {
	e := newError(CodeLock, "", "the %s lock %s cannot be read", origin, path).because(bare(err))
	switch {
	case errors.Is(err, fs.ErrPermission):
		return e.hint("chmod u+r %s", shellWord(path))
	case origin == OriginRelease:
		return e.hint("reinstall the release").
			hint("if you built it yourself: humanconnect provider lock --dir %s", shellWord(filepath.Dir(path)))
	}
	return e.hint("rm %s && humanconnect provider lock", shellWord(path)).
		hint("that pins all providers as they are now; check them first with: humanconnect provider list")
}

// notTrusted adds to an error why a file is not trusted, and the command that repairs it.
func notTrusted(e *Error, err error) *Error {
	e = e.because(err)
	var u *untrusted
	if errors.As(err, &u) && u.fix != "" {
		return e.hint("%s", u.fix)
	}
	return e.hint("replace it with a file that is owned by you or root, and not writable by others")
}

// unpinnable is the error for an executable whose digest cannot be read.
func unpinnable(spec Spec, err error) *Error {
	if !errors.Is(err, fs.ErrNotExist) {
		return newError(CodeNotExecutable, spec.Name, "cannot be read at %s", spec.Path()).because(bare(err)).
			hint("ls -l %s", shellWord(spec.Path()))
	}
	return notInstalled(spec)
}

// notInstalled is the error for a missing executable, or a broken link to one.
func notInstalled(spec Spec) *Error {
	if target, err := os.Readlink(spec.Path()); err == nil {
		return newError(CodeNotFound, spec.Name, "is a broken link at %s to %s", spec.Path(), clean(target, 200)).
			hint("install the target, or remove the link: rm %s", shellWord(spec.Path()))
	}
	if spec.Origin == OriginRelease {
		return newError(CodeMissing, spec.Name, "is in the release lock, and has no executable at %s", spec.Path()).
			hint("install the release again; if you left it out: humanconnect provider lock --dir %s", shellWord(filepath.Dir(spec.Path())))
	}
	e := newError(CodeNotFound, spec.Name, "has no executable at %s", spec.Path())
	if spec.Origin == OriginConfig {
		return e.hint("install it there, or correct its command in the config")
	}
	return e.hint("install it there")
}

var plainWord = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9_./+@%,:=-]+$`)
})

// shellWord is a path as one word of a command line.
func shellWord(path string) string {
	if plainWord().MatchString(path) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
