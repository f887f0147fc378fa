package plugins_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/plugins"
	"github.com/humanconnect/humanconnect/sdk"
)

// defines is a third party's provider that takes definitions: made with the SDK, and nothing else.
type defines struct{}

const schemaOfDefines = `{"type": "object", "properties": {"host": {"type": "string"}}}`

// Describe implements [sdk.Provider].
func (defines) Describe(context.Context) (*sdk.Description, error) {
	return &sdk.Description{
		Name: "test", Version: "1.2.3", DefinitionSchema: schemaOfDefines,
		Sources: []sdk.Source{{ID: "known", Hosts: []string{"shipped.example"}}, {ID: "other"}},
	}, nil
}

// DescribeSource implements [sdk.SourceDescriber].
func (d defines) DescribeSource(ctx context.Context, req *sdk.DescribeRequest) (*sdk.Description, error) {
	all, _ := d.Describe(ctx)
	if req.Definition == nil {
		return all, nil
	}
	var of struct{ Host, Answer, Mark string }
	if err := json.Unmarshal(req.Definition.JSON, &of); err != nil {
		return nil, err
	}
	all.Sources = []sdk.Source{{ID: req.Source, Name: "Name\x1b[2J", Hosts: []string{of.Host}}}
	switch of.Answer {
	case "another":
		all.Sources[0].ID = "other"
	case "two":
		all.Sources = append(all.Sources, sdk.Source{ID: "other"})
	case "none":
		all.Sources = nil
	case "schema":
		all.DefinitionSchema = strings.Repeat(" ", 257<<10)
	case "refuse":
		return nil, &sdk.Error{Code: sdk.BadConfiguration, Message: "No \x1b[1mhost.", Setting: "/" + strings.Repeat("long/", 20) + "host"}
	case "fail":
		return nil, errors.New("it fails")
	case "crash":
		if os.Remove(of.Mark) == nil {
			os.Exit(9)
		}
	}
	return all, nil
}

// Connect implements [sdk.Provider].
func (defines) Connect(_ context.Context, req *sdk.ConnectRequest) (sdk.Step, error) {
	text := "none"
	if req.Definition != nil {
		text = string(req.Definition.JSON)
	}
	return sdk.Wait{Text: text}, nil
}

// Disconnect implements [sdk.Provider].
func (defines) Disconnect(context.Context, *sdk.CredentialRequest) error { return nil }

func defining(id, text string) *sdk.DescribeRequest {
	return &sdk.DescribeRequest{Source: id, Definition: &sdk.Definition{JSON: []byte(text)}}
}

