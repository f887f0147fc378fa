package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// published is a schema of docs/schema.
func published(t testing.TB, name string) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile(filepath.Join("../../docs/schema", name))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asJSON is the document of a YAML text as an editor gives it to a validator.
func asJSON(t testing.TB, text string) (any, bool) {
	t.Helper()
	var doc yaml.Node
	decoder := yaml.NewDecoder(strings.NewReader(text))
	if err := decoder.Decode(&doc); err != nil || len(doc.Content) != 1 {
		return nil, false
	}
	value, ok := jsonOf(doc.Content[0])
	if !ok {
		return nil, false
	}
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return instance, true
}

// jsonOf says false for what JSON does not have.
func jsonOf(n *yaml.Node) (any, bool) {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			v, ok := jsonOf(n.Content[i+1])
			if _, twice := m[n.Content[i].Value]; !ok || twice {
				return nil, false
			}
			m[n.Content[i].Value] = v
		}
		return m, true
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			v, ok := jsonOf(item)
			if !ok {
				return nil, false
			}
			list = append(list, v)
		}
		return list, true
	case yaml.ScalarNode:
		var v any
		if tag := n.ShortTag(); tag == "!!timestamp" || tag == "!!str" {
			return n.Value, true
		}
		if err := n.Decode(&v); err != nil {
			return nil, false
		}
		_, err := json.Marshal(v)
		return v, err == nil // .inf is no JSON
	}
	return nil, false
}

// beyond is what the reader refuses and a schema of a single file cannot tell, or does not.
var beyond = regexp.MustCompile(`is a duplicate|is there twice|duplicate key|only in upper and lower case|than the (least|most)|not longer than nothing|` +
	`has no effect with check|is missing; check: |is the second|anchors and aliases|tags are not supported|control character|zero byte|no-break|` +
	`not YAML|plain http|user or password|fragment|loopback address|\bURL\b|is (?:no|not a) duration|a definition|KiB`)

// tells says whether a schema can tell that a file is refused.
func tells(err error) bool {
	var p *problem.Problem
	if !errors.As(err, &p) {
		return false
	}
	return slices.ContainsFunc(p.Places(), func(at problem.Place) bool { return at.File != "" && !beyond.MatchString(at.Message) })
}

// judge compares the reader with the schemas on one file.
type judge struct {
	config, plan      *jsonschema.Schema
	path              string
	accepted, refused int
}

func newJudge(t testing.TB) *judge {
	return &judge{config: published(t, "config.json"), plan: published(t, "plan.json"), path: write(t, "")}
}

func (j *judge) compare(t testing.TB, what, text string, isPlan bool) {
	t.Helper()
	instance, ok := asJSON(t, text)
	if !ok {
		return
	}
	overwrite(t, j.path, text)
	schema := j.config
	_, _, err := config.Load(options(j.path))
	if isPlan {
		schema = j.plan
		_, _, err = config.ReadPlan(j.path, os.Getuid())
	}
	wrong := schema.Validate(instance)
	switch {
	case err == nil && wrong != nil:
		t.Errorf("%s: the program reads it, and the schema refuses it: %v\n%s", what, wrong, text)
	case err == nil:
		j.accepted++
	case tells(err) && wrong == nil:
		t.Errorf("%s: the program refuses it, and the schema does not: %q\n%s", what, factsOf(err), text)
	case wrong != nil:
		j.refused++
	}
}

// TestSchemasKnowWhatTheProgramReads: every config and plan of the documents and of the stories.
func TestSchemasKnowWhatTheProgramReads(t *testing.T) {
	j := newJudge(t)
	j.compare(t, example, read(t, example), false)
	for _, path := range documents(t) {
		for _, block := range fenced.FindAllStringSubmatch(read(t, path), -1) {
			isPlan := planKey.MatchString(block[1])
			if text := block[1]; !isPlan && !strings.HasPrefix(text, "version:") {
				block[1] = "version: 1\n" + text
			}
			j.compare(t, path, block[1], isPlan)
		}
	}
	examples := j.accepted
	stories, err := filepath.Glob("../../cmd/humanconnect/testdata/script/*.txtar")
	if err != nil || len(stories) < 50 {
		t.Fatalf("found %d stories, %v", len(stories), err)
	}
	for _, path := range stories {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if strings.HasSuffix(f.Name, ".yaml") {
				j.compare(t, path+": "+f.Name, string(f.Data), planKey.Match(f.Data))
			}
		}
	}
	if examples < 15 || j.accepted < 90 || j.refused < 8 {
		t.Errorf("found %d examples, %d good files and %d wrong ones", examples, j.accepted, j.refused)
	}
}

