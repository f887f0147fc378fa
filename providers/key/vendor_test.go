package main

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"
)

// A vendor is a source as its file in the catalogue describes it, with one account. It reads the file itself, as plain maps,
// and shares no code with the provider. Whatever it is sent that is not as it should be is a problem of the test.

// accountNumber is an id that no float can hold.
const accountNumber = "9007199254740993"

type vendor struct {
	*httptest.Server
	// kind is one of the credentials of the file, and typed what a person types for it.
	kind  map[string]any
	typed map[string]string

	mu       sync.Mutex
	problems []string
	// known: the credential is one that the vendor knows.
	known, asked bool
	// recorded is the answer to the check, in place of the vendor's own.
	recorded *recorded
}

// recorded is an answer of a real source.
type recorded struct {
	Status      int    `yaml:"status"`
	ContentType string `yaml:"content_type"`
	Body        string `yaml:"body"`
}

// fileOf reads a file of the catalogue, or of a test.
func fileOf(t *testing.T, path string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := yaml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return file
}

// kindsOf are the kinds of credentials of a file.
func kindsOf(file map[string]any) (kinds []map[string]any) {
	list, _ := file["credentials"].([]any)
	for _, kind := range list {
		kinds = append(kinds, kind.(map[string]any))
	}
	return kinds
}

// typedFor are what a person types for a kind of credential.
func typedFor(file, kind map[string]any) map[string]string {
	typed := make(map[string]string)
	needs, _ := kind["needs"].([]any)
	for _, need := range needs {
		for _, in := range file["inputs"].([]any) {
			input := in.(map[string]any)
			if input["id"] != need {
				continue
			}
			switch input["kind"] {
			case "url":
				typed[need.(string)] = "https://site.example.org/below"
			case "choice":
				typed[need.(string)] = input["choices"].([]any)[0].(map[string]any)["value"].(string)
			case "secret":
				typed[need.(string)] = "reader-0123456789abcdef"
			default:
				typed[need.(string)] = "ada"
			}
		}
	}
	return typed
}

func newVendor(t *testing.T, file, kind map[string]any) *vendor {
	t.Helper()
	v := &vendor{kind: kind, typed: typedFor(file, kind), known: true}
	v.Server = httptest.NewServer(v)
	t.Cleanup(v.Close)
	return v
}

func (v *vendor) wrong(format string, args ...any) {
	v.problems = append(v.problems, fmt.Sprintf(format, args...))
}

var hole = regexp.MustCompile(`\{([a-z0-9_]+)(\|[a-z0-9]+)?\}`)

// filled puts what was typed in the place of placeholders.
func (v *vendor) filled(template any) string {
	return hole.ReplaceAllStringFunc(fmt.Sprint(template), func(s string) string {
		name, by, _ := strings.Cut(strings.Trim(s, "{}"), "|")
		value := v.typed[name]
		switch by {
		case "sha1":
			sum := sha1.Sum([]byte(value))
			return hex.EncodeToString(sum[:])
		case "sha256":
			sum := sha256.Sum256([]byte(value))
			return hex.EncodeToString(sum[:])
		case "base64":
			return base64.StdEncoding.EncodeToString([]byte(value))
		}
		return value
	})
}

func at2(value any, keys ...string) any {
	for _, key := range keys {
		inner, _ := value.(map[string]any)
		value = inner[key]
	}
	return value
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	call, revokes := at2(v.kind, "check"), false
	if !v.is(r, call) {
		call, revokes = at2(v.kind, "revocation"), true
	}
	if call == nil || !v.is(r, call) {
		v.wrong("there is no %s %s", r.Method, r.URL.Path)
		w.WriteHeader(http.StatusTeapot)
		return
	}
	v.asked = true
	v.compare(r, call, body)
	switch {
	case v.recorded != nil:
		w.Header().Set("Content-Type", v.recorded.ContentType)
		w.WriteHeader(v.recorded.Status)
		_, _ = io.WriteString(w, v.recorded.Body)
	case !v.known:
		w.WriteHeader(http.StatusUnauthorized)
	case revokes:
		v.known = false
		w.WriteHeader(http.StatusNoContent)
	default:
		_ = json.NewEncoder(w).Encode(v.answer())
	}
}

