package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// Problem is one thing that is wrong with a value.
type Problem struct {
	// Pointer is the JSON Pointer of the value (RFC 6901). What is missing has the one that it would have.
	Pointer string
	// Key: the key is wrong, and not the value.
	Key bool
	// Text says what is wrong, in one line that is fit to be shown. It does not repeat the value.
	Text string

	// kind: the value is of another type than what is expected.
	kind bool
}

// Check returns what is wrong with a value that [Decode] has read, or one that has the same types: nothing for a good one.
func (s *Schema) Check(value any) []Problem {
	if !sane(value, 0) {
		return []Problem{{Text: "is nested too deep, or has a number too large"}}
	}
	c := checker{Schema: s}
	c.check(s.root, value, "")
	if c.steps > maxSteps {
		return []Problem{{Text: "is too large to be checked against the schema"}}
	}
	return c.problems
}

type checker struct {
	*Schema
	problems []Problem
	steps    int
}

func (c *checker) add(p Problem) {
	if len(c.problems) < maxProblems {
		p.Text = host.CleanText(p.Text, 400)
		c.problems = append(c.problems, p)
	}
}

func (c *checker) wrong(at, format string, args ...any) {
	c.add(Problem{Pointer: at, Text: fmt.Sprintf(format, args...)})
}

// try returns the problems that a schema alone has with a value.
func (c *checker) try(schema, value any, at string) []Problem {
	inner := checker{Schema: c.Schema, steps: c.steps}
	inner.check(schema, value, at)
	c.steps = inner.steps
	return inner.problems
}

func (c *checker) check(schema, value any, at string) {
	if c.steps++; c.steps > maxSteps {
		return
	}
	object, ok := schema.(map[string]any)
	if !ok {
		if schema == false {
			c.wrong(at, "is not allowed here")
		}
		return
	}
	if pointer, has := object["$ref"].(string); has {
		target, _ := lookUp(c.root, fragment(pointer))
		c.check(target, value, at)
	}
	if !c.kind(object, value, at) {
		return // what else is wrong follows from it
	}
	switch v := value.(type) {
	case json.Number:
		c.number(object, v, at)
	case string:
		c.text(object, v, at)
	case []any:
		c.array(object, v, at)
	case map[string]any:
		c.object(object, v, at)
	}
	c.combined(object, value, at)
}

// kind checks type, const and enum.
func (c *checker) kind(schema map[string]any, value any, at string) bool {
	if types, has := schema["type"]; has {
		list, many := types.([]any)
		if !many {
			list = []any{types}
		}
		if !slices.ContainsFunc(list, func(t any) bool { return isOf(t, value) }) {
			c.add(Problem{Pointer: at, kind: true, Text: "is " + nameOf(value) + ", where " + orOf(list) + " is expected"})
			return false
		}
	}
	allowed, has := schema["enum"].([]any)
	if fixed, one := schema["const"]; one {
		if has && !contains(allowed, fixed) {
			c.wrong(at, "is not allowed here")
			return false
		}
		allowed, has = []any{fixed}, true
	}
	c.steps += len(allowed) / 8
	if has && !contains(allowed, value) {
		words := make([]string, len(allowed))
		for i, v := range allowed {
			words[i] = shown(v)
		}
		text := "is none of: " + strings.Join(words, ", ")
		if len(words) == 1 {
			text = "is not " + words[0]
		}
		if v, ok := value.(string); ok {
			text += near(v, words)
		}
		another := !slices.ContainsFunc(allowed, func(v any) bool { return typeOf(v) == typeOf(value) })
		c.add(Problem{Pointer: at, kind: another, Text: text})
		return false
	}
	return true
}

func near(word string, known []string) string {
	if near := problem.Nearest(word, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// isOf says whether a value is of a type of JSON Schema.
func isOf(kind, value any) bool {
	n, isNumber := value.(json.Number)
	switch kind {
	case "number":
		return isNumber
	case "integer":
		return isNumber && rational(n).IsInt()
	}
	return kind == typeOf(value)
}

func typeOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case json.Number:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}

// nameOf is the type of a value in words of YAML.
func nameOf(value any) string { return nameOfType(typeOf(value)) }

func nameOfType(kind string) string {
	switch kind {
	case "boolean":
		return "true or false"
	case "number":
		return "a number"
	case "integer":
		return "a whole number"
	case "string":
		return "text"
	case "array":
		return "a list"
	case "object":
		return "a mapping"
	}
	return kind
}

func orOf(kinds []any) string {
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = nameOfType(fmt.Sprint(k))
	}
	return strings.Join(words, " or ")
}

