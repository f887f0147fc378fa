package config

import (
	"slices"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/internal/jsonschema"
)

// Schema returns the JSON Schema of config.yaml. It refuses no file that [Load] reads, and of those that Load refuses what is
// wrong in a key, in a type, or in a value by itself.
func Schema() *jsonschema.Schema {
	s := objectOf(fileFields(), "")
	s.Title, s.Type, s.Required = "The config of humanconnect", jsonschema.Types{jsonschema.Object}, []string{"version"}
	return withDefs(s)
}

// PlanSchema returns the JSON Schema of a plan in a file of its own.
func PlanSchema() *jsonschema.Schema {
	s := planSchema()
	s.Title = "A plan of humanconnect"
	return withDefs(s)
}

// withDefs adds what the schemas refer to.
func withDefs(s *jsonschema.Schema) *jsonschema.Schema {
	one := objectOf(secretFields(), "")
	one.Description = "A reference to a secret: one of file, env and command."
	one.Type, one.MinProperties, one.MaxProperties = jsonschema.Types{jsonschema.Object}, 1, 1
	s.Defs = jsonschema.Properties{{Name: "secret", Schema: one}}
	return s
}

// objectOf is an object of these fields and no others, or null. of is the section whose scalars they are.
func objectOf(fields []field, of string) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: jsonschema.Types{jsonschema.Object, jsonschema.Null}, AdditionalProperties: false}
	for _, f := range fields {
		one := *f.value()
		if one.Description == "" {
			one.Description = f.doc
		}
		if at := slices.IndexFunc(scalars(), func(s scalar) bool { return s.key == join(of, f.name) }); at >= 0 && f.doc == "" {
			one.Description = scalars()[at].doc
			if byDefault := scalars()[at].byDefault; byDefault != "" {
				one.Default = byDefault
			}
		}
		s.Properties = append(s.Properties, jsonschema.Property{Name: f.name, Schema: &one})
	}
	return s
}

// itemSchema is an object of a list, with its required keys.
func itemSchema(fields []field, required ...string) *jsonschema.Schema {
	s := objectOf(fields, "")
	s.Type, s.Required = jsonschema.Types{jsonschema.Object}, required
	return s
}

func providerSchema() *jsonschema.Schema {
	s := itemSchema(providerFields(), "name")
	s.AnyOf = []*jsonschema.Schema{having("command"), having("sha256"), having("dev")}
	pinned := having("sha256", "dev")
	pinned.Properties = jsonschema.Properties{{Name: "dev", Schema: &jsonschema.Schema{Const: true}}}
	s.Not = pinned
	return s
}

func sourceSchema() *jsonschema.Schema {
	s := itemSchema(sourceFields(), "id")
	s.MinProperties = 2
	s.DependentRequired = map[string][]string{"appliesTo": {"definition"}}
	return s
}

func hookSchema() *jsonschema.Schema {
	s := itemSchema(hookFields(), "name", "on")
	s.OneOf = []*jsonschema.Schema{having("shell"), having("command"), having("url")}
	s.DependentRequired = map[string][]string{"url": {"secret"}, "secret": {"url"}, "allowInsecure": {"url"}, "proxy": {"url"}}
	return s
}

func planSchema() *jsonschema.Schema { return itemSchema(planFields(), "actions") }

func actionSchema() *jsonschema.Schema {
	s := itemSchema(actionFields())
	s.OneOf = []*jsonschema.Schema{having("connect"), having("disconnect")}
	s.DependentRequired = map[string][]string{"answers": {"connect"}}
	return s
}

func having(names ...string) *jsonschema.Schema { return &jsonschema.Schema{Required: names} }

func versionSchema() *jsonschema.Schema { return &jsonschema.Schema{Const: 1} }

func booleanSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: jsonschema.Types{jsonschema.Boolean}}
}

// textSchema is any single value: it is taken as it is written, and need not be in quotes.
func textSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: jsonschema.Types{jsonschema.String, jsonschema.Number, jsonschema.Boolean}, MinLength: 1}
}

// pathSchema is text in which nothing is left to expand; see [Unexpanded].
func pathSchema() *jsonschema.Schema {
	s := textSchema()
	s.Not = &jsonschema.Schema{Type: jsonschema.Types{jsonschema.String}, Pattern: `^~(/|$)|(^|/)\$([A-Za-z_]|\{)`}
	return s
}