// is says whether a request is for the address of a call. The first segment of its path is the host.
func (v *vendor) is(r *http.Request, call any) bool {
	method := "GET"
	if m, ok := at2(call, "method").(string); ok {
		method = m
	}
	u, err := url.Parse(v.filled(at2(call, "url")))
	return err == nil && r.Method == method && r.URL.Path == "/"+u.Host+u.Path
}

// compare sees that a request has the credential where the file says so, and nowhere else.
func (v *vendor) compare(r *http.Request, call any, body []byte) {
	if agent := r.UserAgent(); !strings.HasPrefix(agent, "humanconnect-provider-key/") {
		v.wrong("the User-Agent is %q", agent)
	}
	headers := map[string]string{"Accept": "application/json"}
	query := make(map[string]string)
	for _, of := range []any{call, at2(v.kind, "send")} {
		named, _ := at2(of, "headers").(map[string]any)
		for name, template := range named {
			headers[http.CanonicalHeaderKey(name)] = v.filled(template)
		}
		named, _ = at2(of, "query").(map[string]any)
		for name, template := range named {
			query[name] = v.filled(template)
		}
	}
	if token := at2(v.kind, "send", "bearer"); token != nil {
		headers["Authorization"] = "Bearer " + v.filled(token)
	}
	if basic := at2(v.kind, "send", "basic"); basic != nil {
		pair := v.filled(at2(basic, "username")) + ":" + v.filled(at2(basic, "password"))
		headers["Authorization"] = "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
	}
	sent := make(map[string]string)
	for name := range r.Header {
		if name != "User-Agent" && name != "Accept-Encoding" && name != "Content-Length" && name != "Content-Type" && name != "Connection" {
			sent[name] = r.Header.Get(name)
		}
	}
	if !maps.Equal(sent, headers) {
		v.wrong("the headers are %q, want %q", sent, headers)
	}
	sent = make(map[string]string)
	for name := range r.URL.Query() {
		sent[name] = r.URL.Query().Get(name)
	}
	if !maps.Equal(sent, query) {
		v.wrong("the query is %q, want %q", sent, query)
	}
	v.compareBody(call, body)
}

func (v *vendor) compareBody(call any, body []byte) {
	sent := make(map[string]string)
	want := make(map[string]string)
	named, isJSON := at2(call, "json").(map[string]any)
	if isJSON {
		if json.Unmarshal(body, &sent) != nil {
			v.wrong("the body is %q", body)
		}
	} else {
		named, _ = at2(call, "form").(map[string]any)
		values, err := url.ParseQuery(string(body))
		if err != nil {
			v.wrong("the body is %q", body)
		}
		for name := range values {
			sent[name] = values.Get(name)
		}
	}
	for name, template := range named {
		want[name] = v.filled(template)
	}
	if !maps.Equal(sent, want) {
		v.wrong("the body has %q, want %q", sent, want)
	}
}

// answer is one of success: with an account and a name where the file says that they are, and what the file calls success.
func (v *vendor) answer() map[string]any {
	out := map[string]any{"more": []any{true}}
	if at2(v.kind, "account", "from") == "answer" {
		set(out, fmt.Sprint(at2(v.kind, "account", "id")), json.Number(accountNumber))
	}
	if labels, ok := at2(v.kind, "account", "label").([]any); ok {
		for _, m := range hole2.FindAllStringSubmatch(fmt.Sprint(labels[0]), -1) {
			if at2(out, strings.Split(m[1], ".")...) == nil {
				set(out, m[1], "Ada Lovelace")
			}
		}
	}
	if success, ok := at2(v.kind, "check", "success").([]any); ok {
		for path, value := range success[0].(map[string]any) {
			set(out, path, value)
		}
	}
	return out
}

var hole2 = regexp.MustCompile(`\{([^{}]+)\}`)

func set(into map[string]any, path string, value any) {
	name, rest, more := strings.Cut(path, ".")
	if !more {
		into[name] = value
		return
	}
	inner, ok := into[name].(map[string]any)
	if !ok {
		inner = make(map[string]any)
		into[name] = inner
	}
	set(inner, rest, value)
}
