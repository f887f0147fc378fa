package catalog

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed *.yaml
var files embed.FS

// file is a source as it is written: an entry, and its variants, which override any field of it.
type file struct {
	Entry    `yaml:",inline"`
	Variants map[string]variant `yaml:"variants"`
}

type variant struct {
	Description string `yaml:"description"`
	Entry       `yaml:",inline"`
}

// Source is one source of the catalogue.
type Source struct {
	Entry
	// Variants by name, with what each is.
	Variants map[string]string
	entries  map[string]*Entry
	// data is the file that it was read from.
	data []byte

	// Definition tells definitions apart; "" where the source is as shipped.
	Definition string
	// over is the definition.
	over map[string]any
}

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
func Parse(data []byte) (*Source, error) { return parse(data, false) }

// parse reads a source; own: an operator has written it, who may have a server on this machine.
func parse(data []byte, own bool) (*Source, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	var read file
	if err := decoder.Decode(&read); err != nil {
		return nil, err
	}
	if err := read.check(own); err != nil {
		return nil, err
	}
	s := &Source{Entry: read.Entry, data: data}
	if len(read.Variants) == 0 {
		return s, nil
	}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return nil, err
	}
	s.Variants, s.entries = make(map[string]string), make(map[string]*Entry)
	for _, name := range slices.Sorted(maps.Keys(read.Variants)) {
		entry, err := variantOf(document.Content[0], name, own)
		if err != nil {
			return nil, within(name, err)
		}
		s.Variants[name], s.entries[name] = read.Variants[name].Description, entry
	}
	return s, nil
}

// Variant returns the source with the fields of a variant; "" is the source itself.
func (s *Source) Variant(name string) (*Entry, error) {
	if name == "" {
		return &s.Entry, nil
	}
	entry, ok := s.entries[name]
	if !ok {
		return nil, fmt.Errorf("%s has no variant %q", s.ID, name)
	}
	return entry, nil
}

// variantOf lays a variant over the rest of its source.
func variantOf(source *yaml.Node, name string, own bool) (*Entry, error) {
	over := valueOf(valueOf(source, "variants"), name)
	if over == nil || over.Kind != yaml.MappingNode {
		return nil, errors.New("it has no fields of its own")
	}
	var entry Entry
	if err := merged(without(source, "variants"), without(over, "description")).Decode(&entry); err != nil {
		return nil, err
	}
	return &entry, entry.check(own)
}

func valueOf(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; mapping != nil && i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

func without(mapping *yaml.Node, key string) *yaml.Node {
	out := *mapping
	out.Content = nil
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value != key {
			out.Content = append(out.Content, mapping.Content[i], mapping.Content[i+1])
		}
	}
	return &out
}

// merged lays one mapping over another: mappings are merged, null removes, and anything else replaces.
func merged(base, over *yaml.Node) *yaml.Node {
	out := *base
	out.Content = slices.Clone(base.Content)
	for i := 0; i+1 < len(over.Content); i += 2 {
		key, value := over.Content[i], over.Content[i+1]
		old := valueOf(base, key.Value)
		if value.Tag == "!!null" {
			out = *without(&out, key.Value)
			continue
		}
		if old == nil {
			out.Content = append(out.Content, key, value)
			continue
		}
		if old.Kind == yaml.MappingNode && value.Kind == yaml.MappingNode {
			value = merged(old, value)
		}
		out = *without(&out, key.Value)
		out.Content = append(out.Content, key, value)
	}
	return &out
}
