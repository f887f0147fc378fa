package session_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// The sources of a place. All but gamma can revoke.
const (
	alpha = "alpha"
	beta  = "beta"
	gamma = "gamma"
)

// play is how a source behaves in one attempt. The fake provider keeps it in resume, so that its steps are a pure
// function of their request, as they should be.
type play struct {
	// Forms to show, then polls to ask for, then the end.
	Forms int
	Polls int
	// Code shows a code in place of each wait.
	Code bool `json:",omitempty"`
	// Expires is how long a code or a wait stands; 0 means for ever.
	Expires time.Duration `json:",omitempty"`
	// PollAfter is how soon a code may be asked for again; 0 means 5 s.
	PollAfter time.Duration `json:",omitempty"`
	// Browser sends the person to a URL before all else; Twice a second time after that; Stands is how long it stands, 0
	// for ever.
	Browser bool          `json:",omitempty"`
	Twice   bool          `json:",omitempty"`
	Stands  time.Duration `json:",omitempty"`
	// Home is the address that the person is sent to after the forms, whose field home asks for it.
	Home string `json:",omitempty"`
	// Account that signs in; "" for a source that cannot tell accounts apart.
	Account string
	// Error is the code that the end gives in place of a connection; Retry goes with it.
	Error string `json:",omitempty"`
	// Wrong is how many replies to the first form are refused.
	Wrong int `json:",omitempty"`
	// Crashes is how often the provider dies at the call number CrashAt, counted from 0.
	Crashes, CrashAt int
	// GaveUp says with the crash that the provider is not started any more.
	GaveUp bool `json:",omitempty"`
	// HangAt is the call that hangs until its context ends; -1 or 0 with Hangs unset for none.
	Hangs  bool `json:",omitempty"`
	HangAt int  `json:",omitempty"`
	// Hold names a gate at which the last call waits, its grant already made.
	Hold string `json:",omitempty"`
	// Once makes the source grant an attempt once; whoever asks again is to wait.
	Once bool `json:",omitempty"`
	// Pause names a gate at which the first call waits, whatever becomes of its context.
	Pause string `json:",omitempty"`
	// Big is the size of resume to ask for, over the play itself.
	Big int `json:",omitempty"`
}

// memory is what the fake provider gets back with resume.
type memory struct {
	Play play
	Call int
	Pad  string `json:",omitempty"`
}

// grant is what a source gave out.
type grant struct {
	id      string
	source  string
	account string
	user    id.Human
	by      *FrontEnd
	// revoked: the source was told to revoke it, and did.
	revoked bool
	// kept: it was committed, with a connection or for its revocation.
	kept bool
	// connection whose credential it was last seen to be.
	connection id.Connection
}

// waitLimit bounds every wait of a test.
const waitLimit = 30 * time.Second

// place is the world outside: the sources with the accounts and grants that they know.
type place struct {
	w *World

	mu      sync.Mutex
	plays   map[string]play // of the next attempts, by source
	calls   map[string]int  // by attempt and call
	crashed map[string]int
	grants  map[string]*grant
	order   []string
	gates   map[string]chan struct{}
	arrived chan *FrontEnd    // at a gate
	revoke  map[string]string // code that revoking ends with, by source
	revokes []string          // grants that were asked to be revoked, in order
	stalls  map[string]string // gate at which the next call to revoke waits, by source
	stalled stalled           // the last one that waited
	gone    map[string]bool   // sources that no provider offers any more
	held    int               // calls at this moment
	most    int               // calls at once, at most
	asked   []call
	broken  error // of the settings
	// stuck: the settings are read until the context ends. found is called when a source is looked up.
	stuck bool
	found func()
	// provider reaches all sources, and no other one gets a setting; given are those of the revocations.
	provider string
	given    []sdk.Settings
	counted  map[id.Revocation]bool
}

// call is one call of Connect.
type call struct {
	attempt string
	source  string
	reply   sdk.Reply
	expects *sdk.Account
}

func newPlace(w *World) *place {
	return &place{
		w: w, plays: make(map[string]play), calls: make(map[string]int), crashed: make(map[string]int),
		grants: make(map[string]*grant), gates: make(map[string]chan struct{}), arrived: make(chan *FrontEnd, 100), revoke: make(map[string]string), stalls: make(map[string]string),
		gone: make(map[string]bool), provider: "fake", counted: make(map[id.Revocation]bool),
	}
}

// next says how the following attempts of a source go.
func (p *place) next(source string, how play) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plays[source] = how
}

// atOnce makes the next attempts ask for no polls, for a script waits between them, and nobody moves the clock.
func (p *place) atOnce() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for source, how := range p.plays {
		how.Polls = 0
		p.plays[source] = how
	}
}

