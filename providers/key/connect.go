package main

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/humanconnect/humanconnect/providers/internal/endpoint"
	"github.com/humanconnect/humanconnect/providers/key/catalog"
	"github.com/humanconnect/humanconnect/sdk"
)

// asked is what a form leaves to be resumed with: that it was shown.
const asked = "asked"

// Connect implements [sdk.Provider]. It takes one step:
//
//	start ─▶ form, where the source has inputs that no setting has ─▶ the call that checks them ─▶ connected
func (p *provider) Connect(ctx context.Context, req *sdk.ConnectRequest) (sdk.Step, error) {
	s, err := p.source(req.Source)
	if err != nil {
		return nil, err
	}
	if s.Programme.Retired() {
		return nil, &sdk.Error{Code: sdk.NotSupported, Message: s.Programme.Text}
	}
	operator, err := p.operator(s, req.Settings)
	if err != nil {
		return nil, err
	}
	values := maps.Clone(operator.values)
	switch reply := req.Reply.(type) {
	case sdk.Start:
		if s.Chosen(values) == nil || len(operator.required(s)) > 0 {
			return sdk.Form{Title: s.Name, Fields: catalog.FieldsOf(operator.missing(s)), Resume: []byte(asked)}, nil
		}
	case sdk.FormValues:
		if string(req.Resume) != asked {
			return nil, errStray()
		}
		if err := operator.take(s, values, reply.Values); err != nil {
			return nil, err
		}
	default:
		return nil, errStray()
	}
	c, err := p.bind(s, values, operator)
	if err != nil {
		return nil, err
	}
	account, err := c.check(ctx, catalog.AtConnect)
	if err != nil {
		return nil, err
	}
	return sdk.Connected{Account: account, Credential: c.credential()}, nil
}

// errStray is a reply that does not belong to the last step.
func errStray() error {
	return &sdk.Error{Code: sdk.SourceError, Message: "The reply does not match the last step."}
}

// operator is what the settings say.
type operator struct {
	// values of inputs.
	values map[string]string
	// allowed are the hosts that people may name; own has those that the operator names beside them.
	allowed, own endpoint.Allowed
	// base is the test server, or nil.
	base *url.URL
}

// operator reads the settings.
func (p *provider) operator(s *catalog.Source, settings sdk.Settings) (*operator, error) {
	o := &operator{values: make(map[string]string)}
	wrong := func(setting string, err error) error {
		return &sdk.Error{Code: sdk.BadConfiguration, Message: "The setting is not valid: " + err.Error() + ".", Setting: setting}
	}
	var err error
	if o.allowed, err = endpoint.ReadAllowed(settings.Values[endpoint.SettingAllowedHosts]); err != nil {
		return nil, wrong(endpoint.SettingAllowedHosts, err)
	}
	if text := settings.Values[endpoint.SettingTestServer]; text != "" {
		if o.base, err = endpoint.TestServer(text); err != nil {
			return nil, wrong(endpoint.SettingTestServer, err)
		}
	}
	o.own = o.allowed
	for _, in := range s.Inputs {
		text := settings.Values[in.ID]
		if in.Kind == catalog.KindSecret {
			text = settings.Secrets[in.ID].Reveal()
		}
		if text == "" {
			continue
		}
		own := o.own
		if u, err := url.Parse(text); err == nil && in.Kind == catalog.KindURL && u.Hostname() != "" {
			own = own.With(u) // an address in a setting is the operator's own
		}
		if o.values[in.ID], err = s.Take(in, text, own); err != nil {
			return nil, wrong(in.ID, err)
		}
		o.own = own
	}
	return o, nil
}

// missing are the inputs that no setting has.
func (o *operator) missing(s *catalog.Source) (missing []catalog.Input) {
	for _, in := range s.Inputs {
		if o.values[in.ID] == "" {
			missing = append(missing, in)
		}
	}
	return missing
}

// required are those of them that a person has to give.
func (o *operator) required(s *catalog.Source) []catalog.Input {
	return slices.DeleteFunc(o.missing(s), func(in catalog.Input) bool { return in.Optional })
}

// take adds to values what a person typed.
func (o *operator) take(s *catalog.Source, values map[string]string, typed map[string]sdk.Secret) error {
	missing := o.missing(s)
	for _, in := range missing {
		text := typed[in.ID].Reveal()
		if text == "" && in.Optional {
			continue
		}
		value, err := s.Take(in, text, o.allowed)
		if err != nil {
			return &sdk.Error{Code: sdk.InvalidInput, Message: in.Label + ": " + err.Error() + ".", Field: in.ID}
		}
		values[in.ID] = value
	}
	if s.Chosen(values) != nil || len(missing) == 0 {
		return nil
	}
	first := missing[0]
	for _, in := range missing {
		if in.Optional && values[in.ID] == "" {
			first = in
			break
		}
	}
	return &sdk.Error{Code: sdk.InvalidInput, Message: first.Label + ": give this or another credential.", Field: first.ID}
}

// recall makes a call of a connection. Its inputs are checked again, since the exceptions of the operator may have changed.
func (p *provider) recall(req *sdk.CredentialRequest) (*call, error) {
	s, err := p.source(req.Source)
	if err != nil {
		return nil, err
	}
	var kept map[string]string
	if req.Credential.MediaType != sdk.MediaTypeFields || json.Unmarshal([]byte(req.Credential.Data.Reveal()), &kept) != nil {
		return nil, errForeign()
	}
	o, err := p.operator(s, req.Settings)
	if err != nil {
		return nil, err
	}
	values := make(map[string]string)
	for _, in := range s.Inputs {
		if kept[in.ID] == "" {
			continue
		}
		allowed := o.allowed
		if kept[in.ID] == o.values[in.ID] {
			allowed = o.own
		}
		if values[in.ID], err = s.Take(in, kept[in.ID], allowed); err != nil {
			return nil, errForeign()
		}
	}
	return p.bind(s, values, o)
}

func errForeign() error {
	return &sdk.Error{Code: sdk.SourceError, Message: "This is not a credential that the source can be called with."}
}

// bind makes a call of a source and its inputs.
func (p *provider) bind(s *catalog.Source, values map[string]string, o *operator) (*call, error) {
	kind := s.Chosen(values)
	if kind == nil {
		return nil, errForeign()
	}
	c := &call{source: s, kind: kind, values: make(map[string]string), set: o.values}
	for _, id := range kind.Needs {
		c.values[id] = values[id]
	}
	c.transport = p.transport(c, o)
	return c, nil
}

// transport chooses how requests are sent. An address that a person typed a part of is public, or one of the exceptions.
func (p *provider) transport(c *call, o *operator) *endpoint.Transport {
	transport := &endpoint.Transport{Agent: "humanconnect-provider-key/" + version}
	typed, whole := false, false
	for _, id := range c.kind.Needs {
		in, _ := c.source.Input(id)
		if in.Kind == catalog.KindURL {
			whole = true
			typed = typed || c.values[id] != o.values[id]
		}
	}
	transport.Allowed = o.own
	if typed {
		transport.Allowed = o.allowed
	}
	switch {
	case o.base != nil:
		transport.Base, transport.By = o.base, endpoint.LoopbackOnly()
	case whole:
		transport.By = p.public(transport.Allowed)
	default:
		transport.By = http.DefaultTransport
	}
	return transport
}
