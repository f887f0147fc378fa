package providertest

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
	"github.com/humanconnect/humanconnect/sdk/host/hostlist"
)

// maxSteps is how many steps an attempt may have, polls not counted.
const maxSteps = 64

// Journey is a way to connect a source that ends with a connection.
type Journey struct {
	// Source is its id.
	Source   string
	Settings sdk.Settings
	// Answers to the forms of the source: field id to value.
	Answers map[string]string
	// RedirectURI is the redirect URI of the requests.
	RedirectURI string
	// Browse is the person at the browser: sent to an address of the source, it allows the access, and returns the
	// parameters of the redirect. Needed where the source asks for a browser.
	Browse func(ctx context.Context, address string) (sdk.Callback, error)
	// Type is the person who types a code. It is called once for each code. Needed where the source shows one.
	Type func(ctx context.Context, code sdk.ShowCode) error
}

// errEnd is the error of a journey whose failure is reported already.
var errEnd = errors.New("the journey ends here")

func (e *examination) runJourney(ctx context.Context, j Journey) {
	at := slices.IndexFunc(e.description.Sources, func(s sdk.Source) bool { return s.ID == j.Source })
	if at < 0 {
		e.fail("the provider has no source %q", j.Source)
		return
	}
	e.source, e.asked = e.description.Sources[at], nil
	e.secrets = secretsOf(j, e.source.Fields)
	ctx, cancel := context.WithTimeout(ctx, attemptLimit)
	defer cancel()
	// A start is repeated if its response was lost.
	if _, err := e.step(ctx, j.request()); err != nil {
		return
	}
	req := j.request()
	var shown sdk.ShowCode
	for steps := 0; steps <= maxSteps; {
		step, err := e.step(ctx, req)
		if err != nil {
			return
		}
		e.checkStep(j, req, step)
		if done, connected := step.(sdk.Connected); connected {
			e.exerciseCredential(ctx, j, done)
			return
		}
		if req.Resume == nil {
			e.sendUnexpected(ctx, *req, host.ResumeOf(step))
		}
		req.Resume = host.ResumeOf(step)
		if code, is := step.(sdk.ShowCode); is && code.UserCode != shown.UserCode {
			shown = code
			if err := j.typeCode(ctx, code); err != nil {
				e.fail("%s: the code was not typed: %v", j.Source, err)
				return
			}
		}
		if req.Reply, err = e.reply(ctx, j, step); err != nil {
			return
		}
		if _, poll := req.Reply.(sdk.TimePassed); !poll {
			steps++
		}
	}
	e.fail("%s: more than %d steps", j.Source, maxSteps)
}

// secretsOf lists what no message may contain.
func secretsOf(j Journey, fields []sdk.Field) (out []string) {
	for _, s := range j.Settings.Secrets {
		out = append(out, s.Reveal())
	}
	for _, f := range fields {
		if f.Kind == sdk.KindSecret || f.Kind == sdk.KindOTP {
			out = append(out, j.Answers[f.ID])
		}
	}
	return out
}

func (e *examination) step(ctx context.Context, req *sdk.ConnectRequest) (step sdk.Step, err error) {
	what := e.source.ID + ": " + kindOf(req.Reply)
	err = e.call(ctx, what, stepLimit, func(ctx context.Context, c *host.Client) error {
		step, err = c.Connect(ctx, req)
		return err
	})
	if refusal := (*sdk.Error)(nil); errors.As(err, &refusal) {
		e.fail("%s: the journey ended with %s", what, refusal)
	}
	return step, err
}

func kindOf(r sdk.Reply) string {
	switch r.(type) {
	case sdk.Callback:
		return "redirect"
	case sdk.FormValues:
		return "form"
	case sdk.TimePassed:
		return "time passed"
	}
	return "start"
}

// reply is the answer of a person, or of time, to a step.
func (e *examination) reply(ctx context.Context, j Journey, step sdk.Step) (sdk.Reply, error) {
	switch s := step.(type) {
	case sdk.Form:
		values := map[string]sdk.Secret{}
		for _, f := range s.Fields {
			if answer, given := j.Answers[f.ID]; given {
				values[f.ID] = sdk.Secret(answer)
			} else if f.Required {
				e.fail("%s: the form asks for %s, and the journey has no answer", j.Source, f.ID)
				return nil, errEnd
			}
		}
		return sdk.FormValues{Values: values}, nil
	case sdk.OpenURL:
		if j.Browse == nil {
			e.fail("%s: it needs a browser, and the journey has none", j.Source)
			return nil, errEnd
		}
		callback, err := j.Browse(ctx, s.URL)
		if err != nil {
			e.fail("%s: the browser did not return: %v", j.Source, err)
		}
		return callback, err
	case sdk.ShowCode:
		return sdk.TimePassed{}, e.wait(ctx, s.PollAfter)
	case sdk.Wait:
		return sdk.TimePassed{}, e.wait(ctx, s.PollAfter)
	}
	return nil, errEnd
}