// gate returns the gate of a name at which this process waits.
func (fe *FrontEnd) gate(name string) chan struct{} {
	p := fe.w.place
	p.mu.Lock()
	defer p.mu.Unlock()
	key := name + "@" + string(fe.pid)
	if p.gates[key] == nil {
		p.gates[key] = make(chan struct{})
	}
	return p.gates[key]
}

// lift opens a gate of this process for good.
func (fe *FrontEnd) lift(name string) {
	g := fe.gate(name)
	select {
	case <-g:
	default:
		close(g)
	}
}

// arrive waits until a call of this process stands at a gate.
func (fe *FrontEnd) arrive() {
	fe.w.t.Helper()
	select {
	case <-fe.w.place.arrived:
	case <-time.After(waitLimit):
		fe.w.t.Fatalf("nobody came to the gate")
	}
}

// Find implements session.Sources.
func (p *place) Find(_ context.Context, name string) (source.Source, error) {
	p.mu.Lock()
	found := p.found
	p.mu.Unlock()
	if found != nil {
		found()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if (name != alpha && name != beta && name != gamma) || p.gone[name] {
		return source.Source{}, problem.New("source_unknown", "no source %s", name)
	}
	var can []sdk.Capability
	if name != gamma {
		can = []sdk.Capability{sdk.CapabilityRevoke}
	}
	src := sourceOf(name, can)
	src.Provider = p.provider
	return src, nil
}

// Settings implements session.Sources.
func (p *place) Settings(ctx context.Context, _, provider string) (sdk.Settings, error) {
	p.mu.Lock()
	stuck := p.stuck
	p.mu.Unlock()
	if stuck {
		p.arrived <- nil
		<-ctx.Done()
		return sdk.Settings{}, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if provider != p.provider {
		return sdk.Settings{}, nil
	}
	return sdk.Settings{Secrets: map[string]sdk.Secret{"client_secret": sdk.Secret("of " + provider)}}, p.broken
}

// providers is the place as one process reaches it.
type providers struct {
	place *place
	fe    *FrontEnd
}

// Provider implements provider.Starter.
func (p *providers) Provider(context.Context, string, string) (sdk.Provider, error) {
	if p.fe.dead() {
		return nil, errDead
	}
	return p, nil
}

// Describe implements sdk.Provider.
func (p *providers) Describe(context.Context) (*sdk.Description, error) {
	return &sdk.Description{Name: "fake"}, nil
}

// crashError is what a host says of a provider that died, once too often if it gave up.
type crashError struct{ gaveUp bool }

func (crashError) Error() string               { return "the provider crashed" }
func (c crashError) Crashed() bool             { return !c.gaveUp }
func (c crashError) FailureCode() problem.Code { return "provider_crashed" }

// Connect implements sdk.Provider.
func (p *providers) Connect(ctx context.Context, r *sdk.ConnectRequest) (sdk.Step, error) {
	if p.fe.dead() {
		return nil, errDead
	}
	m, err := p.place.begin(r)
	defer p.place.end()
	if err != nil {
		return nil, err
	}
	if p.place.crash(r.AttemptID, m) {
		return nil, crashError{m.Play.GaveUp}
	}
	if m.Play.Pause != "" && m.Call == 0 {
		gate := p.fe.gate(m.Play.Pause)
		p.place.arrived <- p.fe
		<-gate
	}
	if m.Play.Hangs && m.Play.HangAt == m.Call {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return p.step(r, m)
}

// begin notes a call and reads what the source has in mind.
func (p *place) begin(r *sdk.ConnectRequest) (memory, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held++
	p.most = max(p.most, p.held)
	p.asked = append(p.asked, call{r.AttemptID, r.Source, r.Reply, r.Expected})
	if _, ok := r.Reply.(sdk.Start); ok {
		return memory{Play: p.plays[r.Source]}, nil
	}
	var m memory
	if err := json.Unmarshal(r.Resume, &m); err != nil {
		return m, &sdk.Error{Code: sdk.SourceError, Message: "resume is not what was given"}
	}
	m.Call++
	return m, nil
}

// granted says whether anything was ever given out.
func (p *place) granted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.grants) > 0
}

func (p *place) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held--
}

func (p *place) crash(attempt string, m memory) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := fmt.Sprint(attempt, m.Call)
	if m.Call != m.Play.CrashAt || p.crashed[key] >= m.Play.Crashes {
		return false
	}
	p.crashed[key]++
	return true
}

