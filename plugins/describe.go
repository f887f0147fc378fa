package plugins

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

const (
	maxSources  = 10_000
	maxFields   = 100
	maxChoices  = 1000
	maxHosts    = 100
	maxHost     = 257  // bytes
	maxValue    = 1024 // bytes
	maxKinds    = 16
	maxSchema   = 256 << 10 // bytes
	maxVersion  = 64        // bytes
	cacheLimit  = 2 * sdk.MaxMessage
	cacheFormat = "describe 2"
)

var hostPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\*\.)?[A-Za-z0-9\[][A-Za-z0-9.:\-\[\]]*$`)
})

// Describe returns the description of a provider, from a process that is started for that and then stopped, and repeats the call
// once after a crash. The description is checked: the name is the provider's, ids are valid, unique and among its claims, text is
// cleaned and cut. Its errors are those of Provider, and CodeClaims.
func (h *Host) Describe(ctx context.Context, name string) (*sdk.Description, error) {
	s, err := h.supervisor(Key{Provider: name})
	if err != nil {
		return nil, err
	}
	defer s.stopIdle()
	d, err := s.describe(ctx, &sdk.DescribeRequest{})
	if err == nil && len(d.Sources) == 0 && d.DefinitionSchema == "" {
		err = newError(CodeBadAnswer, name, "sent an invalid description: it has no sources, and no schema by which others define some").
			hint("report it to the provider's author")
	}
	if err == nil {
		err = h.checkClaims(ctx, name, d)
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// describe asks the process, and repeats the call once after a crash. A request without a source asks for all of them.
func (s *supervisor) describe(ctx context.Context, req *sdk.DescribeRequest) (*sdk.Description, error) {
	r := &remote{supervisor: s, limits: s.host.limits}
	d, err := r.describe(ctx, req)
	var failed *Error
	if errors.As(err, &failed) && failed.Crashed() {
		d, err = r.describe(ctx, req)
	}
	return d, err
}

// DescribeCached is Describe that starts no process where the description of this very executable is in the cache. The
// cache is an aid for listings: take neither hosts nor claims from it. It still checks whether the provider may run, and what it
// claims. One that is pinned without any source, or whose claims are not known, or with dev: true, is always asked.
func (h *Host) DescribeCached(ctx context.Context, name string) (*sdk.Description, error) {
	spec, err := h.spec(name)
	if err != nil {
		return nil, err
	}
	path, err := h.cacheFile(spec)
	if err != nil {
		return nil, err
	}
	claimed, _ := h.Claims(name)
	if len(claimed) > 0 && !spec.Dev {
		if d := readDescription(path, name); d != nil && moreClaims(spec, claimed, sourceIDs(d)) == nil {
			return d, nil
		}
	}
	d, err := h.Describe(ctx, name)
	if err != nil || spec.Dev {
		return d, err
	}
	h.cache(path, spec, d)
	return d, nil
}

// cache keeps a description for the next listing, unless another executable than that of spec may have given it.
func (h *Host) cache(path string, spec Spec, d *sdk.Description) {
	if now, err := h.spec(spec.Name); err != nil || now.SHA256 != spec.SHA256 {
		return
	}
	if data, err := json.Marshal(toCache(d)); err == nil {
		// a cache that cannot be written only costs time
		_ = writePrivate(path, data)
	}
}

// cacheFile is the file of the cached description. Its key is the pin and the arguments, with the size and time of those that
// are files: an interpreter runs them. What else the description is of, such as a source with its definition, is in it too.
func (h *Host) cacheFile(spec Spec, of ...string) (string, error) {
	if err := h.mayRun(spec); err != nil {
		return "", err
	}
	if h.options.CacheDir == "" {
		return "", nil
	}
	key := append([]string{cacheFormat, spec.SHA256}, of...)
	for _, arg := range spec.Command[1:] {
		key = append(key, arg)
		if info, err := os.Stat(arg); err == nil && info.Mode().IsRegular() {
			key = append(key, fmt.Sprint(info.Size(), info.ModTime().UnixNano()))
		}
	}
	sum := sha256.Sum256([]byte(strings.Join(key, "\x00")))
	return filepath.Join(h.options.CacheDir, describePrefix+hex.EncodeToString(sum[:16])+".json"), nil
}

// readDescription returns the cached description, or nil.
func readDescription(path, name string) *sdk.Description {
	data, err := readPrivate(path, cacheLimit)
	if err != nil {
		return nil
	}
	var c cached
	if json.Unmarshal(data, &c) != nil {
		return nil
	}
	d := c.description()
	if checkDescription(name, d) != nil {
		return nil
	}
	return d
}

// cached is a description in the cache. The keys are those of the first version, which are the names of sdk but for one, so
// that every version reads what any other has written.
type cached struct {
	Name, Version    string
	Sources          []cachedSource
	Settings         []sdk.Field
	DefinitionSchema string `json:",omitzero"`
}

type cachedSource struct {
	ID, Name, Group string
	Methods         []sdk.Method `json:"Ways"`
	Fields          []sdk.Field
	Hosts           []string
	Capabilities    []sdk.Capability
	Settings        []sdk.Field

	Scopes           []string      `json:",omitzero"`
	DocumentationURL string        `json:",omitzero"`
	RedirectURIs     string        `json:",omitzero"`
	Programme        sdk.Programme `json:",omitzero"`
	Notes            []string      `json:",omitzero"`
	Tested           string        `json:",omitzero"`
}

func toCache(d *sdk.Description) cached {
	c := cached{Name: d.Name, Version: d.Version, Settings: d.Settings, DefinitionSchema: d.DefinitionSchema}
	for _, s := range d.Sources {
		c.Sources = append(c.Sources, cachedSource(s))
	}
	return c
}

func (c cached) description() *sdk.Description {
	d := &sdk.Description{Name: c.Name, Version: c.Version, Settings: c.Settings, DefinitionSchema: c.DefinitionSchema}
	for _, s := range c.Sources {
		d.Sources = append(d.Sources, sdk.Source(s))
	}
	return d
}

// checkDescription returns what is wrong with a description, and cleans the text of a good one.
func checkDescription(name string, d *sdk.Description) error {
	bad := func(format string, args ...any) *Error {
		return newError(CodeBadAnswer, name, "sent an invalid description: "+format, args...).
			hint("report it to the provider's author")
	}
	if d.Name != name {
		return bad("its name is %q", clean(d.Name, 80)).
			hint("call the file %s%s, or the provider %q in the config", Prefix, clean(d.Name, 80), clean(d.Name, 80))
	}
	if len(d.DefinitionSchema) > maxSchema {
		return bad("its schema for definitions is longer than %d KiB", maxSchema>>10)
	}
	if len(d.Sources) > maxSources {
		return bad("%d sources, at most %d", len(d.Sources), maxSources)
	}
	if len(d.Version) > maxVersion || !host.ValidVersion(d.Version) {
		return bad("its version is %q, not one like 1.0.0 (semver)", clean(d.Version, 64))
	}
	if wrong := checkFields(d.Settings); wrong != "" {
		return bad("its settings: %s", wrong)
	}
	seen := map[string]bool{}
	for i := range d.Sources {
		s := &d.Sources[i]
		if !ValidName(s.ID) || seen[s.ID] {
			return bad("the source id %q is invalid or a duplicate", clean(s.ID, 80))
		}
		seen[s.ID] = true
		if wrong := checkSource(s); wrong != "" {
			return bad("source %q: %s", s.ID, wrong)
		}
	}
	return nil
}

func checkSource(s *sdk.Source) string {
	s.Name, s.Group = clean(s.Name, 200), clean(s.Group, 100)
	cleanAbout(s)
	if s.Name == "" {
		s.Name = s.ID
	}
	switch {
	case len(s.Hosts) > maxHosts:
		return "too many hosts"
	case len(s.Methods) > maxKinds || len(s.Capabilities) > maxKinds:
		return "too many methods or capabilities"
	}
	for _, host := range s.Hosts {
		if len(host) > maxHost || !hostPattern().MatchString(host) {
			return "the host \"" + clean(host, 80) + "\" is invalid"
		}
	}
	if wrong := checkFields(s.Fields); wrong != "" {
		return wrong
	}
	return checkFields(s.Settings)
}

// cleanAbout cleans what is only to be read, and drops what is not as the protocol has it.
func cleanAbout(s *sdk.Source) {
	s.RedirectURIs, s.Tested, s.Programme.Text = clean(s.RedirectURIs, 500), clean(s.Tested, 500), clean(s.Programme.Text, 500)
	if u, err := url.Parse(s.DocumentationURL); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		s.DocumentationURL = ""
	}
	s.DocumentationURL = clean(s.DocumentationURL, 2000)
	s.Scopes, s.Notes = s.Scopes[:min(len(s.Scopes), maxFields)], s.Notes[:min(len(s.Notes), maxKinds)]
	for i := range s.Scopes {
		s.Scopes[i] = clean(s.Scopes[i], 500)
	}
	for i := range s.Notes {
		s.Notes[i] = clean(s.Notes[i], 500)
	}
	changes := s.Programme.Changes
	s.Programme.Changes = nil
	for _, c := range changes[:min(len(changes), maxKinds)] {
		if _, err := time.Parse(time.DateOnly, c.Date); err == nil {
			s.Programme.Changes = append(s.Programme.Changes, sdk.Change{Date: c.Date, Text: clean(c.Text, 500)})
		}
	}
}

func checkFields(fields []sdk.Field) string {
	if len(fields) > maxFields {
		return "too many fields"
	}
	seen := map[string]bool{}
	for i := range fields {
		f := &fields[i]
		if !host.ValidFieldID(f.ID) || seen[f.ID] {
			return "the field \"" + clean(f.ID, 80) + "\" is invalid or a duplicate"
		}
		seen[f.ID] = true
		if wrong := checkKind(f); wrong != "" {
			return "the field \"" + f.ID + "\" " + wrong
		}
		cleanField(f)
	}
	return ""
}

func checkKind(f *sdk.Field) string {
	switch f.Kind {
	case sdk.KindChoice:
		if len(f.Choices) == 0 || len(f.Choices) > maxChoices {
			return "has no choices, or too many"
		}
		if slices.ContainsFunc(f.Choices, func(c sdk.Choice) bool { return len(c.Value) > maxValue }) {
			return "has a choice that is too long"
		}
	case sdk.KindText, sdk.KindSecret, sdk.KindURL, sdk.KindOTP:
	default:
		return "has an unknown kind"
	}
	return ""
}
