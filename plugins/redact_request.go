package plugins

import (
	"regexp"
	"slices"
	"sync"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// secretParameter matches the names of parameters of an authorization response that are secret even if they look like words.
var secretParameter = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)token|secret|key|code|state|verifier|nonce|assertion`)
})

// openMember matches the names of members of a credential that are secret only if they look like it.
var openMember = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(type|scopes?|ur[il]|host|server|endpoint|issuer|iss|source|variant|region|domain|user|name|` +
		`email|label|account|id|sub|at|kind|version|method)$`)
})

// openParameters are those of an authorization response that say what happened, and are no secret (RFC 6749 section 4.1.2.1,
// RFC 9207 section 2).
var openParameters = []string{"error", "error_description", "error_uri", "iss", "scope"}

// addConnect keeps what a request for a step holds; what the provider chose itself comes first.
func (r *redactor) addConnect(req *sdk.ConnectRequest) {
	r.addResume(req.Resume)
	if req.Expected != nil {
		r.addAccount(*req.Expected)
	}
	switch reply := req.Reply.(type) {
	case sdk.FormValues:
		for id, v := range reply.Values {
			r.addValue(r.kindOf(req, id), v.Reveal())
		}
	case sdk.Callback:
		for _, p := range reply.Parameters {
			r.addParameter(p)
		}
	}
	r.add(req.OAuthState)
	r.addSettings(req.Settings)
}

// addValue keeps the value of a form field.
func (r *redactor) addValue(kind sdk.Kind, value string) {
	switch kind {
	case sdk.KindChoice:
	case sdk.KindText:
		r.addPrivate(value)
	case sdk.KindURL:
		r.addTokens(value) // a password or a token in it
		r.addPrivate(value)
	default:
		r.add(value)
	}
}

// addParameter keeps a parameter of an authorization response.
func (r *redactor) addParameter(p sdk.Parameter) {
	switch {
	case slices.Contains(openParameters, p.Name):
	case secretParameter().MatchString(p.Name):
		r.add(p.Value)
	case isPlain(p.Value):
		r.addPrivate(p.Value)
	default:
		r.addTokens(p.Value)
	}
}

// addResume keeps what is secret in the bytes that a provider wants to see again: the verifier of PKCE, a device code. Most of
// the rest is words and addresses.
func (r *redactor) addResume(resume []byte) {
	text := string(resume)
	if !isPlain(text) {
		r.keep(token, text)
	}
	members := membersOf(text)
	if len(members) == 0 {
		r.addTokens(text)
	}
	for _, m := range members {
		r.addTokens(m.value)
	}
}

// addStep keeps what a step holds, and which fields its form has.
func (r *redactor) addStep(req *sdk.ConnectRequest, step sdk.Step) {
	r.addResume(host.ResumeOf(step))
	switch s := step.(type) {
	case sdk.Form:
		r.learnForm(req, s.Fields)
	case sdk.Connected:
		r.addAccount(s.Account)
		r.add(s.Credential.Data.Reveal())
	}
}

// addCredentialRequest keeps what a request about a credential holds.
func (r *redactor) addCredentialRequest(req *sdk.CredentialRequest) {
	r.add(req.Credential.Data.Reveal())
	r.addAccount(req.Account)
	r.addSettings(req.Settings)
}

// addAccount keeps an account: it is health data, and must not be logged, but a sentence may name it to its owner.
func (r *redactor) addAccount(a sdk.Account) {
	r.keep(private, a.ID)
	r.keep(private, a.Label)
}

func (r *redactor) addSettings(s sdk.Settings) {
	for _, v := range s.Values {
		r.learnWords(v)
	}
	for _, v := range s.Secrets {
		r.add(v.Reveal())
	}
}

// maxForms is of how many attempts the last form is remembered.
const maxForms = 256

// forms says of which kinds the fields of forms are.
type forms struct {
	// declared has the fields of descriptions, by source, and last those of the last form, by attempt.
	declared, last map[string]map[string]sdk.Kind
}

// kindOf is the kind of a field of the form that a request answers. A field that nothing says to be open is secret.
func (r *redactor) kindOf(req *sdk.ConnectRequest, id string) sdk.Kind {
	r.mu.Lock()
	defer r.mu.Unlock()
	declared, last := r.forms.declared[req.Source][id], r.forms.last[req.AttemptID][id]
	switch {
	case last == "" || declared == sdk.KindSecret || declared == sdk.KindOTP:
		return declared
	}
	return last
}

// learnForm remembers the fields of the form that an attempt was asked last. A kind that is forgotten is secret.
func (r *redactor) learnForm(req *sdk.ConnectRequest, fields []sdk.Field) {
	r.learnFields(fields)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.forms.last == nil || len(r.forms.last) >= maxForms {
		r.forms.last = map[string]map[string]sdk.Kind{}
	}
	r.forms.last[req.AttemptID] = kindsOf(fields)
}

// learn remembers what a description tells: which words are the provider's own, and which fields its forms have.
func (r *redactor) learn(d *sdk.Description) {
	r.learnWords(d.Name)
	r.learnFields(d.Settings)
	for _, s := range d.Sources {
		r.learnWords(s.ID, s.Name, s.Group, s.RedirectURIs, s.DocumentationURL, s.Programme.Text)
		r.learnWords(s.Hosts...)
		r.learnWords(s.Scopes...)
		r.learnWords(s.Notes...)
		r.learnFields(s.Fields)
		r.learnFields(s.Settings)
		r.mu.Lock()
		if r.forms.declared == nil {
			r.forms.declared = map[string]map[string]sdk.Kind{}
		}
		r.forms.declared[s.ID] = kindsOf(s.Fields)
		r.mu.Unlock()
	}
}

func kindsOf(fields []sdk.Field) map[string]sdk.Kind {
	kinds := make(map[string]sdk.Kind, len(fields))
	for _, f := range fields {
		kinds[f.ID] = f.Kind
	}
	return kinds
}

func (r *redactor) learnFields(fields []sdk.Field) {
	for _, f := range fields {
		r.learnWords(f.ID, f.Label, f.Help)
		for _, c := range f.Choices {
			r.learnWords(c.Value, c.Label)
		}
	}
}

// learnWords adds to the words of the provider's own.
func (r *redactor) learnWords(texts ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.vocabulary.add(texts) {
		return
	}
	for i, k := range r.known {
		r.known[i].word = r.vocabulary.has(k.text)
	}
	r.inLines, r.inSentences = nil, nil
}