func (j Journey) typeCode(ctx context.Context, code sdk.ShowCode) error {
	if j.Type == nil {
		return errors.New("the journey has nobody to do it")
	}
	return j.Type(ctx, code)
}

func (e *examination) wait(ctx context.Context, after time.Duration) error {
	due := time.NewTimer(max(after, time.Second))
	defer due.Stop()
	select {
	case <-due.C:
		return nil
	case <-ctx.Done():
		e.fail("%s: timeout", e.source.ID)
		return ctx.Err()
	}
}

// checkStep checks what a step asks for.
func (e *examination) checkStep(j Journey, req *sdk.ConnectRequest, step sdk.Step) {
	hosts := e.hosts(j)
	switch s := step.(type) {
	case sdk.Form:
		e.checkForm(s)
	case sdk.OpenURL:
		e.requireMethod(sdk.MethodBrowser)
		e.checkExpiry(s.ExpiresAt)
		if !hostlist.Leads(hosts, s.URL) {
			e.fail("%s: the browser is sent to %s, which is no host of the source", e.source.ID, hostOf(s.URL))
		}
		if u, err := url.Parse(s.URL); err != nil || u.Query().Get("state") != req.OAuthState {
			e.fail("%s: the address for the browser has not the state of the request", e.source.ID)
		}
	case sdk.ShowCode:
		e.requireMethod(sdk.MethodCode)
		e.checkExpiry(s.ExpiresAt)
		if !hostlist.Leads(hosts, s.VerificationURI) || s.VerificationURIComplete != "" && !hostlist.Leads(hosts, s.VerificationURIComplete) {
			e.fail("%s: the verification URI is at %s, which is not a declared host of the source", e.source.ID, hostOf(s.VerificationURI))
		}
	case sdk.Wait:
		e.checkExpiry(s.ExpiresAt)
	}
}

// hosts are those that the source declares, and those of settings and answers that are URLs.
func (e *examination) hosts(j Journey) []string {
	hosts := slices.Clone(e.source.Hosts)
	for _, f := range append(slices.Clone(e.description.Settings), e.source.Settings...) {
		if f.Kind == sdk.KindURL {
			hosts = append(hosts, hostOf(j.Settings.Values[f.ID]))
		}
	}
	for _, f := range e.source.Fields {
		if f.Kind == sdk.KindURL {
			hosts = append(hosts, hostOf(j.Answers[f.ID]))
		}
	}
	return slices.DeleteFunc(hosts, func(h string) bool { return h == "" })
}

func (e *examination) checkForm(form sdk.Form) {
	e.requireMethod(sdk.MethodForm)
	e.asked = form.Fields
	if len(form.Fields) == 0 {
		e.fail("%s: the form %q asks for nothing", e.source.ID, form.Title)
	}
	for _, f := range form.Fields {
		declared := func(d sdk.Field) bool { return d.ID == f.ID && d.Kind == f.Kind }
		if !slices.ContainsFunc(e.source.Fields, declared) {
			e.fail("%s: the form asks for %s (%s), which is not declared", e.source.ID, f.ID, f.Kind)
		}
	}
}

func (e *examination) requireMethod(m sdk.Method) {
	if !slices.Contains(e.source.Methods, m) {
		e.fail("%s: it asks for a %s, which is not among its methods", e.source.ID, m)
	}
}

func (e *examination) checkExpiry(at sdk.Time) {
	if !at.IsZero() && !at.After(time.Now()) {
		e.fail("%s: the step has expired already", e.source.ID)
	}
}

// sendUnexpected sends what no host sends, or what an older version of the provider stored. Any response is fine, but the
// provider must respond, and live on.
func (e *examination) sendUnexpected(ctx context.Context, req sdk.ConnectRequest, good []byte) {
	c, err := e.subject.connect(ctx)
	if err != nil {
		return // reported before
	}
	defer c.stop()
	replies := []sdk.Reply{sdk.FormValues{}, sdk.Callback{}, sdk.TimePassed{}}
	for _, resume := range [][]byte{nil, []byte("\x00\xff garbage"), []byte("{}"), []byte("null"), good[:len(good)/2]} {
		for _, reply := range replies {
			req.Resume, req.Reply = resume, reply
			err := e.ask(ctx, c, e.source.ID+": "+kindOf(reply)+" with bytes that are not its own", stepLimit,
				func(ctx context.Context, c *host.Client) error {
					_, err := c.Connect(ctx, &req)
					return err
				})
			if refusal := (*sdk.Error)(nil); err != nil && !errors.As(err, &refusal) {
				return
			}
		}
	}
	// a person may submit an empty form
	if len(e.asked) > 0 {
		req.Resume, req.Reply = good, sdk.FormValues{}
		_ = e.ask(ctx, c, e.source.ID+": an empty form", stepLimit, func(ctx context.Context, c *host.Client) error {
			_, err := c.Connect(ctx, &req)
			return err
		})
	}
}
