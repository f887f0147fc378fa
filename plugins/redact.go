package plugins

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

const (
	// maxSecrets and maxSecretBytes limit the secrets kept for one provider; the oldest is dropped first.
	maxSecrets     = 1024
	maxSecretBytes = 256 << 10
	// maxSecret is how much of one is kept: no line that is searched is longer.
	maxSecret = lineBuffer
	// minSecret is the length in bytes from which a secret is replaced wherever it occurs. Shorter ones, such as a "1", are
	// left: replacing them would only make the text unreadable.
	minSecret = 4
	removed   = "[secret]"
)

// redactor removes the secrets that a provider received in this run from what it writes. Safe for concurrent use.
type redactor struct {
	mu      sync.Mutex
	secrets []string
	size    int
	// finder finds the secrets; nil if one has been added since it was made.
	finder *finder
}

// add keeps secrets, each also line by line, and the strings of one that is JSON. What is added last is dropped last.
func (r *redactor) add(values ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, value := range values {
		for _, part := range partsOf(value) {
			part = part[:min(len(part), maxSecret)]
			if len(part) < minSecret {
				continue
			}
			if at := slices.Index(r.secrets, part); at >= 0 {
				r.secrets = append(slices.Delete(r.secrets, at, at+1), part)
				continue
			}
			r.secrets = append(r.secrets, part)
			r.size += len(part)
			r.finder = nil
		}
	}
	r.forget()
}

func (r *redactor) forget() {
	first := 0
	for len(r.secrets)-first > maxSecrets || r.size > maxSecretBytes {
		r.size -= len(r.secrets[first])
		first++
	}
	r.secrets = slices.Delete(r.secrets, 0, first)
}

// partsOf lists the value and what of it a log line may hold alone.
func partsOf(value string) []string {
	parts := []string{value}
	if strings.Contains(value, "\n") {
		for line := range strings.Lines(value) {
			parts = append(parts, strings.TrimSpace(line))
		}
	}
	var decoded any
	if strings.HasPrefix(value, "{") && json.Unmarshal([]byte(value), &decoded) == nil {
		parts = appendStrings(parts, decoded)
	}
	return parts
}

// appendStrings adds the strings in a JSON value. Short ones are left: they may be words such as "Bearer".
func appendStrings(parts []string, value any) []string {
	switch v := value.(type) {
	case string:
		if len(v) > len("Bearer") {
			parts = append(parts, v)
		}
	case []any:
		for _, e := range v {
			parts = appendStrings(parts, e)
		}
	case map[string]any:
		for _, e := range v {
			parts = appendStrings(parts, e)
		}
	}
	return parts
}

// clear returns the text without the secrets, in whatever common spelling.
func (r *redactor) clear(text string) string {
	r.mu.Lock()
	if r.finder == nil {
		r.finder = newFinder(r.secrets)
	}
	finder := r.finder
	r.mu.Unlock()
	return finder.remove(text)
}

// shown is text of a provider without secrets, safe to show on one line. It is cleared twice: a secret may contain what
// cleaning removes, and cleaning may join one that was written in pieces.
func (r *redactor) shown(text string, limit int) string {
	return clean(r.clear(clean(r.clear(text), limit)), limit)
}

// addConnect keeps the secrets in a request for a step; those that the provider chose itself come first.
func (r *redactor) addConnect(req *sdk.ConnectRequest) {
	r.add(string(req.Resume), req.OAuthState)
	if req.Expected != nil {
		r.add(req.Expected.ID, req.Expected.Label)
	}
	switch reply := req.Reply.(type) {
	case sdk.FormValues:
		for _, v := range reply.Values {
			r.add(v.Reveal())
		}
	case sdk.Callback:
		for _, p := range reply.Parameters {
			r.add(p.Value)
		}
	}
	r.addSettings(req.Settings)
}

// addStep keeps the secrets in a step.
func (r *redactor) addStep(step sdk.Step) {
	r.add(string(host.ResumeOf(step)))
	if c, ok := step.(sdk.Connected); ok {
		r.add(c.Credential.Data.Reveal(), c.Account.ID, c.Account.Label)
	}
}

// addCredentialRequest keeps the secrets in a request about a credential.
func (r *redactor) addCredentialRequest(req *sdk.CredentialRequest) {
	r.add(req.Credential.Data.Reveal(), req.Account.ID, req.Account.Label)
	r.addSettings(req.Settings)
}

func (r *redactor) addSettings(s sdk.Settings) {
	for _, v := range s.Secrets {
		r.add(v.Reveal())
	}
}
