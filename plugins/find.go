package plugins

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// FindOptions say where to search for providers. Empty and relative paths are not searched: a relative one would mean the
// working directory.
type FindOptions struct {
	// Configured are the providers of the config: with a Command, or without one to set a pin or dev for an installed
	// provider. Only Name, Command, SHA256 and Dev are read.
	Configured []Spec
	// UserDir is $XDG_DATA_HOME/humanconnect/providers.
	UserDir string
	// CoreDir is the directory of the core binary.
	CoreDir string
	// ReleaseLock is the lock beside the core binary. Empty: CoreDir/providers.lock.json.
	ReleaseLock string
	// UserLock is the lock in the config directory.
	UserLock string
}

// Warning is something that a person should know about a provider that is used nevertheless.
type Warning struct {
	// Code is stable: "provider_dev", "provider_lock_ignored", "provider_hidden", "provider_missing",
	// "provider_not_a_file".
	Code     string
	Provider string
	Message  string
}

func (w Warning) String() string { return w.Message }

// Find lists the providers, sorted by name, one for each name: a command of the config comes before the user's
// directory, and that before the directories of the release. PATH and the working directory are never searched. The files
// are neither opened nor run; a Host checks a file when it starts the provider, and then reports what is wrong.
//
// A provider of the release lock that is not there is listed too, at its place beside the core: its start says that it is missing.
//
// Pins: SHA256 of the config, else the release lock, else the user lock. An entry of the user lock for a name of the
// release lock is left out, with a warning. The sources that a provider claims are those of its pin.
func Find(o FindOptions) ([]Spec, []Warning, error) {
	search := search{found: map[string]Spec{}}
	if err := search.configured(o.Configured); err != nil {
		return nil, nil, err
	}
	libexec := ""
	if o.CoreDir != "" {
		libexec = filepath.Join(filepath.Dir(o.CoreDir), "libexec", "humanconnect")
	}
	for _, place := range []struct {
		dir    string
		origin Origin
	}{{o.UserDir, OriginUser}, {o.CoreDir, OriginRelease}, {libexec, OriginRelease}} {
		if err := search.directory(place.dir, place.origin); err != nil {
			return nil, nil, err
		}
	}
	if err := search.pin(o); err != nil {
		return nil, nil, err
	}
	return search.result()
}

// search is one run of Find.
type search struct {
	found    map[string]Spec
	specs    []Spec
	warnings []Warning
	// release and user are the locks.
	release, user *Lock
}

func (s *search) warn(code, provider, format string, args ...any) {
	s.warnings = append(s.warnings, Warning{code, provider, fmt.Sprintf(format, args...)})
}

func (s *search) configured(specs []Spec) error {
	seen := map[string]bool{}
	for _, spec := range specs {
		if !ValidName(spec.Name) || seen[spec.Name] {
			return newError(CodeNotFound, clean(spec.Name, 80), "has an invalid name, or is in the config twice").
				hint("use a name of a-z, 0-9 and -, once")
		}
		seen[spec.Name] = true
		if spec.SHA256 != "" && !isDigest(spec.SHA256) {
			return newError(CodeChecksum, spec.Name, "has a sha256 in the config that is not 64 lower-case hex digits").
				hint("remove it from the config, then: humanconnect provider lock %s", spec.Name)
		}
		s.specs = append(s.specs, spec)
		if len(spec.Command) == 0 {
			continue
		}
		if !filepath.IsAbs(spec.Command[0]) {
			return newError(CodeUntrustedFile, spec.Name, "has a command in the config whose path is not absolute").
				hint("use the absolute path of the executable; PATH and the working directory are never searched")
		}
		s.found[spec.Name] = Spec{Name: spec.Name, Command: slices.Clone(spec.Command), Origin: OriginConfig}
	}
	return nil
}

