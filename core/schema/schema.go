// Package schema checks JSON values against the JSON Schema (draft 2020-12) of somebody who is not trusted, such as a
// provider. It loads nothing, its work is bounded, and each problem has the place of the value that it is of.
//
// It implements the validation keywords but those that need more than the document and the value at hand: $dynamicRef,
// $anchor, an inner $id, unevaluatedProperties and unevaluatedItems are refused rather than ignored. References are
// JSON Pointers within the document, and none leads to itself. `format` is an annotation, as the draft has it.
//
// There is no use of a library here: the one that reports places compiles the metaschemas of all drafts when a program
// starts that it is linked to, which takes longer than the rest of that start.
package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/humanconnect/humanconnect/sdk/host"
)

// The limits of a schema, and of a check.
const (
	// MaxText is the longest schema in bytes.
	MaxText = 256 << 10
	// maxDepth is how deep a schema may be nested.
	maxDepth = 64
	// maxSize is how many schemas there may be, each counted as often as it is referred to.
	maxSize = 50_000
	// maxSteps is how many schemas a check may come to; long texts and lists of values count as several.
	maxSteps = 200_000
	// maxProblems is how many problems a check returns.
	maxProblems = 100
)

// draft is the only dialect.
const draft = "https://json-schema.org/draft/2020-12/schema"

// Schema is a compiled schema. It is immutable, and safe for concurrent use.
type Schema struct {
	root     any
	patterns map[string]*regexp.Regexp
}

// Compile reads a schema. An error says where the schema is wrong, by a JSON Pointer, in one line that is fit to be shown.
func Compile(text string) (*Schema, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("it is longer than %d KiB", MaxText>>10)
	}
	root, err := Decode([]byte(text))
	if err != nil {
		return nil, err
	}
	c := compiler{
		schema: &Schema{root: root, patterns: make(map[string]*regexp.Regexp)},
		size:   make(map[string]int), open: make(map[string]bool),
	}
	if !sane(root, 0) {
		return nil, fmt.Errorf("it is nested deeper than %d levels, or has a number too large", maxDepth)
	}
	if _, err := c.walk(root, "", 0); err != nil {
		return nil, err
	}
	return c.schema, nil
}

// Decode reads one JSON value; numbers stay as they are written.
func Decode(data []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, errors.New("it is no JSON")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("it is more than one JSON value")
	}
	return value, nil
}

// sane says whether a value can be worked with: how deep it is, and how large its numbers.
func sane(value any, depth int) bool {
	if depth > maxDepth {
		return false
	}
	switch v := value.(type) {
	case json.Number:
		_, exponent, _ := strings.Cut(strings.ToLower(v.String()), "e")
		return len(v) <= 64 && len(strings.TrimLeft(exponent, "+-")) <= 3
	case []any:
		return !slices.ContainsFunc(v, func(item any) bool { return !sane(item, depth+1) })
	case map[string]any:
		for _, member := range v {
			if !sane(member, depth+1) {
				return false
			}
		}
	}
	return true
}

// compiler walks a schema once, and along every reference.
type compiler struct {
	schema *Schema
	// size of what a pointer leads to, with all that it refers to; open are those that are being walked.
	size map[string]int
	open map[string]bool
}

func wrong(at, format string, args ...any) error {
	return fmt.Errorf("at %q: %s", host.CleanText(at, 120), host.CleanText(fmt.Sprintf(format, args...), 200))
}

// walk checks a schema and returns its size.
func (c *compiler) walk(schema any, at string, depth int) (size int, err error) {
	if depth > maxDepth {
		return 0, wrong(at, "it is nested deeper than %d levels", maxDepth)
	}
	if _, isBool := schema.(bool); isBool {
		return 1, nil
	}
	object, ok := schema.(map[string]any)
	if !ok {
		return 0, wrong(at, "it is neither an object nor true or false")
	}
	size = 1
	for name, value := range object {
		more, err := c.keyword(name, value, at+"/"+escape(name), depth+1)
		if err != nil {
			return 0, err
		}
		if size += more; size > maxSize {
			return 0, wrong("", "it is larger than %d schemas with all that they refer to", maxSize)
		}
	}
	return size, nil
}

// keyword checks one keyword and returns the size of the schemas in it.
func (c *compiler) keyword(name string, value any, at string, depth int) (int, error) {
	switch name {
	case "additionalProperties", "items", "contains", "propertyNames", "not", "if", "then", "else":
		return c.walk(value, at, depth)
	case "properties", "patternProperties", "dependentSchemas", "$defs":
		return c.schemas(name, value, at, depth)
	case "allOf", "anyOf", "oneOf", "prefixItems":
		return c.list(value, at, depth)
	case "$ref":
		return c.reference(value, at, depth)
	case "$id":
		if at != "/$id" {
			return 0, wrong(at, "an inner $id is not supported")
		}
	case "$schema":
		if text, _ := value.(string); strings.TrimSuffix(text, "#") != draft {
			return 0, wrong(at, "it is not of draft 2020-12")
		}
	case "$dynamicRef", "$dynamicAnchor", "$anchor", "$recursiveRef", "$recursiveAnchor", "unevaluatedProperties", "unevaluatedItems":
		return 0, wrong(at, "%s is not supported", name)
	default:
		return 0, c.assertion(name, value, at)
	}
	return 0, nil
}

