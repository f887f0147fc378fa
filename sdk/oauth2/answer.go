package oauth2

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/oauth2"
)

// answers is the transport of requests for tokens. Real servers bend RFC 6749 §5.1, and the library refuses a whole
// answer for one member of it; by then the code is spent. So each answer is straightened before the library reads it.
type answers struct {
	transport
	// last is the last answer, where it could be read.
	last json.RawMessage
}

// in makes the library send its requests this way, with our limits.
func (a *answers) in(ctx context.Context) context.Context {
	client := limited()
	client.Transport = a
	return context.WithValue(ctx, oauth2.HTTPClient, client)
}

// RoundTrip implements [http.RoundTripper].
func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := a.transport.RoundTrip(r)
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
	if plain, ok := straighten(body, resp.Header.Get("Content-Type")); ok {
		body, a.last = plain, plain
		resp.Header.Set("Content-Type", "application/json")
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// failing is a body that cannot be read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// straighten makes a JSON object of an answer, whatever the type that it is sent as, with a whole number in expires_in
// or none.
func straighten(body []byte, contentType string) (json.RawMessage, bool) {
	members, ok := membersOf(body, contentType)
	if !ok {
		return nil, false
	}
	if raw, sent := members["expires_in"]; sent {
		delete(members, "expires_in")
		if n := wholeSeconds(raw); n > 0 {
			members["expires_in"] = json.RawMessage(strconv.FormatInt(n, 10))
		}
	}
	plain, err := json.Marshal(members)
	return plain, err == nil
}

// membersOf reads an answer that is JSON, or the form that some servers send in its place.
func membersOf(body []byte, contentType string) (map[string]json.RawMessage, bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) == nil && members != nil {
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