func (s *search) directory(dir string, origin Origin) error {
	if dir == "" || !filepath.IsAbs(dir) {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for providers: %w", err)
	}
	for _, entry := range entries {
		name, ok := providerName(entry.Name())
		if !ok {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		if entry.IsDir() {
			s.warn("provider_not_a_file", name, "%s is a directory, not a provider", path)
			continue
		}
		if first, taken := s.found[name]; taken {
			s.warn("provider_hidden", name, "provider %q at %s is not used: %s comes first", name, path, first.Path())
			continue
		}
		s.found[name] = Spec{Name: name, Command: []string{path}, Origin: origin}
	}
	return nil
}

// providerName is the NAME of humanconnect-provider-NAME.
func providerName(file string) (string, bool) {
	name, ok := strings.CutPrefix(file, Prefix)
	return name, ok && ValidName(name)
}

// pin gives each provider its digest.
func (s *search) pin(o FindOptions) error {
	releaseLock := cmp.Or(o.ReleaseLock, inDir(o.CoreDir, LockName))
	release, err := readLockIfAny(releaseLock, OriginRelease)
	if err != nil {
		return err
	}
	user, err := readLockIfAny(o.UserLock, OriginUser)
	if err != nil {
		return err
	}
	for _, e := range user.Providers {
		if pinned := release.Pin(e.Name); pinned != "" && pinned != e.SHA256 {
			s.warn("provider_lock_ignored", e.Name,
				"the user lock names provider %q, which the release lock pins: the entry is ignored", e.Name)
		}
	}
	for _, e := range release.Providers {
		if _, found := s.found[e.Name]; !found && o.CoreDir != "" {
			s.found[e.Name] = Spec{Name: e.Name, Command: []string{filepath.Join(o.CoreDir, Prefix+e.Name)}, Origin: OriginRelease}
		}
	}
	for name, spec := range s.found {
		if digest := release.Pin(name); digest != "" {
			spec.SHA256, spec.Pinned, spec.Lock = digest, OriginRelease, releaseLock
		} else if digest := user.Pin(name); digest != "" {
			spec.SHA256, spec.Pinned, spec.Lock = digest, OriginUser, o.UserLock
		}
		s.found[name] = spec
	}
	s.release, s.user = release, user
	return nil
}

// claims gives a provider the sources of its pin. The user's lock completes a pin that is elsewhere.
func (s *search) claims(spec Spec) Spec {
	if spec.Dev || spec.SHA256 == "" {
		return spec
	}
	if spec.Pinned == OriginRelease {
		if spec.Sources = s.release.Recorded(spec.Name, spec.SHA256); spec.Sources != nil {
			spec.Recorded = OriginRelease
			return spec
		}
	}
	if spec.Sources = s.user.Recorded(spec.Name, spec.SHA256); spec.Sources != nil {
		spec.Recorded = OriginUser
	}
	return spec
}

func readLockIfAny(path string, origin Origin) (*Lock, error) {
	if path == "" || !filepath.IsAbs(path) {
		return &Lock{}, nil
	}
	lock, err := ReadLock(path, origin)
	if errors.Is(err, fs.ErrNotExist) {
		return &Lock{}, nil
	}
	return lock, err
}

func inDir(dir, name string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, name)
}

// result applies the pins and dev of the config to the providers that were found.
func (s *search) result() ([]Spec, []Warning, error) {
	for _, said := range s.specs {
		spec, ok := s.found[said.Name]
		if !ok {
			s.warn("provider_missing", said.Name, "provider %q is in the config, but is not installed", said.Name)
			continue
		}
		if said.SHA256 != "" {
			spec.SHA256, spec.Pinned, spec.Lock = said.SHA256, OriginConfig, ""
		}
		if said.Dev {
			spec.Dev = true
			s.warn("provider_dev", said.Name, "provider %q runs without a pin (dev: true)", said.Name)
		}
		s.found[said.Name] = spec
	}
	var specs []Spec
	for _, spec := range s.found {
		specs = append(specs, s.claims(spec))
	}
	slices.SortFunc(specs, func(a, b Spec) int { return strings.Compare(a.Name, b.Name) })
	return specs, s.warnings, nil
}