func (c *compiler) schemas(name string, value any, at string, depth int) (size int, err error) {
	object, ok := value.(map[string]any)
	if !ok {
		return 0, wrong(at, "it is no object")
	}
	for key, schema := range object {
		if name == "patternProperties" {
			if err := c.pattern(key, at); err != nil {
				return 0, err
			}
		}
		more, err := c.walk(schema, at+"/"+escape(key), depth+1)
		if err != nil {
			return 0, err
		}
		if name != "$defs" {
			size += more
		}
	}
	return size, nil
}

func (c *compiler) list(value any, at string, depth int) (size int, err error) {
	list, ok := value.([]any)
	if !ok || len(list) == 0 {
		return 0, wrong(at, "it is no list of schemas")
	}
	for i, schema := range list {
		more, err := c.walk(schema, fmt.Sprintf("%s/%d", at, i), depth+1)
		if err != nil {
			return 0, err
		}
		size += more
	}
	return size, nil
}

// reference follows a reference, so that a circle and an expansion without measure are found.
func (c *compiler) reference(value any, at string, depth int) (int, error) {
	pointer, ok := value.(string)
	if !ok || pointer != "#" && !strings.HasPrefix(pointer, "#/") {
		return 0, wrong(at, "it is no JSON Pointer within the schema, such as #/$defs/name")
	}
	pointer = fragment(pointer)
	target, found := lookUp(c.schema.root, pointer)
	if !found {
		return 0, wrong(at, "%q does not exist", pointer)
	}
	if c.open[pointer] {
		return 0, wrong(at, "it refers to itself")
	}
	if size, known := c.size[pointer]; known {
		return size, nil
	}
	c.open[pointer] = true
	defer delete(c.open, pointer)
	size, err := c.walk(target, pointer, depth)
	c.size[pointer] = size
	return size, err
}

// fragment is the JSON Pointer in a reference (RFC 6901 §6).
func fragment(reference string) string {
	pointer, err := url.PathUnescape(reference[1:])
	if err != nil {
		return reference[1:]
	}
	return pointer
}

// lookUp returns what a JSON Pointer leads to.
func lookUp(value any, pointer string) (any, bool) {
	if pointer == "" {
		return value, true
	}
	for _, token := range strings.Split(pointer[1:], "/") {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		switch v := value.(type) {
		case map[string]any:
			member, ok := v[token]
			if !ok {
				return nil, false
			}
			value = member
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(v) {
				return nil, false
			}
			value = v[i]
		default:
			return nil, false
		}
	}
	return value, true
}

func (c *compiler) pattern(text, at string) error {
	if c.schema.patterns[text] != nil {
		return nil
	}
	compiled, err := regexp.Compile(text)
	if err != nil {
		return wrong(at, "the pattern cannot be read: %v", err)
	}
	c.schema.patterns[text] = compiled
	return nil
}

// assertion checks the value of a keyword without schemas. A keyword that is not known is an annotation.
func (c *compiler) assertion(name string, value any, at string) error {
	if text, isText := value.(string); name == "pattern" && isText {
		return c.pattern(text, at)
	}
	if fits, expected := fits(name, value); !fits {
		return wrong(at, "it is no %s", expected)
	}
	return nil
}

// fits says whether a value is one that a keyword can have, and what is expected of it.
func fits(name string, value any) (ok bool, expected string) {
	n, isNumber := value.(json.Number)
	switch name {
	case "pattern":
		return false, "text"
	case "type":
		return isType(value), "type"
	case "enum":
		list, isList := value.([]any)
		return isList && len(list) > 0, "list of values"
	case "required":
		return isTexts(value), "list of names"
	case "dependentRequired":
		object, isObject := value.(map[string]any)
		return isObject && !slices.ContainsFunc(slices.Collect(maps.Values(object)), func(v any) bool { return !isTexts(v) }), "object of lists of names"
	case "uniqueItems":
		_, isBool := value.(bool)
		return isBool, "truth value"
	case "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum":
		return isNumber, "number"
	case "multipleOf":
		return isNumber && rational(n).Sign() > 0, "number above 0"
	case "maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties", "maxContains", "minContains":
		return isNumber && rational(n).IsInt() && rational(n).Sign() >= 0, "whole number of 0 or more"
	}
	return true, ""
}

func isTexts(value any) bool {
	list, ok := value.([]any)
	return ok && !slices.ContainsFunc(list, func(item any) bool { _, text := item.(string); return !text })
}

func isType(value any) bool {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	known := []any{"null", "boolean", "object", "array", "number", "string", "integer"}
	return len(list) > 0 && !slices.ContainsFunc(list, func(t any) bool { _, text := t.(string); return !text || !slices.Contains(known, t) })
}

func escape(token string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(token) }