// step answers one call: browser, forms, polls, end.
func (p *providers) step(r *sdk.ConnectRequest, m memory) (sdk.Step, error) {
	if p.place.refuses(r, m) {
		return nil, &sdk.Error{Code: sdk.InvalidInput, Field: "user", Message: "nobody of that name"}
	}
	done := m.Call
	if m.Play.Browser {
		if done == 0 || done == 1 && m.Play.Twice {
			return m.leave(r.OAuthState, p.fe.w.clock.Now()), nil
		}
		done--
	}
	switch {
	case done < m.Play.Forms:
		return sdk.Form{Title: fmt.Sprint("Form ", done+1), Fields: formFields(m.Play), Resume: m.resume()}, nil
	case done == m.Play.Forms && m.Play.Home != "":
		return sdk.OpenURL{URL: m.Play.Home + "?state=" + r.OAuthState, Resume: m.resume()}, nil
	case done < m.Play.Forms+m.Play.Polls:
		return m.poll(p.fe.w.clock.Now()), nil
	case m.Play.Error != "":
		return nil, &sdk.Error{Code: sdk.Code(m.Play.Error), Message: "the source said " + m.Play.Error, RetryAfter: 30 * time.Second}
	}
	if m.Play.Once && p.place.again("grant of "+r.AttemptID) {
		return m.poll(p.fe.w.clock.Now()), nil
	}
	return p.grant(r, m), nil
}

// again says whether it was asked this before.
func (p *place) again(what string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls[what]++
	return p.calls[what] > 1
}

func (m memory) leave(state string, now time.Time) sdk.Step {
	var end time.Time
	if m.Play.Stands > 0 {
		end = now.Add(m.Play.Stands)
	}
	return sdk.OpenURL{URL: "https://source.example/authorize?state=" + state, ExpiresAt: end, Resume: m.resume()}
}

func formFields(p play) []sdk.Field {
	fields := []sdk.Field{{ID: "user", Required: true}}
	if p.Home != "" {
		fields = append(fields, sdk.Field{ID: "home", Kind: sdk.KindURL})
	}
	return fields
}

// refuses says whether the reply to the first form is wrong.
func (p *place) refuses(r *sdk.ConnectRequest, m memory) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, form := r.Reply.(sdk.FormValues); !form || m.Call != 1 {
		return false
	}
	p.calls[r.AttemptID]++
	return p.calls[r.AttemptID] <= m.Play.Wrong
}

func (m memory) resume() []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	for m.Pad == "" && m.Play.Big > 0 {
		m.Pad = string(make([]byte, m.Play.Big))
		return m.resume()
	}
	return b
}

func (m memory) poll(now time.Time) sdk.Step {
	var end time.Time
	if m.Play.Expires > 0 {
		end = now.Add(m.Play.Expires)
	}
	if m.Play.Code {
		return sdk.ShowCode{UserCode: "WDJB", VerificationURI: "https://source.example/device", PollAfter: cmp.Or(m.Play.PollAfter, 5*time.Second), ExpiresAt: end, Resume: m.resume()}
	}
	return sdk.Wait{Text: "a moment", ExpiresAt: end, Resume: m.resume()}
}

// grant gives access out, and waits at the gate before it tells.
func (p *providers) grant(r *sdk.ConnectRequest, m memory) sdk.Step {
	g := p.place.newGrant(p.fe, r, m.Play.Account)
	if m.Play.Hold != "" {
		p.wait(m.Play.Hold) // a provider that does not care whether it is told to stop
	}
	return sdk.Connected{
		Account:    sdk.Account{ID: m.Play.Account, Label: "label of " + m.Play.Account},
		Credential: sdk.Credential{Data: sdk.Secret(g.id), MediaType: "text/plain"},
		Scopes:     []string{"read"},
	}
}

func (p *place) newGrant(fe *FrontEnd, r *sdk.ConnectRequest, account string) *grant {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := &grant{
		id: fmt.Sprintf("grant-%d", len(p.order)+1), source: r.Source, account: account, user: fe.user, by: fe,
	}
	p.grants[g.id] = g
	p.order = append(p.order, g.id)
	return g
}

// sourceOf is a source as the catalogue has it.
func sourceOf(name string, can []sdk.Capability) source.Source {
	return source.Source{
		Provider: "fake",
		Source: sdk.Source{
			ID: name, Name: nameOf(name), Capabilities: can, Fields: []sdk.Field{{ID: "user"}},
			Hosts: []string{"source.example"}, Methods: []sdk.Method{sdk.MethodForm, sdk.MethodBrowser, sdk.MethodCode},
		},
	}
}

func nameOf(source string) string { return "The " + source }
