package catalog

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Define returns a source as an installation's definition has it. Over a shipped source, which may be nil, a definition is laid
// field by field, as a variant is: mappings are merged, null removes, anything else replaces. It stands before the variants
// of the shipped source, and its own variants before its other fields:
//
//	shipped ◀─ variant as shipped ◀─ definition ◀─ variant of the definition
//
// An error is [Flaws] where the definition is at fault.
func Define(shipped *Source, id string, definition []byte) (*Source, error) {
	value, err := decodeObject(definition)
	if err != nil {
		return nil, err
	}
	over, base := nodeOf(value), &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	if shipped != nil {
		var document yaml.Node
		if err := yaml.Unmarshal(shipped.data, &document); err != nil {
			return nil, err
		}
		base = document.Content[0]
	}
	data, err := yaml.Marshal(defined(base, over, id))
	if err != nil {
		return nil, err
	}
	s, err := parse(data, true)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(definition)
	s.Definition, s.over = hex.EncodeToString(sum[:16]), value
	return s, nil
}

// decodeObject reads a JSON object; numbers stay as they are written.
func decodeObject(data []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value map[string]any
	if decoder.Decode(&value) != nil || value == nil || decoder.More() {
		return nil, Flaws{{Text: "The definition is no JSON object."}}
	}
	return value, nil
}

// nodeOf is a JSON value as a YAML node.
func nodeOf(value any) *yaml.Node {
	switch v := value.(type) {
	case map[string]any:
		node := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			node.Content = append(node.Content, nodeOf(name), nodeOf(v[name]))
		}
		return node
	case []any:
		node := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, item := range v {
			node.Content = append(node.Content, nodeOf(item))
		}
		return node
	case string:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: v}
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(v)}
	case json.Number:
		tag := "!!int"
		if strings.ContainsAny(v.String(), ".eE") {
			tag = "!!float"
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: v.String()}
	}
	return null()
}

func null() *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"} }

// defined lays a definition over a source.
func defined(base, over *yaml.Node, id string) *yaml.Node {
	shipped, own := valueOf(base, "variants"), valueOf(over, "variants")
	over = withImplied(without(without(over, "variants"), "id"))
	out := merged(without(base, "variants"), over)
	out = without(out, "id")
	out.Content = append(out.Content, nodeOf("id"), nodeOf(id))
	variants := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for i := 0; shipped != nil && i+1 < len(shipped.Content) && !isNull(own); i += 2 {
		variants.Content = append(variants.Content, shipped.Content[i], merged(shipped.Content[i+1], over))
	}
	for i := 0; own != nil && i+1 < len(own.Content); i += 2 {
		name, fields := own.Content[i], own.Content[i+1]
		if fields.Kind == yaml.MappingNode {
			fields = without(fields, "id")
		}
		old := valueOf(variants, name.Value)
		variants = without(variants, name.Value)
		switch {
		case isNull(fields):
			continue
		case fields.Kind == yaml.MappingNode && old != nil:
			fields = merged(old, withImplied(fields))
		case fields.Kind == yaml.MappingNode:
			fields = withImplied(fields)
		}
		variants.Content = append(variants.Content, name, fields)
	}
	if len(variants.Content) > 0 {
		out.Content = append(out.Content, nodeOf("variants"), variants)
	}
	return out
}

func isNull(node *yaml.Node) bool { return node != nil && node.Tag == "!!null" }

// withImplied removes what would hide a field that a definition gives: endpoints are not used beside an issuer, and neither is a
// revocation endpoint beside another way to revoke.
func withImplied(over *yaml.Node) *yaml.Node {
	gives := func(key string) bool { v := valueOf(over, key); return v != nil && !isNull(v) }
	out := *over
	out.Content = slices.Clone(over.Content)
	if (gives("authorization_endpoint") || gives("token_endpoint")) && valueOf(over, "issuer") == nil {
		out.Content = append(out.Content, nodeOf("issuer"), null())
	}
	if gives("revocation_endpoint") && valueOf(over, "revocation") == nil {
		out.Content = append(out.Content, nodeOf("revocation"), null())
	}
	return &out
}

// Gives says whether the definition of the source itself has a field, of a variant or of the source. A field is a path such as
// refresh.endpoint.
func (s *Source) Gives(variant, field string) bool {
	variants, _ := s.over["variants"].(map[string]any)
	for _, from := range []any{s.over, variants[variant]} {
		found := true
		for _, name := range strings.Split(field, ".") {
			object, _ := from.(map[string]any)
			if from, found = object[name]; !found {
				break
			}
		}
		if found {
			return true
		}
	}
	return false
}

// Flaw is one thing that is wrong with a source.
type Flaw struct {
	// Pointer is the JSON Pointer of the field (RFC 6901); "" for the source.
	Pointer string
	Text    string
}

// Flaws are all that is wrong with a source.
type Flaws []Flaw

func (f Flaws) Error() string {
	texts := make([]string, len(f))
	for i, flaw := range f {
		texts[i] = strings.TrimSpace(strings.ReplaceAll(strings.TrimPrefix(flaw.Pointer, "/"), "/", ".") + " " + flaw.Text)
	}
	return strings.Join(texts, "\n")
}

// within are the flaws of a variant, as those of its source.
func within(variant string, err error) error {
	var flaws Flaws
	if !errors.As(err, &flaws) {
		return fmt.Errorf("variant %s: %w", variant, err)
	}
	flaws = slices.Clone(flaws)
	for i := range flaws {
		flaws[i].Pointer = "/variants/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(variant) + flaws[i].Pointer
	}
	return flaws
}
