package catalog

import (
	_ "embed"
	"encoding/json"
	"errors"
	"maps"
	"slices"
)

//go:embed catalog.schema.json
var published []byte

// definition.schema.json is made of catalog.schema.json: each description of this provider has it.
//
//go:embed definition.schema.json
var overriding string

// DefinitionSchema is the JSON Schema of definitions that override fields of a shipped source: nothing is required.
func DefinitionSchema() string { return overriding }

// ownURL is an address of an operator's own server: as in the catalogue, or any https host, or http on loopback.
const (
	ownURL = `^(https://(\{[a-z][a-z0-9_]*\}\.)?[a-z0-9\[][a-z0-9.:\[\]-]*(/[^?#@ ]*)?` +
		`|http://(127\.[0-9.]+|localhost|\[::1\])(:[0-9]+)?(/[^?#@ ]*)?|\{[a-z][a-z0-9_]*\}(/[^?#@ ]*)?)$`
	aboutOwnURL = "An https URL, or an http URL on this machine. An input may be a whole URL at its beginning, one label at the " +
		"beginning of a host with a fixed suffix, or a segment of its path"
)

// object is one of a JSON Schema.
type object = map[string]any

// MakeDefinitionSchema derives the schema of definitions from that of the catalogue: of those that override a shipped source, or
// of those of a new one.
func MakeDefinitionSchema(shipped bool) (string, error) {
	var schema object
	if err := json.Unmarshal(published, &schema); err != nil {
		return "", err
	}
	properties, _ := schema["properties"].(object)
	defs, _ := schema["$defs"].(object)
	address, _ := defs["url"].(object)
	variants, _ := properties["variants"].(object)
	variant, ok := variants["additionalProperties"].(object)
	if !ok || address == nil {
		return "", errors.New("catalog.schema.json is not as it was")
	}
	address["pattern"], address["description"] = ownURL, aboutOwnURL
	delete(properties, "id")
	if shipped {
		schema["title"] = "Fields of a source of humanconnect's oauth2 provider, to override"
		delete(schema, "required")
		delete(schema, "anyOf")
		delete(variant, "required")
		nullable(variant)
		defs["variant"] = variant
		schema["properties"] = overrides(variant)
	} else {
		schema["title"] = "A source of one's own for humanconnect's oauth2 provider"
		required, _ := schema["required"].([]any)
		schema["required"] = slices.DeleteFunc(required, func(name any) bool { return name == "id" || name == "confidence" })
	}
	text, err := json.Marshal(schema)
	return string(text), err
}

// nullable lets the members of mappings with any keys be null, which removes them. What is in a list is not merged.
func nullable(schema object) {
	if rest, ok := schema["additionalProperties"].(object); ok && rest["type"] != nil {
		rest["type"] = []any{rest["type"], "null"}
	}
	inner, _ := schema["properties"].(object)
	for _, field := range inner {
		field, _ := field.(object)
		choices, _ := field["anyOf"].([]any)
		for _, choice := range append(choices, field) {
			if choice, ok := choice.(object); ok {
				nullable(choice)
			}
		}
	}
}

// overrides are the properties of a definition that overrides a shipped source: those of a variant, and further variants.
func overrides(variant object) object {
	fields, _ := variant["properties"].(object)
	out := make(object)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if name != "description" {
			out[name] = object{"$ref": "#/$defs/variant/properties/" + name}
		}
	}
	orNull := func(schema object) object { return object{"anyOf": []any{schema, object{"type": "null"}}} }
	out["variants"] = orNull(object{"type": "object", "additionalProperties": orNull(object{"$ref": "#/$defs/variant"})})
	return out
}