func shown(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	return canonical(value)
}

func rational(n json.Number) *big.Rat {
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		return new(big.Rat)
	}
	return r
}

// canonical is a value as a text that is the same for equal values: 1 and 1.0 are.
func canonical(value any) string {
	switch v := value.(type) {
	case json.Number:
		return rational(v).RatString()
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = canonical(item)
		}
		return "[" + strings.Join(parts, ",") + "]"
	case map[string]any:
		parts := make([]string, 0, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, strconv.Quote(name)+":"+canonical(v[name]))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case string:
		return strconv.Quote(v)
	}
	return fmt.Sprint(value)
}

func contains(list []any, value any) bool {
	text := canonical(value)
	return slices.ContainsFunc(list, func(v any) bool { return canonical(v) == text })
}

func (c *checker) number(schema map[string]any, value json.Number, at string) {
	v := rational(value)
	for _, rule := range []struct {
		name  string
		holds func(order int) bool
		says  string
	}{
		{"maximum", func(o int) bool { return o <= 0 }, "is more than %s"},
		{"exclusiveMaximum", func(o int) bool { return o < 0 }, "is not less than %s"},
		{"minimum", func(o int) bool { return o >= 0 }, "is less than %s"},
		{"exclusiveMinimum", func(o int) bool { return o > 0 }, "is not more than %s"},
	} {
		if limit, has := schema[rule.name].(json.Number); has && !rule.holds(v.Cmp(rational(limit))) {
			c.wrong(at, rule.says, limit)
		}
	}
	if of, has := schema["multipleOf"].(json.Number); has && !new(big.Rat).Quo(v, rational(of)).IsInt() {
		c.wrong(at, "is no multiple of %s", of)
	}
}

// count checks how many there are of something.
func (c *checker) count(schema map[string]any, n int, less, more, what, at string) {
	if limit, has := schema[less].(json.Number); has && big.NewRat(int64(n), 1).Cmp(rational(limit)) < 0 {
		c.wrong(at, "has less than %s %s", limit, what)
	}
	if limit, has := schema[more].(json.Number); has && big.NewRat(int64(n), 1).Cmp(rational(limit)) > 0 {
		c.wrong(at, "has more than %s %s", limit, what)
	}
}

func (c *checker) text(schema map[string]any, value, at string) {
	c.steps += len(value) / 64
	c.count(schema, utf8.RuneCountInString(value), "minLength", "maxLength", "characters", at)
	if pattern, has := schema["pattern"].(string); has && !c.patterns[pattern].MatchString(value) {
		if about, ok := schema["description"].(string); ok && about != "" {
			c.wrong(at, "is not right. Expected: %s", about)
			return
		}
		c.wrong(at, "does not match the pattern %s", pattern)
	}
}

func (c *checker) array(schema map[string]any, value []any, at string) {
	c.count(schema, len(value), "minItems", "maxItems", "items", at)
	first, _ := schema["prefixItems"].([]any)
	rest, hasRest := schema["items"]
	inner, hasContains := schema["contains"]
	matching := 0
	seen := make(map[string]bool, len(value))
	for i, item := range value {
		where := at + "/" + strconv.Itoa(i)
		switch {
		case i < len(first):
			c.check(first[i], item, where)
		case hasRest:
			c.check(rest, item, where)
		}
		if hasContains && len(c.try(inner, item, where)) == 0 {
			matching++
		}
		if schema["uniqueItems"] == true {
			text := canonical(item)
			if seen[text] {
				c.wrong(where, "is a duplicate")
			}
			seen[text] = true
		}
	}
	if !hasContains {
		return
	}
	least := big.NewRat(1, 1)
	if n, has := schema["minContains"].(json.Number); has {
		least = rational(n)
	}
	most, limited := schema["maxContains"].(json.Number)
	found := big.NewRat(int64(matching), 1)
	if found.Cmp(least) < 0 || limited && found.Cmp(rational(most)) > 0 {
		c.wrong(at, "has too few or too many items of a kind that is expected")
	}
}

