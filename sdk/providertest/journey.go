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
	// RedirectURI is what the source is told to send a browser back to.
	RedirectURI string
	// Browse is the person at the browser: sent to an address of the source, it allows the access, and returns the
	// parameters of the redirect. Needed where the source asks for a browser.
	Browse func(ctx context.Context, address string) (sdk.Callback, error)
	// Type is the person who types a code. It is called once for each code. Needed where the source shows one.
	Type func(ctx context.Context, code sdk.ShowCode) error
}

// errEnd is what a journey ends with when what is wrong has been said.
var errEnd = errors.New("the journey ends here")

func (e *examination) travels(ctx context.Context, j Journey) {
	at := slices.IndexFunc(e.said.Sources, func(s sdk.Source) bool { return s.ID == j.Source })
	if at < 0 {
		e.wrong("the provider has no source %q", j.Source)
		return
	}
	e.source, e.asked = e.said.Sources[at], nil
	e.secrets = secretsOf(j, e.source.Fields)
	ctx, cancel := context.WithTimeout(ctx, attemptLimit)
	defer cancel()
	// A start that nobody heard the answer of comes again.
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
		e.checksStep(j, req, step)
		if done, connected := step.(sdk.Connected); connected {
			e.grants(ctx, j, done)
			return
		}
		if req.Resume == nil {
			e.strays(ctx, *req, host.ResumeOf(step))
		}
		req.Resume = host.ResumeOf(step)
		if code, is := step.(sdk.ShowCode); is && code.UserCode != shown.UserCode {
			shown = code
			if err := j.types(ctx, code); err != nil {
				e.wrong("%s: the code was not typed: %v", j.Source, err)
				return
			}
		}
		if req.Reply, err = e.replies(ctx, j, step); err != nil {
			return
		}
		if _, poll := req.Reply.(sdk.TimePassed); !poll {
			steps++
		}
	}
	e.wrong("%s: more than %d steps", j.Source, maxSteps)
}

// secretsOf lists what no message may tell.
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
	if no := (*sdk.Error)(nil); errors.As(err, &no) {
		e.wrong("%s: the journey ended with %s", what, no)
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

// replies is what a person, or time, answers to a step.
func (e *examination) replies(ctx context.Context, j Journey, step sdk.Step) (sdk.Reply, error) {
	switch s := step.(type) {
	case sdk.Form:
		values := map[string]sdk.Secret{}
		for _, f := range s.Fields {
			if answer, given := j.Answers[f.ID]; given {
				values[f.ID] = sdk.Secret(answer)
			} else if f.Required {
				e.wrong("%s: the form asks for %s, and the journey has no answer", j.Source, f.ID)
				return nil, errEnd
			}
		}
		return sdk.FormValues{Values: values}, nil
	case sdk.OpenURL:
		if j.Browse == nil {
			e.wrong("%s: it needs a browser, and the journey has none", j.Source)
			return nil, errEnd
		}
		callback, err := j.Browse(ctx, s.URL)
		if err != nil {
			e.wrong("%s: the browser did not return: %v", j.Source, err)
		}
		return callback, err
	case sdk.ShowCode:
		return sdk.TimePassed{}, e.waits(ctx, s.PollAfter)
	case sdk.Wait:
		return sdk.TimePassed{}, e.waits(ctx, s.PollAfter)
	}
	return nil, errEnd
}

func (j Journey) types(ctx context.Context, code sdk.ShowCode) error {
	if j.Type == nil {
		return errors.New("the journey has nobody to do it")
	}
	return j.Type(ctx, code)
}

func (e *examination) waits(ctx context.Context, after time.Duration) error {
	due := time.NewTimer(max(after, time.Second))
	defer due.Stop()
	select {
	case <-due.C:
		return nil
	case <-ctx.Done():
		e.wrong("%s: timeout", e.source.ID)
		return ctx.Err()
	}
}

// checksStep looks at what a step asks for.
func (e *examination) checksStep(j Journey, req *sdk.ConnectRequest, step sdk.Step) {
	hosts := e.hosts(j)
	switch s := step.(type) {
	case sdk.Form:
		e.asksFor(s)
	case sdk.OpenURL:
		e.needs(sdk.MethodBrowser)
		e.expires(s.ExpiresAt)
		if !hostlist.Leads(hosts, s.URL) {
			e.wrong("%s: the browser is sent to %s, which is no host of the source", e.source.ID, hostOf(s.URL))
		}
		if u, err := url.Parse(s.URL); err != nil || u.Query().Get("state") != req.OAuthState {
			e.wrong("%s: the address for the browser has not the state of the request", e.source.ID)
		}
	case sdk.ShowCode:
		e.needs(sdk.MethodCode)
		e.expires(s.ExpiresAt)
		if !hostlist.Leads(hosts, s.VerificationURI) || s.VerificationURIComplete != "" && !hostlist.Leads(hosts, s.VerificationURIComplete) {
			e.wrong("%s: the verification URI is at %s, which is not a declared host of the source", e.source.ID, hostOf(s.VerificationURI))
		}
	case sdk.Wait:
		e.expires(s.ExpiresAt)
	}
}

// hosts are those that the source declares, and those of settings and answers that are URLs.
func (e *examination) hosts(j Journey) []string {
	hosts := slices.Clone(e.source.Hosts)
	for _, f := range append(slices.Clone(e.said.Settings), e.source.Settings...) {
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

func (e *examination) asksFor(form sdk.Form) {
	e.needs(sdk.MethodForm)
	e.asked = form.Fields
	if len(form.Fields) == 0 {
		e.wrong("%s: the form %q asks for nothing", e.source.ID, form.Title)
	}
	for _, f := range form.Fields {
		declared := func(d sdk.Field) bool { return d.ID == f.ID && d.Kind == f.Kind }
		if !slices.ContainsFunc(e.source.Fields, declared) {
			e.wrong("%s: the form asks for %s (%s), which is not declared", e.source.ID, f.ID, f.Kind)
		}
	}
}

func (e *examination) needs(m sdk.Method) {
	if !slices.Contains(e.source.Methods, m) {
		e.wrong("%s: it asks for a %s, which is not among its methods", e.source.ID, m)
	}
}

func (e *examination) expires(at sdk.Time) {
	if !at.IsZero() && !at.After(time.Now()) {
		e.wrong("%s: the step has expired already", e.source.ID)
	}
}

// strays sends what no host sends, or an older version of the provider left behind. Whatever the answer is, it is one, and
// the provider is still there.
func (e *examination) strays(ctx context.Context, req sdk.ConnectRequest, good []byte) {
	c, err := e.subject.connect(ctx)
	if err != nil {
		return // said before
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
			if no := (*sdk.Error)(nil); err != nil && !errors.As(err, &no) {
				return
			}
		}
	}
	// An empty form is a person's mistake.
	if len(e.asked) > 0 {
		req.Resume, req.Reply = good, sdk.FormValues{}
		_ = e.ask(ctx, c, e.source.ID+": an empty form", stepLimit, func(ctx context.Context, c *host.Client) error {
			_, err := c.Connect(ctx, &req)
			return err
		})
	}
}