// keysSchema is a path or a URL.
func keysSchema() *jsonschema.Schema {
	s := pathSchema()
	s.Not.Not = &jsonschema.Schema{Pattern: "://"}
	return s
}

// variableSchema is the name of an environment variable.
func variableSchema() *jsonschema.Schema {
	s := textSchema()
	s.Pattern = `^[^=]+$`
	return s
}

func patternSchema(expression string) value {
	return func() *jsonschema.Schema {
		return &jsonschema.Schema{Type: jsonschema.Types{jsonschema.String}, Pattern: expression}
	}
}

// nameSchema is an id, which may look like a number.
func nameSchema() *jsonschema.Schema {
	zero := 0
	return &jsonschema.Schema{
		Type: jsonschema.Types{jsonschema.String, jsonschema.Integer, jsonschema.Boolean}, Pattern: `^[a-z0-9][a-z0-9-]{0,62}$`, Minimum: &zero,
	}
}

func targetSchema() *jsonschema.Schema {
	s := nameSchema()
	s.Pattern = `^([a-z0-9][a-z0-9-]{0,62}|con_[0-9a-hjkmnp-tv-z]{26})$`
	return s
}

func durationSchema() *jsonschema.Schema {
	return patternSchema(`^(\+?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+|[0-9]{1,5}d)$`)()
}

func triesSchema() *jsonschema.Schema {
	least, most := 1, maxHookConcurrency
	return &jsonschema.Schema{Type: jsonschema.Types{jsonschema.Integer}, Minimum: &least, Maximum: &most}
}

func urlSchema() *jsonschema.Schema { return patternSchema(`^[Hh][Tt][Tt][Pp][Ss]?://[^#]`)() }

func oneOfSchema(known ...string) value {
	return func() *jsonschema.Schema { return jsonschema.Enum(known...) }
}

func momentsSchema() *jsonschema.Schema {
	s := filledList(func() *jsonschema.Schema { return jsonschema.Enum(event.Ons()...) })()
	s.UniqueItems = true
	return s
}

// commandSchema is a program, as a path, and its arguments.
func commandSchema() *jsonschema.Schema {
	argument := textSchema()
	argument.MinLength = 0
	s := filledList(func() *jsonschema.Schema { return argument })()
	s.PrefixItems = []*jsonschema.Schema{pathSchema()}
	return s
}

// argvSchema is a program, as a path or as a name in PATH, and its arguments.
func argvSchema() *jsonschema.Schema {
	s := commandSchema()
	s.PrefixItems[0].Not.AnyOf = []*jsonschema.Schema{{Pattern: "/"}}
	return s
}

func secretSchema() *jsonschema.Schema { return &jsonschema.Schema{Ref: "#/$defs/secret"} }

// valuesSchema are settings or answers.
func valuesSchema() *jsonschema.Schema {
	plain := textSchema()
	plain.MinLength = 0
	return &jsonschema.Schema{
		Type:                 jsonschema.Types{jsonschema.Object, jsonschema.Null},
		PropertyNames:        &jsonschema.Schema{Pattern: `^[a-z][a-z0-9_]{0,62}$`},
		AdditionalProperties: &jsonschema.Schema{AnyOf: []*jsonschema.Schema{plain, secretSchema()}},
	}
}

func definitionSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: jsonschema.Types{jsonschema.Object}, MinProperties: 1}
}

// section is an object whose scalars stand below its name in [scalars].
func section(name string, fields func() []field) value {
	return func() *jsonschema.Schema { return objectOf(fields(), name) }
}

// listSchema is a list that may be empty or without a value.
func listSchema(of value) value {
	return func() *jsonschema.Schema {
		return &jsonschema.Schema{Type: jsonschema.Types{jsonschema.Array, jsonschema.Null}, Items: of()}
	}
}

// filledList is a list with an item at least.
func filledList(of value) value {
	return func() *jsonschema.Schema {
		return &jsonschema.Schema{Type: jsonschema.Types{jsonschema.Array}, Items: of(), MinItems: 1}
	}
}
