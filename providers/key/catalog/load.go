package catalog

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed *.yaml
var files embed.FS

// IDs of the shipped sources, sorted.
func IDs() []string {
	names, _ := fs.Glob(files, "*.yaml") // the pattern is fine
	for i := range names {
		names[i] = strings.TrimSuffix(names[i], ".yaml")
	}
	slices.Sort(names)
	return names
}

// ErrUnknown is a source that the catalogue does not have.
var ErrUnknown = errors.New("no such source")

// Load reads one shipped source.
func Load(id string) (*Source, error) {
	data, err := files.ReadFile(id + ".yaml")
	if err != nil {
		return nil, ErrUnknown
	}
	s, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s.yaml: %w", id, err)
	}
	return s, nil
}

// Parse reads a source, strictly: unknown keys and keys that are there twice are errors.
func Parse(data []byte) (*Source, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	var s Source
	if err := decoder.Decode(&s); err != nil {
		return nil, err
	}
	return &s, s.check()
}
