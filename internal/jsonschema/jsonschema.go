// Package jsonschema writes JSON Schemas (draft 2020-12). It checks nothing: package core/schema does.
package jsonschema

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Draft is the value of $schema of a whole document.
const Draft = "https://json-schema.org/draft/2020-12/schema"

// The types of values.
const (
	Object  = "object"
	Array   = "array"
	String  = "string"
	Integer = "integer"
	Number  = "number"
	Boolean = "boolean"
	Null    = "null"
)

// Schema is a JSON Schema; the zero value allows everything. Fields are keywords, in the order in which they are written.
type Schema struct {
	Draft       string `json:"$schema,omitempty"`
	Comment     string `json:"$comment,omitempty"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	Ref         string `json:"$ref,omitempty"`
	Type        Types  `json:"type,omitempty"`
	Const       any    `json:"const,omitempty"`
	Enum        []any  `json:"enum,omitempty"`
	Default     any    `json:"default,omitempty"`
	Format      string `json:"format,omitempty"`
	Pattern     string `json:"pattern,omitempty"`
	MinLength   int    `json:"minLength,omitempty"`
	Minimum     *int   `json:"minimum,omitempty"`
	Maximum     *int   `json:"maximum,omitempty"`

	PrefixItems []*Schema `json:"prefixItems,omitempty"`
	Items       *Schema   `json:"items,omitempty"`
	MinItems    int       `json:"minItems,omitempty"`
	UniqueItems bool      `json:"uniqueItems,omitempty"`

	Properties        Properties          `json:"properties,omitempty"`
	PropertyNames     *Schema             `json:"propertyNames,omitempty"`
	Required          []string            `json:"required,omitempty"`
	DependentRequired map[string][]string `json:"dependentRequired,omitempty"`
	MinProperties     int                 `json:"minProperties,omitempty"`
	MaxProperties     int                 `json:"maxProperties,omitempty"`
	// AdditionalProperties is false or a *Schema.
	AdditionalProperties any `json:"additionalProperties,omitempty"`

	Not   *Schema    `json:"not,omitempty"`
	AnyOf []*Schema  `json:"anyOf,omitempty"`
	OneOf []*Schema  `json:"oneOf,omitempty"`
	Defs  Properties `json:"$defs,omitempty"`
}

// Types is the keyword type: one is written as a text, several as a list.
type Types []string

// MarshalJSON implements [json.Marshaler].
func (t Types) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]string(t))
}

// Property is one member of an object.
type Property struct {
	Name   string
	Schema *Schema
}

// Properties are written as an object, in their order.
type Properties []Property

// MarshalJSON implements [json.Marshaler].
func (p Properties) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, one := range p {
		if i > 0 {
			out.WriteByte(',')
		}
		name, err := json.Marshal(one.Name)
		if err != nil {
			return nil, err
		}
		value, err := plain(one.Schema)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "%s:%s", name, value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// plain is a value as JSON, without escaping what only HTML needs escaped.
func plain(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSpace(out.Bytes()), err
}

// Document is a whole schema as a file: indented by two, with a newline at its end.
func Document(s *Schema) ([]byte, error) {
	whole := *s
	whole.Draft = Draft
	text, err := plain(&whole)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = json.Indent(&out, text, "", "  ")
	out.WriteByte('\n')
	return out.Bytes(), err
}

// OrNull returns the schema of a value that may also be null.
func OrNull(s *Schema) *Schema {
	if s.Ref != "" || len(s.Type) == 0 {
		return &Schema{AnyOf: []*Schema{s, {Type: Types{Null}}}}
	}
	nullable := *s
	nullable.Type = append(append(Types{}, s.Type...), Null)
	if len(s.Enum) > 0 {
		nullable.Enum = append(append([]any{}, s.Enum...), nil)
	}
	return &nullable
}

// Enum returns the schema of a text that is one of these.
func Enum[T ~string](values ...T) *Schema {
	s := &Schema{Type: Types{String}}
	for _, v := range values {
		s.Enum = append(s.Enum, string(v))
	}
	return s
}