func TestSourceIsDescribedByItsDefinition(t *testing.T) {
	s := newStage(t)
	h := s.hostOf(s.spec("defines"))
	got, err := h.DescribeSource(t.Context(), "test", defining("ours", `{"host": "ours.example"}`))
	if err != nil {
		t.Fatal(explain(err))
	}
	want := &sdk.Description{
		Name: "test", Version: "1.2.3", DefinitionSchema: schemaOfDefines,
		Sources: []sdk.Source{{ID: "ours", Name: "Name[2J", Hosts: []string{"ours.example"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	p, err := h.Provider(t.Context(), "test", "ours")
	if err != nil {
		t.Fatal(explain(err))
	}
	step, err := p.Connect(t.Context(), &sdk.ConnectRequest{Source: "ours", Reply: sdk.Start{}, Definition: &sdk.Definition{JSON: []byte(`{"a":1}`)}})
	if wait, _ := step.(sdk.Wait); err != nil || wait.Text != `{"a":1}` {
		t.Errorf("a step knows %+v, %v", step, err)
	}
}

func TestOneSourceIsKeptOfAProviderThatDescribesAll(t *testing.T) {
	for act, id := range map[string]string{"defines": "known", "provider": "instant"} {
		s := newStage(t)
		h := s.hostOf(s.spec(act))
		got, err := h.DescribeSource(t.Context(), "test", &sdk.DescribeRequest{Source: id})
		if err != nil || len(got.Sources) != 1 || got.Sources[0].ID != id {
			t.Errorf("%s: %+v, %v", act, got, err)
		}
		got, err = h.DescribeSource(t.Context(), "test", &sdk.DescribeRequest{Source: "unknown"})
		if err != nil || len(got.Sources) != 0 {
			t.Errorf("%s: %+v, %v", act, got, err)
		}
	}
}

func TestAnswerToADefinitionIsThatSourceAlone(t *testing.T) {
	s := newStage(t)
	h := s.hostOf(s.spec("defines"))
	for answer, says := range map[string]string{
		`{"host": "a.example", "answer": "another"}`: "did not describe exactly the source",
		`{"host": "a.example", "answer": "two"}`:     "did not describe exactly the source",
		`{"answer": "none"}`:                         "did not describe exactly the source",
		`{"host": "https://a.example"}`:              "the host \"https://a.example\" is invalid",
		`{"host": "a.example", "answer": "schema"}`:  "its schema for definitions is longer than 256 KiB",
		`{"answer": "fail"}`:                         "it fails",
	} {
		_, err := h.DescribeSource(t.Context(), "test", defining("ours", answer))
		if e := failure(t, err); e.Code() != plugins.CodeBadAnswer || !strings.Contains(e.Error(), says) {
			t.Errorf("%s: %s", answer, explain(err))
		}
	}
}

func TestRefusedDefinitionSaysWhere(t *testing.T) {
	s := newStage(t)
	_, err := s.hostOf(s.spec("defines")).DescribeSource(t.Context(), "test", defining("ours", `{"answer": "refuse"}`))
	var said *sdk.Error
	if !errors.As(err, &said) || said.Code != sdk.BadConfiguration || said.Message != "No [1mhost." || said.Setting != "/"+strings.Repeat("long/", 20)+"host" {
		t.Errorf("%+v", said)
	}
}

func TestDescriptionByADefinitionIsRepeatedOnceAfterACrash(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	if err := os.WriteFile(mark, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := newStage(t)
	if _, err := s.hostOf(s.spec("defines")).DescribeSource(t.Context(), "test", defining("ours", `{"host": "a.example", "answer": "crash", "mark": "`+mark+`"}`)); err != nil {
		t.Error(explain(err))
	}
}

func TestCachedDescriptionIsOfItsSourceAndDefinition(t *testing.T) {
	s, cache := newStage(t), t.TempDir()
	spec := s.claiming("defines")
	spec.Sources = []string{"known", "other"}
	first := s.host(plugins.Options{Specs: []plugins.Spec{spec}, CacheDir: cache})
	requests := []*sdk.DescribeRequest{
		{Source: "known"},
		defining("known", `{"host": "a.example"}`),
		defining("known", `{"host": "b.example"}`),
		defining("ours", `{"host": "a.example"}`),
		{Source: "known", Definition: &sdk.Definition{JSON: []byte(`{"host": "a.example"}`), NewOnly: true}},
	}
	for _, req := range requests {
		if _, err := first.DescribeSourceCached(t.Context(), "test", req); err != nil {
			t.Fatal(explain(err))
		}
	}
	files, _ := filepath.Glob(filepath.Join(cache, "describe-*.json"))
	if len(files) != len(requests) {
		t.Errorf("%d files for %d descriptions", len(files), len(requests))
	}
	started := len(s.pids())
	for _, file := range files {
		if strings.Contains(file, "ours") || strings.Contains(file, "example") {
			t.Errorf("the name of a file tells what it is of: %s", file)
		}
	}
	second := s.host(plugins.Options{Specs: []plugins.Spec{spec}, CacheDir: cache})
	for i, want := range []string{"shipped.example", "a.example", "b.example", "a.example", "a.example"} {
		got, err := second.DescribeSourceCached(t.Context(), "test", requests[i])
		if err != nil || len(got.Sources) != 1 || got.Sources[0].ID != requests[i].Source || got.Sources[0].Hosts[0] != want || got.DefinitionSchema != schemaOfDefines {
			t.Errorf("%d: %+v, %v", i, got, err)
		}
	}
	if len(s.pids()) > started {
		t.Errorf("%d processes were started for what is cached", len(s.pids())-started)
	}
}
