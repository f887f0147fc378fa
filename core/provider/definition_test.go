package provider_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/provider"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// DescribeSource implements [provider.Host]. A fake provider takes the host of a source from its definition.
func (h *fakeHost) DescribeSource(ctx context.Context, name string, req *sdk.DescribeRequest) (*sdk.Description, error) {
	d, err := h.describeSource("live", name, req)
	if err != nil || req.Definition != nil {
		return d, err
	}
	return h.describeProcess(ctx, name, req.Source)
}

// DescribeSourceCached implements [provider.Host].
func (h *fakeHost) DescribeSourceCached(_ context.Context, name string, req *sdk.DescribeRequest) (*sdk.Description, error) {
	return h.describeSource("cached", name, req)
}

func (h *fakeHost) describeSource(how, name string, req *sdk.DescribeRequest) (*sdk.Description, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.providers[name]
	text := ""
	if req.Definition != nil {
		text = string(req.Definition.JSON)
	}
	h.defined = append(h.defined, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", how, name, req.Source, text)))
	if p.undefined != nil {
		return nil, p.undefined
	}
	if req.Definition == nil {
		return &sdk.Description{DefinitionSchema: p.schema}, nil
	}
	if p.refuses != nil {
		return nil, p.refuses
	}
	return offers(strings.Split(text, `"`)[3], req.Source), nil
}

// schemaOfHosts allows definitions with a host.
const schemaOfHosts = `{"type": "object", "required": ["host"], "additionalProperties": false, "properties": {"host": {"type": "string"}}}`

// rows reads the sources of a config.
func rows(t *testing.T, text string) []config.Source {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte("version: 1\nsources:\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, err := config.Load(config.Options{Path: path, Home: "/home/a", UID: os.Getuid()})
	if err != nil {
		t.Fatal(err)
	}
	return c.Sources
}

func TestSourceIsAsItsProviderAnswersToItsDefinition(t *testing.T) {
	h := &fakeHost{providers: map[string]*installed{
		"a": {cached: offers("shipped.example", "known", "other"), live: offers("shipped.example", "known", "other"), schema: schemaOfHosts},
		"b": {cached: offers("b.example", "beta"), live: offers("b.example", "beta")},
	}}
	r := registry(t, h, rows(t, `
  - {id: ours, provider: a, definition: {host: ours.example}}
  - {id: known, definition: {host: moved.example}}
`)...)
	list, err := r.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	hosts := map[string]string{}
	for _, s := range list.All() {
		hosts[s.ID] = s.Provider + " " + s.Hosts[0]
	}
	want := map[string]string{"ours": "a ours.example", "known": "a moved.example", "other": "a shipped.example", "beta": "b b.example"}
	if diff := cmp.Diff(want, hosts); diff != "" || len(h.started) != 0 {
		t.Errorf("%s; asked live: %v", diff, h.started)
	}
	if s := find(t, r.Find, "ours"); s.Hosts[0] != "ours.example" || s.Definition() == nil {
		t.Errorf("a session finds %+v", s)
	}
	if last := h.defined[len(h.defined)-1]; last != `live a ours {"host":"ours.example"}` {
		t.Errorf("a session goes by %q", last)
	}
	asked := len(h.defined)
	if find(t, r.Find, "ours"); len(h.defined) != asked {
		t.Errorf("the running provider is asked again: %q", h.defined[asked:])
	}
}

// TestLookupAsksForOneDefinition: what is wrong with another source's provider must not hold up a session.
func TestLookupAsksForOneDefinition(t *testing.T) {
	h := &fakeHost{providers: map[string]*installed{
		"a": {cached: offers("a.example", "known"), live: offers("a.example", "known"), schema: schemaOfHosts},
		"b": {cached: offers("b.example", "beta"), live: offers("b.example", "beta"), undefined: errors.New("it hangs")},
	}}
	r := registry(t, h, rows(t, `
  - {id: ours, provider: b, definition: {host: ours.example}}
  - {id: known, definition: {host: moved.example}}
`)...)
	if s := find(t, r.Lookup, "known"); s.Hosts[0] != "moved.example" {
		t.Errorf("found %+v", s)
	}
	want := []string{"cached a known", `cached a known {"host":"moved.example"}`}
	if diff := cmp.Diff(want, h.defined); diff != "" {
		t.Error(diff)
	}
	if _, err := r.Lookup(t.Context(), "ours"); err == nil || err.Error() != "it hangs" {
		t.Errorf("a source whose definition could not be asked about is %v", err)
	}
	if _, err := r.All(t.Context()); err != nil || len(r.Broken()) != 1 {
		t.Errorf("%v; broken: %v", err, r.Broken())
	}
}

func TestWrongDefinitionIsNeverSent(t *testing.T) {
	for name, c := range map[string]struct{ row, schema, want string }{
		"a misspelt key":  {"{id: ours, provider: a, definition: {hots: x}}", schemaOfHosts, `3:42  sources: ours  definition.hots  unknown key; did you mean "host"?`},
		"takes none":      {"{id: ours, provider: a, definition: {host: x}}", "", "3:41  sources: ours  definition  provider a takes no definitions"},
		"names no one":    {"{id: ours, definition: {host: x}}", schemaOfHosts, "3:5  sources: ours  no installed provider offers this source; set provider to the one that its definition is for"},
		"not installed":   {"{id: ours, provider: z, definition: {host: x}}", schemaOfHosts, "3:5  sources: ours  provider z is not installed"},
		"known, misspelt": {"{id: known, definition: {host: 1}}", schemaOfHosts, "3:36  sources: known  definition.host  is a number, where text is expected"},
	} {
		for _, first := range []string{"a listing", "a session"} {
			d := offers("shipped.example", "known")
			h := &fakeHost{providers: map[string]*installed{"a": {cached: d, live: d, schema: c.schema}}}
			r := registry(t, h, rows(t, "  - "+c.row+"\n")...)
			asks := []string{first, "a listing", "a session"}
			for _, what := range asks {
				var err error
				if what == "a listing" {
					_, err = r.All(t.Context())
				} else {
					_, err = r.Find(t.Context(), strings.TrimSuffix(strings.Fields(c.row)[1], ","))
				}
				var p *problem.Problem
				if !errors.As(err, &p) || !strings.Contains(strings.Join(p.Facts(), "\n"), c.want) {
					t.Errorf("%s, %s after %s: %v %q, want %s", name, what, first, err, facts(err), c.want)
				}
			}
			for _, sent := range h.defined {
				if strings.Contains(sent, "{") {
					t.Errorf("%s: it was sent: %s", name, sent)
				}
			}
		}
	}
}

func facts(err error) []string {
	if p := (*problem.Problem)(nil); errors.As(err, &p) {
		return p.Facts()
	}
	return nil
}

func TestDefinitionThatTheProviderRefusesIsAProblemOfTheConfig(t *testing.T) {
	d := offers("shipped.example", "known")
	h := &fakeHost{providers: map[string]*installed{"a": {cached: d, live: d, schema: schemaOfHosts}}}
	r := registry(t, h, rows(t, "  - {id: known, definition: {host: x}}\n")...)
	h.providers["a"].refuses = &sdk.Error{Code: sdk.BadConfiguration, Message: "The host is no host.", Setting: "/host"}
	_, err := r.All(t.Context())
	if problem.CodeOf(err) != source.CodeInvalid || len(facts(err)) != 1 || !strings.HasSuffix(facts(err)[0], "3:36  sources: known  definition.host  The host is no host.") {
		t.Errorf("%v %q", err, facts(err))
	}
}

func TestSchemaThatCannotBeUsedIsTheProvidersFault(t *testing.T) {
	d := offers("shipped.example", "known", "other")
	h := &fakeHost{providers: map[string]*installed{"a": {cached: d, live: d, schema: `{"$ref": "https://evil.example"}`}}}
	r := registry(t, h, rows(t, "  - {id: known, definition: {host: x}}\n")...)
	_, err := r.Lookup(t.Context(), "known")
	if problem.CodeOf(err) != source.CodeSchema || !strings.Contains(err.Error(), "provider a declares a schema") {
		t.Errorf("%v", err)
	}
	if s := find(t, r.Find, "other"); s.Definition() != nil {
		t.Errorf("another source is %+v", s)
	}
}

// recorder notes the definitions of the requests that it gets.
type recorder struct{ got []string }

func (r *recorder) note(id string, d *sdk.Definition) {
	text := "none"
	if d != nil {
		text = fmt.Sprint(string(d.JSON), d.NewOnly)
	}
	r.got = append(r.got, id+" "+text)
}

func (r *recorder) Describe(context.Context) (*sdk.Description, error) {
	return &sdk.Description{}, nil
}

func (r *recorder) Connect(_ context.Context, req *sdk.ConnectRequest) (sdk.Step, error) {
	r.note(req.Source, req.Definition)
	return sdk.Connected{}, nil
}

func (r *recorder) Disconnect(_ context.Context, req *sdk.CredentialRequest) error {
	r.note(req.Source, req.Definition)
	return nil
}

func (r *recorder) Refresh(_ context.Context, req *sdk.CredentialRequest) (*sdk.Refreshed, error) {
	r.note(req.Source, req.Definition)
	return &sdk.Refreshed{}, nil
}

func (r *recorder) Check(_ context.Context, req *sdk.CredentialRequest) error {
	r.note(req.Source, req.Definition)
	return nil
}

func TestEachRequestHasTheDefinitionOfItsSourceAlone(t *testing.T) {
	d := offers("shipped.example", "known", "plain")
	rec := &recorder{}
	h := &fakeHost{provider: rec, providers: map[string]*installed{
		"a": {cached: d, live: d, schema: schemaOfHosts}, "b": {cached: offers("b.example"), live: offers("b.example")},
	}}
	r := registry(t, h, rows(t, `
  - {id: ours, provider: a, definition: {host: ours.example}}
  - {id: known, appliesTo: new, definition: {host: moved.example}}
`)...)
	calls := func(name string, ids ...string) (got []string) {
		rec.got = nil
		for _, id := range ids {
			p, err := r.Provider(t.Context(), name, id)
			if err != nil {
				t.Fatal(err)
			}
			req := &sdk.CredentialRequest{Source: id}
			_, err = p.Connect(t.Context(), &sdk.ConnectRequest{Source: id})
			_, refreshErr := p.(sdk.Refresher).Refresh(t.Context(), req)
			if err := errors.Join(err, refreshErr, p.Disconnect(t.Context(), req), p.(sdk.Checker).Check(t.Context(), req)); err != nil {
				t.Fatal(err)
			}
			if req.Definition != nil {
				t.Error("the caller's request was changed")
			}
		}
		for i, line := range rec.got {
			if i%4 == 0 {
				got = append(got, line)
			} else if line != got[len(got)-1] {
				t.Errorf("call %d has %s", i, line)
			}
		}
		return got
	}
	want := []string{`ours {"host":"ours.example"}false`, `known {"host":"moved.example"}true`, "plain none"}
	if diff := cmp.Diff(want, calls("a", "ours", "known", "plain")); diff != "" {
		t.Error(diff)
	}
	// The provider of a connection may not be that of its source any more.
	if diff := cmp.Diff([]string{"ours none", "known none"}, calls("b", "ours", "known")); diff != "" {
		t.Error(diff)
	}
}

func TestProviderIsNotAskedWithoutADefinitionThatThereIs(t *testing.T) {
	d := offers("shipped.example", "known")
	rec := &recorder{}
	h := &fakeHost{provider: rec, providers: map[string]*installed{"a": {cached: d, live: d, schema: schemaOfHosts, undefined: errors.New("it hangs")}}}
	r := registry(t, h, rows(t, "  - {id: known, definition: {host: moved.example}}\n")...)
	p, err := r.Provider(t.Context(), "a", "known")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.(sdk.Refresher).Refresh(t.Context(), &sdk.CredentialRequest{Source: "known"}); err == nil || len(rec.got) != 0 {
		t.Errorf("%v, and it got %q", err, rec.got)
	}
}

var _ provider.Host = (*fakeHost)(nil)