// planKey begins a plan in a file of its own.
var planKey = regexp.MustCompile(`(?m)^actions:`)

// broken has, for every key of a good file, files in which it is another one, is not there, or has another value.
func broken(t testing.TB, good string) (texts []string) {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(good), &doc); err != nil {
		t.Fatal(err)
	}
	add := func() {
		text, err := yaml.Marshal(&doc)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		was := *n
		for _, other := range []string{
			"null", "''", "true", "5", "-1", "1.5", "text", "UPPER", "~/x", "/x/$HOME/y", "$X", "https://a.example/b", "http://127.0.0.1:1/x", "3d", "2026-01-01",
			"con_01jd0000000000000000000000", "[]", "[a]", "['']", "[1, x]", "[null]", "[onClose, onClose]", "{}", "{a: b}", "{file: x}", "{file: x, env: Y}", "{env: [x]}",
			"{command: x}", "{command: []}", "{command: [~/x]}", "{file: ~/x}", "{FILE: x}", "{file: null}", "[{}]", "[null]", "[{name: a}]", "[{connect: a}]", "local", "new",
		} {
			var value yaml.Node
			if err := yaml.Unmarshal([]byte(other), &value); err != nil {
				t.Fatal(err)
			}
			*n = *value.Content[0]
			add()
		}
		*n = was
		if n.Kind == yaml.MappingNode {
			pairs := n.Content
			for i := 0; i+1 < len(pairs); i += 2 {
				n.Content = slices.Concat(pairs[:i], pairs[i+2:])
				add()
				n.Content = pairs
				key := pairs[i].Value
				for _, name := range []string{key + "s", strings.ToUpper(key), "on", "url", "answers", "dev"} {
					pairs[i].Value = name
					add()
				}
				pairs[i].Value = key
				visit(pairs[i+1])
			}
		}
		for i := 0; n.Kind == yaml.SequenceNode && i < len(n.Content); i++ {
			visit(n.Content[i])
		}
	}
	visit(doc.Content[0])
	return texts
}

func TestSchemasRefuseEveryWrongKeyAndType(t *testing.T) {
	j := newJudge(t)
	for name, good := range map[string]string{
		"whole": strings.Replace(whole, "API_off", "api_off", 1),
		"urls": `version: 1
token: {check: introspection, endpoint: "https://a.example/i", clientId: c, clientSecret: {env: S}}
callback: {listen: "127.0.0.1:8765", url: "https://a.example/c"}
connection: {expiringWithin: 3d}
sources:
  - {id: a, definition: {name: A}, appliesTo: new, callbackUrl: "https://a.example/x"}
hooks:
  - {name: app, on: [onNeedsReconnect], url: "https://a.example/h", secret: {file: s}, allowInsecure: true, proxy: "https://p.example", required: false}
`,
		"jwt": "version: 1\ntoken: {check: jwt, jwks: keys.json, issuer: i, audience: a, algorithms: [EdDSA, ES256]}\n",
	} {
		for _, text := range append(broken(t, good), good) {
			j.compare(t, name, text, false)
		}
	}
	for _, text := range broken(t, "actions:\n  - {connect: a, answers: {b: c, d: {command: [x, y]}}}\n  - {disconnect: con_01jd0000000000000000000000}\n") {
		j.compare(t, "plan", text, true)
	}
	if j.accepted < 300 || j.refused < 2000 {
		t.Errorf("only %d good and %d wrong files", j.accepted, j.refused)
	}
}
