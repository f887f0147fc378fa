package main

import (
	"encoding/json"
	"fmt"
	"go/token"
	"reflect"
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/doctor"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	sessiontoken "github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/internal/jsonschema"
	"github.com/humanconnect/humanconnect/plugins"
	"github.com/humanconnect/humanconnect/sdk"
)

// maker makes the schema of the JSON of Go values. The result shares objects below its top by name in defs.
type maker struct {
	source *source
	defs   jsonschema.Properties
	err    error
}

// closed are the types of text whose constants are all there are, beside the unexported ones of commands.
func closed() []reflect.Type {
	return []reflect.Type{
		reflect.TypeFor[event.Type](), reflect.TypeFor[event.On](), reflect.TypeFor[store.DeliveryState](), reflect.TypeFor[store.RevocationState](),
		reflect.TypeFor[hook.Kind](), reflect.TypeFor[doctor.State](), reflect.TypeFor[connection.Outcome](), reflect.TypeFor[sessiontoken.State](),
		reflect.TypeFor[plugins.Origin](), reflect.TypeFor[plugins.FileState](), reflect.TypeFor[sdk.Method](), reflect.TypeFor[sdk.Capability](),
		reflect.TypeFor[sdk.Kind](), reflect.TypeFor[sdk.ProgrammeStatus](),
	}
}

// ids are the patterns of ids.
func ids() map[reflect.Type]string {
	const unique = "[0-9a-hjkmnp-tv-z]{26}$"
	return map[reflect.Type]string{
		reflect.TypeFor[id.Session](): "^ses_" + unique, reflect.TypeFor[id.Connection](): "^con_" + unique,
		reflect.TypeFor[id.Event](): "^evt_" + unique, reflect.TypeFor[id.Delivery](): "^dlv_" + unique,
		reflect.TypeFor[id.Human](): "^[0-9a-f]{32}$",
	}
}

// of is the schema of a value. Where a field called kind is set, it is always so.
func (m *maker) of(v reflect.Value) *jsonschema.Schema {
	t := v.Type()
	switch t {
	case reflect.TypeFor[event.Time]():
		return &jsonschema.Schema{
			Type: jsonschema.Types{jsonschema.String}, Format: "date-time", Pattern: `^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$`,
		}
	case reflect.TypeFor[event.Status]():
		return jsonschema.OrNull(m.enum(t))
	case reflect.TypeFor[iostreams.NoID]():
		return &jsonschema.Schema{Type: jsonschema.Types{jsonschema.Null}}
	case reflect.TypeFor[json.RawMessage](): // of session show
		return m.shared("response", reflect.ValueOf(event.Response{}))
	}
	switch t.Kind() {
	case reflect.Pointer:
		return jsonschema.OrNull(m.below(reflect.Zero(t.Elem())))
	case reflect.Slice:
		element := reflect.Zero(t.Elem())
		if v.Len() > 0 {
			element = v.Index(0)
		}
		return &jsonschema.Schema{Type: jsonschema.Types{jsonschema.Array}, Items: m.below(element)}
	case reflect.Map:
		return &jsonschema.Schema{Type: jsonschema.Types{jsonschema.Object}, AdditionalProperties: m.below(reflect.Zero(t.Elem()))}
	case reflect.Struct:
		return m.object(v)
	case reflect.String:
		return m.text(t)
	case reflect.Bool:
		return &jsonschema.Schema{Type: jsonschema.Types{jsonschema.Boolean}}
	case reflect.Int, reflect.Int64:
		return &jsonschema.Schema{Type: jsonschema.Types{jsonschema.Integer}}
	case reflect.Float64:
		return &jsonschema.Schema{Type: jsonschema.Types{jsonschema.Number}}
	}
	m.err = fmt.Errorf("no schema is known for the type %s", t)
	return &jsonschema.Schema{}
}

// below is the schema of a value within another one: an object stands in defs.
func (m *maker) below(v reflect.Value) *jsonschema.Schema {
	t := v.Type()
	if t.Kind() == reflect.Struct && !t.Implements(reflect.TypeFor[json.Marshaler]()) {
		return m.shared(strings.ToLower(t.Name()[:1])+t.Name()[1:], v)
	}
	return m.of(v)
}

func (m *maker) shared(name string, v reflect.Value) *jsonschema.Schema {
	if !slices.ContainsFunc(m.defs, func(p jsonschema.Property) bool { return p.Name == name }) {
		at := len(m.defs)
		m.defs = append(m.defs, jsonschema.Property{Name: name})
		made := m.of(v)
		m.defs[at].Schema = made
	}
	return &jsonschema.Schema{Ref: "#/$defs/" + name}
}

func (m *maker) text(t reflect.Type) *jsonschema.Schema {
	ofCommand := t.PkgPath() != "" && !token.IsExported(t.Name())
	if ofCommand || slices.Contains(closed(), t) {
		return m.enum(t)
	}
	return &jsonschema.Schema{Type: jsonschema.Types{jsonschema.String}, Pattern: ids()[t]}
}

func (m *maker) enum(t reflect.Type) *jsonschema.Schema {
	values, err := m.source.constants(t)
	if err != nil {
		m.err = err
	}
	return jsonschema.Enum(values...)
}

// object is an object with the fields of a struct and no others.
func (m *maker) object(v reflect.Value) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: jsonschema.Types{jsonschema.Object}, AdditionalProperties: false}
	m.addFields(s, v)
	return s
}

func (m *maker) addFields(s *jsonschema.Schema, v reflect.Value) {
	t := v.Type()
	docs, err := m.source.docs(t)
	if err != nil {
		m.err = err
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			m.addFields(s, v.Field(i))
			continue
		case !f.IsExported() || name == "-":
			continue
		}
		optional := options == "omitempty"
		one := m.field(f, v.Field(i), optional)
		one.Description = docs[f.Name]
		s.Properties = append(s.Properties, jsonschema.Property{Name: name, Schema: one})
		if !optional {
			s.Required = append(s.Required, name)
		}
	}
}

// field is the schema of a field. An optional one is left out where it has no value, and never null.
func (m *maker) field(f reflect.StructField, v reflect.Value, optional bool) *jsonschema.Schema {
	if f.Name == "Kind" && v.Kind() == reflect.String && v.String() != "" {
		return &jsonschema.Schema{Const: v.String()}
	}
	if optional && v.Kind() == reflect.Pointer {
		v = reflect.Zero(v.Type().Elem())
	}
	s := m.below(v)
	if f.Tag.Get("null") == "true" {
		s = jsonschema.OrNull(s)
	}
	copied := *s
	return &copied
}
