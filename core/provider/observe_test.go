package provider_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/clock/clocktest"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/provider"
	"github.com/humanconnect/humanconnect/sdk"
)

// log is an observer that writes a line for each piece of work that ended.
type log struct{ lines []string }

func (l *log) observe(what string, about ...any) func(error, ...any) {
	return func(err error, more ...any) {
		l.lines = append(l.lines, strings.TrimSpace(fmt.Sprintln(append(append([]any{what}, about...), append(more, err)...)...)))
	}
}

// bare is a provider that connects and disconnects; whole does all that one can.
type bare struct{ err error }

func (b bare) Describe(context.Context) (*sdk.Description, error) { return nil, b.err }

func (b bare) Connect(context.Context, *sdk.ConnectRequest) (sdk.Step, error) {
	if b.err != nil {
		return nil, b.err
	}
	return sdk.Form{Title: "Form of alpha"}, nil
}

func (b bare) Disconnect(context.Context, *sdk.CredentialRequest) error { return b.err }

type whole struct{ bare }

func (w whole) Refresh(context.Context, *sdk.CredentialRequest) (*sdk.Refreshed, error) {
	return &sdk.Refreshed{Scopes: []string{"read"}}, w.err
}

func (w whole) Check(context.Context, *sdk.CredentialRequest) error { return w.err }

// started is a provider of a registry with an observer, and its host.
func started(t *testing.T, p sdk.Provider) (sdk.Provider, *log) {
	t.Helper()
	l := &log{}
	r := provider.New(provider.Options{Host: &fakeHost{provider: p}, Clock: clocktest.New(time.Unix(0, 0)), Observe: l.observe})
	got, err := r.Provider(t.Context(), "a", "alpha")
	if err != nil {
		t.Fatal(err)
	}
	return got, l
}

