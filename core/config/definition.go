package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// The limits of a definition.
const (
	maxDefinition      = 64 << 10 // bytes of JSON
	maxDefinitionDepth = 32
)

// Definition is what the config says a source is: the YAML below `definition`, as JSON. What may be in it is for the source's
// provider to say; see package source. It holds no secret, and is not to be logged.
type Definition struct {
	// JSON is an object, its keys sorted.
	JSON []byte
	// NewOnly: it is for new connections; see [sdk.Definition].
	NewOnly bool
	// At is where it stands.
	At Position
	// places by JSON Pointer.
	places map[string]spot
}

// spot is where a value of a definition stands, and its key, as in problems.
type spot struct {
	path       string
	key, value Position
}

// Place returns the path of a value, as the problems of the config name it, and where it stands: its key, if key is true. A
// value that is not there, such as one that is missing, stands where the nearest one does that would hold it. Pointer is a
// JSON Pointer (RFC 6901).
func (d *Definition) Place(pointer string, key bool) (path string, at Position) {
	rest := ""
	for {
		if p, ok := d.places[pointer]; ok {
			if key && rest == "" {
				return p.path, p.key
			}
			return p.path + rest, p.value
		}
		up := strings.LastIndexByte(pointer, '/')
		if up < 0 {
			return "definition" + rest, d.At
		}
		rest = "." + host.CleanText(unescapePointer(pointer[up+1:]), 80) + rest
		pointer = pointer[:up]
	}
}

// Sent is the definition as its provider gets it; nil for nil.
func (d *Definition) Sent() *sdk.Definition {
	if d == nil {
		return nil
	}
	return &sdk.Definition{JSON: bytes.Clone(d.JSON), NewOnly: d.NewOnly}
}

// Pointer returns the JSON Pointer of a member of a value (RFC 6901 §3).
func Pointer(of, member string) string {
	return of + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(member)
}

func unescapePointer(token string) string {
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
}

// definition reads a definition, and for which connections it is.
func (r *reader) definition(n, applies *yaml.Node, key string) *Definition {
	newOnly := false
	if text, ok := r.text(applies, join(key, "appliesTo")); ok {
		switch newOnly = text == "new"; {
		case text != "new" && text != "all":
			r.flaw(applies, join(key, "appliesTo"), "%s is neither all nor new%s", quote(text), nearestOf(text, "all", "new"))
		case n == nil:
			r.flaw(applies, join(key, "appliesTo"), "says for which connections a definition is, and there is none")
		}
	}
	if n == nil {
		return nil
	}
	key = join(key, "definition")
	if !r.plain(n, key) {
		return nil
	}
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		r.flaw(n, key, "is not a mapping with keys")
		return nil
	}
	d := &Definition{NewOnly: newOnly, At: r.at(n), places: make(map[string]spot)}
	before := len(r.problems)
	w := definitionReader{r: r, d: d}
	value := w.value(n, n, "", key, "definition", 1)
	if len(r.problems) > before {
		return nil
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		r.flaw(n, key, "cannot be written as JSON")
		return nil
	}
	if d.JSON = bytes.TrimSpace(out.Bytes()); len(d.JSON) > maxDefinition {
		r.flaw(n, key, "is longer than %d KiB", maxDefinition>>10)
		return nil
	}
	return d
}

func nearestOf(word string, known ...string) string {
	if near := problem.Nearest(word, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// definitionReader turns the nodes of a definition into a JSON value, and notes where each part stands.
type definitionReader struct {
	r *reader
	d *Definition
}

// value reads one value. full is its key in the file, path the end of it that begins with "definition".
func (w *definitionReader) value(k, n *yaml.Node, pointer, full, path string, depth int) any {
	w.d.places[pointer] = spot{path: host.CleanText(path, 200), key: w.r.at(k), value: w.r.at(n)}
	if !w.r.plain(n, full) {
		return nil
	}
	if depth > maxDefinitionDepth {
		w.r.flaw(n, full, "has more than %d levels", maxDefinitionDepth)
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		return w.object(n, pointer, full, path, depth)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for i, item := range n.Content {
			list = append(list, w.value(item, item, Pointer(pointer, strconv.Itoa(i)), index(full, i), index(path, i), depth+1))
		}
		return list
	}
	value, wrong := scalarValue(n)
	if wrong != "" {
		w.r.flaw(n, full, "%s", wrong)
	}
	return value
}

func (w *definitionReader) object(n *yaml.Node, pointer, full, path string, depth int) any {
	object := make(map[string]any, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if !w.r.plain(k, full) {
			continue
		}
		if k.Kind != yaml.ScalarNode || isNull(k) || k.ShortTag() == "!!merge" || !utf8.ValidString(k.Value) || strings.ContainsRune(k.Value, 0) {
			w.r.flaw(k, full, "a key is plain text")
			continue
		}
		if _, twice := object[k.Value]; twice {
			w.r.flaw(k, join(full, k.Value), "duplicate key")
			continue
		}
		object[k.Value] = w.value(k, v, Pointer(pointer, k.Value), join(full, k.Value), join(path, k.Value), depth+1)
	}
	return object
}

// isNumber says whether a text is a number of RFC 8259 §6, of a size to reckon with.
func isNumber(text string) bool {
	_, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	return len(text) <= 64 && len(strings.TrimLeft(exponent, "+-")) <= 2 && strings.ContainsAny(text, "0123456789") && json.Valid([]byte(text))
}

// scalarValue is a scalar as JSON: true, false, null and numbers as JSON writes them, and text for all else that YAML does not
// take for something else.
func scalarValue(n *yaml.Node) (value any, wrong string) {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return textValue(n.Value)
	}
	switch n.ShortTag() {
	case "!!null":
		if n.Value == "" {
			return nil, "has no value; give one, or null to remove what the provider has"
		}
		return nil, ""
	case "!!bool":
		if n.Value == "true" || n.Value == "false" {
			return n.Value == "true", ""
		}
		return nil, quote(n.Value) + " is neither true nor false; quote it if it is text"
	case "!!int", "!!float":
		if isNumber(n.Value) {
			return json.Number(n.Value), ""
		}
		return nil, quote(n.Value) + " is no number as JSON has it; quote it if it is text"
	}
	return textValue(n.Value)
}

func textValue(text string) (any, string) {
	if strings.ContainsRune(text, 0) || !utf8.ValidString(text) {
		return nil, "contains a zero byte, or is not UTF-8"
	}
	return text, ""
}