func (c *checker) object(schema map[string]any, value map[string]any, at string) {
	c.count(schema, len(value), "minProperties", "maxProperties", "keys", at)
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if name, _ := name.(string); !has(value, name) {
			c.wrong(at+"/"+escape(name), "is missing")
		}
	}
	depends, _ := schema["dependentRequired"].(map[string]any)
	depending, _ := schema["dependentSchemas"].(map[string]any)
	names, hasNames := schema["propertyNames"]
	for _, name := range slices.Sorted(maps.Keys(value)) {
		where := at + "/" + escape(name)
		c.member(schema, name, value[name], where)
		others, _ := depends[name].([]any)
		for _, other := range others {
			if other, _ := other.(string); !has(value, other) {
				c.wrong(at+"/"+escape(other), "is missing; %s needs it", name)
			}
		}
		if inner, ok := depending[name]; ok {
			c.check(inner, value, at)
		}
		if hasNames {
			for _, p := range c.try(names, name, where) {
				c.add(Problem{Pointer: where, Key: true, Text: "as a key " + p.Text})
			}
		}
	}
}

func has(value map[string]any, name string) bool {
	_, ok := value[name]
	return ok
}

// member checks a member of an object by its name.
func (c *checker) member(schema map[string]any, name string, value any, at string) {
	known := false
	properties, _ := schema["properties"].(map[string]any)
	if inner, ok := properties[name]; ok {
		known = true
		c.check(inner, value, at)
	}
	patterns, _ := schema["patternProperties"].(map[string]any)
	for _, pattern := range slices.Sorted(maps.Keys(patterns)) {
		if c.patterns[pattern].MatchString(name) {
			known = true
			c.check(patterns[pattern], value, at)
		}
	}
	rest, limited := schema["additionalProperties"]
	switch {
	case known || !limited:
	case rest == false:
		keys := slices.Sorted(maps.Keys(properties))
		hint := near(name, keys)
		if hint == "" && len(keys) > 0 {
			hint = "; known here: " + strings.Join(keys, ", ")
		}
		c.add(Problem{Pointer: at, Key: true, Text: "unknown key" + hint})
	default:
		c.check(rest, value, at)
	}
}

// combined checks the keywords that apply further schemas to the same value.
func (c *checker) combined(schema map[string]any, value any, at string) {
	all, _ := schema["allOf"].([]any)
	for _, inner := range all {
		c.check(inner, value, at)
	}
	for _, name := range []string{"anyOf", "oneOf"} {
		choices, _ := schema[name].([]any)
		if len(choices) > 0 {
			c.choice(choices, value, at, name == "oneOf")
		}
	}
	if inner, has := schema["not"]; has && len(c.try(inner, value, at)) == 0 {
		c.wrong(at, "is what is not allowed here")
	}
	condition, has := schema["if"]
	if !has {
		return
	}
	branch := "then"
	if len(c.try(condition, value, at)) > 0 {
		branch = "else"
	}
	if inner, has := schema[branch]; has {
		c.check(inner, value, at)
	}
}

// choice checks that one of several schemas holds, and says what is wrong by the one that was meant, where that is clear: all
// others expect another kind of value.
func (c *checker) choice(choices []any, value any, at string, one bool) {
	var failed [][]Problem
	for _, inner := range choices {
		if problems := c.try(inner, value, at); len(problems) > 0 {
			failed = append(failed, problems)
		}
	}
	switch holds := len(choices) - len(failed); {
	case holds == 1 || holds > 1 && !one:
		return
	case holds > 1:
		c.wrong(at, "fits several of what only one is expected of")
		return
	}
	meant := slices.DeleteFunc(slices.Clone(failed), func(problems []Problem) bool {
		return slices.ContainsFunc(problems, func(p Problem) bool { return p.kind && p.Pointer == at })
	})
	switch len(meant) {
	case 0:
		meant = failed
	case 1:
		for _, p := range meant[0] {
			c.add(p)
		}
		return
	}
	var texts []string
	for _, problems := range meant {
		var parts []string
		for _, p := range problems {
			parts = append(parts, strings.TrimSpace(strings.ReplaceAll(strings.TrimPrefix(strings.TrimPrefix(p.Pointer, at), "/"), "/", ".")+" "+p.Text))
		}
		if text := strings.Join(parts, " and "); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	c.wrong(at, "%s", strings.Join(texts, "; or "))
}