func TestEachCallToAProviderIsObservedWithoutNamesOfSourcesAndUsers(t *testing.T) {
	full := errors.New("full")
	for _, fails := range []error{nil, full} {
		p, l := started(t, whole{bare{fails}})
		step, err := p.Connect(t.Context(), &sdk.ConnectRequest{
			Source: "alpha", AttemptID: "att_1", Reply: sdk.FormValues{Values: map[string]sdk.Secret{"user": "ann"}},
		})
		if _, form := step.(sdk.Form); form != (fails == nil) || !errors.Is(err, fails) {
			t.Errorf("connect: %v, %v", step, err)
		}
		req := &sdk.CredentialRequest{Source: "alpha", Account: sdk.Account{ID: "ann"}}
		refreshed, err := p.(sdk.Refresher).Refresh(t.Context(), req)
		if refreshed == nil || !errors.Is(err, fails) {
			t.Errorf("refresh: %v, %v", refreshed, err)
		}
		if err := p.(sdk.Checker).Check(t.Context(), req); !errors.Is(err, fails) {
			t.Errorf("check: %v", err)
		}
		if err := p.Disconnect(t.Context(), req); !errors.Is(err, fails) {
			t.Errorf("disconnect: %v", err)
		}
		end, shown := "<nil>", "Form"
		if fails != nil {
			end, shown = "full", "none"
		}
		want := []string{
			"provider answered provider a#1 call connect attempt att_1 reply FormValues step " + shown + " " + end,
			"provider answered provider a#1 call refresh " + end,
			"provider answered provider a#1 call check " + end,
			"provider answered provider a#1 call disconnect " + end,
		}
		if !slices.Equal(l.lines, want) {
			t.Errorf("observed:\n%s\nwant:\n%s", strings.Join(l.lines, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestProviderThatCannotRefreshOrCheckSaysSo(t *testing.T) {
	p, l := started(t, bare{})
	if _, err := p.(sdk.Refresher).Refresh(t.Context(), nil); err == nil {
		t.Error("it refreshed")
	}
	if err := p.(sdk.Checker).Check(t.Context(), nil); err == nil {
		t.Error("it checked")
	}
	if len(l.lines) != 0 {
		t.Errorf("observed: %v", l.lines)
	}
}

// TestRequestOfAnotherSourceReachesNoProcess: its secrets are for the process of that source alone.
func TestRequestOfAnotherSourceReachesNoProcess(t *testing.T) {
	p, l := started(t, whole{bare{}})
	req := &sdk.CredentialRequest{Source: "beta", Credential: sdk.Credential{Data: "s3cret"}}
	_, connected := p.Connect(t.Context(), &sdk.ConnectRequest{Source: "beta"})
	_, refreshed := p.(sdk.Refresher).Refresh(t.Context(), req)
	for call, err := range map[string]error{
		"connect": connected, "refresh": refreshed, "disconnect": p.Disconnect(t.Context(), req), "check": p.(sdk.Checker).Check(t.Context(), req),
	} {
		if err == nil {
			t.Errorf("%s reached it", call)
		}
	}
	if len(l.lines) != 0 {
		t.Errorf("observed: %v", l.lines)
	}
}

// TestOnlyAStartThatTakesTimeIsObserved: a provider that runs is there at once.
func TestOnlyAStartThatTakesTimeIsObserved(t *testing.T) {
	clock := clocktest.New(time.Unix(0, 0))
	for name, c := range map[string]struct {
		host *slowHost
		want []string
	}{
		"one that runs":           {&slowHost{fakeHost: &fakeHost{provider: bare{}}}, nil},
		"one that was started":    {&slowHost{&fakeHost{provider: bare{}}, func() { clock.Advance(time.Millisecond) }}, []string{"provider started provider a#1 <nil>"}},
		"one that does not start": {&slowHost{fakeHost: &fakeHost{}}, []string{"provider started provider a#1 it does not start"}},
	} {
		l := &log{}
		p, err := provider.New(provider.Options{Host: c.host, Clock: clock, Observe: l.observe}).Provider(t.Context(), "a", "alpha")
		if (p == nil) != (err != nil) || !slices.Equal(l.lines, c.want) {
			t.Errorf("%s: %v, %v; observed %q", name, p, err, l.lines)
		}
	}
}

// slowHost takes its time to start a provider.
type slowHost struct {
	*fakeHost
	start func()
}

func (h *slowHost) Provider(ctx context.Context, name, source string) (sdk.Provider, error) {
	if h.start != nil {
		h.start()
	}
	return h.fakeHost.Provider(ctx, name, source)
}

func TestWrongConfigurationNamesItsSourceAndThePageOfIt(t *testing.T) {
	const page = "https://alpha.example/access"
	for code, want := range map[sdk.Code]struct{ source, page string }{
		sdk.BadConfiguration: {"alpha", page}, sdk.Revoked: {"", ""},
	} {
		said := &sdk.Error{Code: code, Message: "No.", Setting: "client_secret"}
		d := offers("a.example", "alpha")
		d.Sources[0].DocumentationURL = page
		h := &fakeHost{providers: map[string]*installed{"a": {live: d, cached: d}}, provider: whole{bare{said}}}
		r := registry(t, h)
		if _, err := r.All(t.Context()); err != nil {
			t.Fatal(err)
		}
		p, err := r.Provider(t.Context(), "a", "alpha")
		if err != nil {
			t.Fatal(err)
		}
		req := &sdk.CredentialRequest{Source: "alpha"}
		_, connect := p.Connect(t.Context(), &sdk.ConnectRequest{Source: "alpha", Reply: sdk.Start{}})
		_, refresh := p.(sdk.Refresher).Refresh(t.Context(), req)
		for call, err := range map[string]error{
			"connect": connect, "refresh": refresh, "check": p.(sdk.Checker).Check(t.Context(), req), "disconnect": p.Disconnect(t.Context(), req),
		} {
			f := failure.Of(err)
			if string(f.Code) != string(code) || f.Message != "No." || f.Setting != "client_secret" || f.Source != want.source || f.DocumentationURL != want.page {
				t.Errorf("%s, %s: %+v", code, call, f)
			}
		}
	}
}
