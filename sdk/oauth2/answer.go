package oauth2

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/oauth2"

	"github.com/humanconnect/humanconnect/sdk"
)

// tokenTransport is the transport of requests for tokens. Real servers bend RFC 6749 §5.1, and the library refuses a whole
// answer for one member of it; by then the code is spent. So each answer is straightened before the library reads it.
type tokenTransport struct {
	source   *Source
	purpose  Purpose
	settings sdk.Settings
	endpoint Endpoint
	// last is the last answer, where it could be read.
	last json.RawMessage
}

// in makes the library send its requests this way, with our limits.
func (a *tokenTransport) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, a.client())
}

func (a *tokenTransport) client() *http.Client {
	client := a.source.limited()
	client.Transport = a
	return client
}

// RoundTrip implements [http.RoundTripper].
func (a *tokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r, form, err := a.adapted(r)
	if err != nil {
		return nil, err
	}
	resp, err := transport{by: a.source.Transport}.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	switch {
	case errors.Is(err, errTooLong): // the source's mistake, and no failure to reach it
		resp.Body = io.NopCloser(failing{err})
		return resp, nil
	case err != nil:
		return nil, err
	}
	got := &Answer{Purpose: a.purpose, Status: resp.StatusCode, Header: resp.Header, Body: withoutMark(body)}
	got.Members, _ = membersOf(got.Body, resp.Header.Get("Content-Type"))
	sent := values(form, r.URL.Query())
	if err := a.source.readAs(got, sent); err != nil {
		return nil, err
	}
	plain, ok := straighten(got.Members, sent)
	if ok {
		a.last = plain
	}
	resp.StatusCode = got.Status
	resp.Header.Set("Content-Type", "application/json")
	resp.Body = io.NopCloser(bytes.NewReader(plain)) // nothing, where it could not be read
	return resp, nil
}

// values are those of parameters that were sent.
func values(sets ...url.Values) (sent []string) {
	for _, set := range sets {
		for _, of := range set {
			sent = append(sent, of...)
		}
	}
	return sent
}

// withoutMark takes the byte order mark away that some servers begin with, which RFC 8259 §8.1 lets a reader ignore.
func withoutMark(body []byte) []byte { return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")) }

// failing is a body that cannot be read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// straighten makes a JSON object of the members of an answer: a whole number in expires_in or none, and in error a code
// or nothing.
func straighten(members map[string]json.RawMessage, sent []string) (json.RawMessage, bool) {
	if members == nil {
		return nil, false
	}
	members = maps.Clone(members)
	if raw, is := members["expires_in"]; is {
		delete(members, "expires_in")
		if n := wholeSeconds(raw); n > 0 {
			members["expires_in"] = json.RawMessage(strconv.FormatInt(n, 10))
		}
	}
	if _, is := members["error"]; is {
		members["error"], _ = json.Marshal(cleanCode(errorOf(members), sent)) // a string
		delete(members, "error_description")                                  // it may quote a token, and be of any type
		delete(members, "error_uri")
	}
	plain, err := json.Marshal(members)
	return plain, err == nil
}

// membersOf reads an answer that is JSON, or the form that some servers send in its place.
func membersOf(body []byte, contentType string) (map[string]json.RawMessage, bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) == nil && members != nil {
		if !unambiguous(body, envelopes) {
			return nil, false
		}
		return members, true
	}
	kind, _, _ := mime.ParseMediaType(contentType)
	form, err := url.ParseQuery(string(body))
	if kind != "application/x-www-form-urlencoded" && kind != "text/plain" || err != nil {
		return nil, false
	}
	members = make(map[string]json.RawMessage)
	for name := range form {
		members[name], _ = json.Marshal(form.Get(name)) // a string
	}
	return members, true
}

// envelopes is how deep an answer is searched for names that are there twice: deeper than any envelope of tokens.
const envelopes = 4

// unambiguous says whether no object of a JSON object has one name twice with different values: of two access tokens it
// is not known which is meant.
func unambiguous(object []byte, depth int) bool {
	var last map[string]json.RawMessage
	_ = json.Unmarshal(object, &last) // read before
	decoder := json.NewDecoder(bytes.NewReader(object))
	_, _ = decoder.Token() // the brace
	for decoder.More() {
		name, _ := decoder.Token() // valid JSON: read before
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			return false
		}
		text, _ := name.(string)
		if !bytes.Equal(value, last[text]) {
			return false
		}
		if depth > 1 && bytes.HasPrefix(value, []byte("{")) && !unambiguous(value, depth-1) {
			return false
		}
	}
	return true
}

// wholeSeconds reads a number of seconds that may be a fraction, a string, or too large; 0 where it is none.
func wholeSeconds(raw json.RawMessage) int64 {
	text := string(raw)
	if quoted := ""; json.Unmarshal(raw, &quoted) == nil {
		text = quoted
	}
	n, _ := strconv.ParseFloat(strings.TrimSpace(text), 64) // 0 for no number, infinite for one out of range
	if !(n > 0) {                                           // NaN too
		return 0
	}
	return int64(max(1, min(n, math.MaxInt32)))
}

// grantedScopes reads the scopes of an answer: a list, or a string with blanks (RFC 6749 §3.3) or commas between them.
// A scope may have a comma in itself; one that was asked for so is not cut. Where the answer does not say, the scopes
// are those that were asked for (RFC 6749 §5.1).
func grantedScopes(said any, asked []string) []string {
	var fields []string
	switch said := said.(type) {
	case string:
		fields = strings.Fields(said)
	case []any:
		for _, one := range said {
			text, _ := one.(string)
			fields = append(fields, strings.Fields(text)...)
		}
	}
	var scopes []string
	for _, field := range fields {
		if slices.Contains(asked, field) {
			scopes = append(scopes, field)
			continue
		}
		scopes = append(scopes, strings.FieldsFunc(field, func(r rune) bool { return r == ',' })...)
	}
	if len(scopes) == 0 {
		return slices.Clone(asked)
	}
	return scopes
}
