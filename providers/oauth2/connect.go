package main

import (
	"context"
	"encoding/json"

	"github.com/humanconnect/humanconnect/providers/oauth2/catalog"
	"github.com/humanconnect/humanconnect/sdk"
)

// progress is what a later step needs of this one: what was chosen at the start, and where the standard engine is.
type progress struct {
	Variant string            `json:"variant,omitempty"`
	Inputs  map[string]string `json:"inputs,omitempty"`
	Engine  json.RawMessage   `json:"engine,omitempty"`
	// Definition of the source when the attempt began.
	Definition string `json:"definition,omitempty"`
}

// errUnexpectedReply is a reply that does not belong to the last step.
func errUnexpectedReply() error {
	return &sdk.Error{Code: sdk.SourceError, Message: "The reply does not match the last step."}
}

// progressOf is where an attempt is, with what its person typed.
func progressOf(req *sdk.ConnectRequest) (at progress, err error) {
	if _, isStart := req.Reply.(sdk.Start); isStart {
		return progress{Variant: req.Settings.Values[settingVariant]}, nil
	}
	if json.Unmarshal(req.Resume, &at) != nil {
		return at, errUnexpectedReply()
	}
	form, isForm := req.Reply.(sdk.FormValues)
	if isForm != (at.Engine == nil) {
		return at, errUnexpectedReply()
	}
	if isForm {
		at.Inputs = make(map[string]string)
		for id, value := range form.Values {
			at.Inputs[id] = value.Reveal()
		}
	}
	return at, nil
}

// connect takes one step:
//
//	start ─▶ form, where the source has inputs that no setting has ─▶ browser ─▶ (wait) ─▶ connected
func (p *provider) connect(ctx context.Context, s *catalog.Source, req *sdk.ConnectRequest) (sdk.Step, error) {
	at, err := progressOf(req)
	if err != nil {
		return nil, err
	}
	if _, isStart := req.Reply.(sdk.Start); isStart {
		at.Definition = s.Definition
	}
	if at.Definition != s.Definition { // what the source grants would be taken for the grant of another server
		return nil, &sdk.Error{Code: sdk.AttemptExpired, Message: "The definition of the source has changed meanwhile.", Retryable: true}
	}
	entry, err := s.Variant(at.Variant)
	if err != nil {
		return nil, &sdk.Error{Code: sdk.BadConfiguration, Message: "The source has no such variant.", Setting: settingVariant}
	}
	reply := req.Reply
	if at.Engine == nil {
		missing, err := at.take(entry, req.Settings)
		if err != nil {
			return nil, err
		}
		if len(missing) > 0 {
			return sdk.Form{Title: s.Name, Fields: catalog.FieldsOf(missing), Resume: at.bytes()}, nil
		}
		reply = sdk.Start{}
	}
	c, err := p.bind(entry, at.Variant, at.Inputs, req.Settings)
	if err != nil {
		return nil, err
	}
	c.attempt(req)
	c.pin.Definition = s.Definition
	if answer, ok := reply.(sdk.Callback); ok {
		c.callback = &answer
		if err := c.refusedInBrowser(answer); err != nil {
			return nil, err
		}
	}
	inner := *req
	inner.Settings, inner.Resume, inner.Reply, inner.Scopes = c.settings, at.Engine, reply, c.asked
	step, err := c.source().Connect(ctx, &inner)
	if err != nil {
		return nil, err
	}
	return c.outer(step, at), nil
}

// attempt takes what an attempt has beside its source.
func (c *call) attempt(req *sdk.ConnectRequest) {
	c.values["attempt_id"], c.values["redirect_uri"], c.values["state"] = req.AttemptID, req.RedirectURI, req.OAuthState
	c.pin.RedirectURI = req.RedirectURI
	c.asked = req.Scopes
	if len(c.asked) == 0 {
		c.asked = c.entry.Scopes.Default
	}
}

// take completes the inputs: a setting stands before what a person typed. It returns those that are still to be asked for.
func (at *progress) take(entry *catalog.Entry, settings sdk.Settings) (missing []catalog.Input, err error) {
	if entry.Programme.Retired() { // that of a variant
		return nil, &sdk.Error{Code: sdk.NotSupported, Message: entry.Programme.Text}
	}
	given := at.Inputs
	at.Inputs = nil
	for _, in := range entry.Inputs {
		text, set := settings.Values[in.ID], true
		if text == "" {
			text, set = given[in.ID], false
		}
		if text == "" && given == nil {
			missing = append(missing, in)
			continue
		}
		value, err := in.Take(text)
		switch {
		case err != nil && set:
			return nil, &sdk.Error{Code: sdk.BadConfiguration, Message: in.Label + ": " + err.Error() + ".", Setting: in.ID}
		case err != nil:
			return nil, &sdk.Error{Code: sdk.InvalidInput, Message: in.Label + ": " + err.Error() + ".", Field: in.ID}
		}
		if at.Inputs == nil {
			at.Inputs = make(map[string]string)
		}
		at.Inputs[in.ID] = value
	}
	if len(missing) > 0 {
		at.Inputs = nil // settings are read again
	}
	return missing, nil
}

func (at progress) bytes() []byte {
	data, _ := json.Marshal(at) // strings, and bytes that are JSON
	return data
}

// outer is a step of the standard engine as one of this provider.
func (c *call) outer(step sdk.Step, at progress) sdk.Step {
	switch step := step.(type) {
	case sdk.OpenURL:
		at.Engine = step.Resume
		step.URL, step.Resume = c.transport.Rewritten(step.URL), at.bytes()
		return step
	case sdk.Wait:
		at.Engine = step.Resume
		step.Resume = at.bytes()
		return step
	case sdk.Connected:
		if c.granted != nil {
			step.Scopes = c.granted
		}
		step.Credential = c.keeps(step.Credential)
		return step
	}
	return step
}
