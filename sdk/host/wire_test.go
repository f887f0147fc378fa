package host_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
	"github.com/humanconnect/humanconnect/sdk/providertest"
)

// scripted answers every call with what the test set, and keeps the request.
type scripted struct {
	description *sdk.Description
	step        sdk.Step
	refreshed   *sdk.Refreshed
	err         error
	connect     *sdk.ConnectRequest
	grant       *sdk.CredentialRequest
}

func (s *scripted) Describe(context.Context) (*sdk.Description, error) { return s.description, s.err }

func (s *scripted) Connect(_ context.Context, req *sdk.ConnectRequest) (sdk.Step, error) {
	s.connect = req
	return s.step, s.err
}

func (s *scripted) Disconnect(_ context.Context, req *sdk.CredentialRequest) error {
	s.grant = req
	return s.err
}

func (s *scripted) Refresh(_ context.Context, req *sdk.CredentialRequest) (*sdk.Refreshed, error) {
	s.grant = req
	return s.refreshed, s.err
}

func (s *scripted) Check(_ context.Context, req *sdk.CredentialRequest) error {
	s.grant = req
	return s.err
}

// bare has neither Refresh nor Check.
type bare struct{ sdk.Provider }

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s changed on the wire:\n got %+v\nwant %+v", what, got, want)
	}
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
}

func refusedWith(t *testing.T, err error, code sdk.Code) *sdk.Error {
	t.Helper()
	var said *sdk.Error
	if !errors.As(err, &said) {
		t.Fatalf("got %v, want an *sdk.Error with %s", err, code)
	}
	if said.Code != code {
		t.Fatalf("got %v, want code %s", said, code)
	}
	return said
}

func startRequest() *sdk.ConnectRequest {
	return &sdk.ConnectRequest{Source: "clinic", Reply: sdk.Start{}}
}

func TestEveryMessageSurvivesTheWire(t *testing.T) {
	p := &scripted{}
	c := providertest.Wire(t, p)
	ctx := t.Context()
	forEachSeed(t, 300, func(t *testing.T, g generator) {
		p.description, p.step, p.err = g.description(), g.step(), nil
		p.refreshed = &sdk.Refreshed{Credential: g.credential(), Scopes: some(g, g.string)}

		description, err := c.Describe(ctx)
		noError(t, err)
		same(t, "description", description, p.description)

		asked := g.connectRequest()
		step, err := c.Connect(ctx, asked)
		noError(t, err)
		same(t, "step", step, p.step)
		same(t, "connect request", p.connect, asked)

		grant := g.credentialRequest()
		noError(t, c.Disconnect(ctx, grant))
		same(t, "disconnect request", p.grant, grant)
		noError(t, c.Check(ctx, grant))
		same(t, "check request", p.grant, grant)
		refreshed, err := c.Refresh(ctx, grant)
		noError(t, err)
		same(t, "refresh request", p.grant, grant)
		same(t, "refreshed credential", refreshed, p.refreshed)
	})
}

func TestErrorResponseSurvivesTheWire(t *testing.T) {
	p := &scripted{}
	c := providertest.Wire(t, p)
	ctx := t.Context()
	forEachSeed(t, 100, func(t *testing.T, g generator) {
		want := g.error()
		// A provider may wrap it and answer with a step beside it: the error counts.
		p.step, p.err = g.step(), errors.Join(errors.New("outer"), want)
		_, err := c.Connect(ctx, g.connectRequest())
		same(t, "error of connect", err, error(want))
		same(t, "error of disconnect", c.Disconnect(ctx, g.credentialRequest()), error(want))
		same(t, "error of check", c.Check(ctx, g.credentialRequest()), error(want))
		_, err = c.Refresh(ctx, g.credentialRequest())
		same(t, "error of refresh", err, error(want))
	})
}

func TestPointersToStepsAreSteps(t *testing.T) {
	p := &scripted{}
	c := providertest.Wire(t, p)
	for _, step := range []sdk.Step{&sdk.OpenURL{}, &sdk.Form{}, &sdk.ShowCode{}, &sdk.Wait{}, &sdk.Connected{}} {
		p.step = step
		got, err := c.Connect(t.Context(), startRequest())
		noError(t, err)
		same(t, "step", got, reflect.ValueOf(step).Elem().Interface())
	}
}

func TestNoStepIsASourceError(t *testing.T) {
	p := &scripted{}
	c := providertest.Wire(t, p)
	for _, step := range []sdk.Step{nil, (*sdk.Form)(nil)} {
		p.step = step
		_, err := c.Connect(t.Context(), startRequest())
		refusedWith(t, err, sdk.SourceError)
	}
}

func TestResumeOverItsLimitIsASourceErrorThatSaysSo(t *testing.T) {
	p := &scripted{step: sdk.Wait{Resume: make([]byte, sdk.MaxResume)}}
	c := providertest.Wire(t, p)
	_, err := c.Connect(t.Context(), startRequest())
	noError(t, err)

	p.step = sdk.Wait{Resume: make([]byte, sdk.MaxResume+1)}
	_, err = c.Connect(t.Context(), startRequest())
	if said := refusedWith(t, err, sdk.SourceError); !strings.Contains(said.Message, "65537") {
		t.Errorf("message %q does not say how much it was", said.Message)
	}
}

func TestUnexpectedErrorsReachThePersonWithoutTheirText(t *testing.T) {
	p := &scripted{err: errors.New("dial tcp: hunter2")}
	c := providertest.Wire(t, p)
	_, err := c.Connect(t.Context(), startRequest())
	if said := refusedWith(t, err, sdk.SourceError); strings.Contains(said.Message, "hunter2") {
		t.Errorf("message %q holds the text of the error", said.Message)
	}
	p.err = (*sdk.Error)(nil)
	refusedWith(t, c.Disconnect(t.Context(), &sdk.CredentialRequest{}), sdk.SourceError)
}

func TestRequestWithoutReplyIsRefused(t *testing.T) {
	c := providertest.Wire(t, &scripted{step: sdk.Wait{}})
	if _, err := c.Connect(t.Context(), &sdk.ConnectRequest{}); err == nil {
		t.Error("a connect request without a reply was accepted")
	}
}

func TestCallsThatAProviderLacksAreNotSupported(t *testing.T) {
	c := providertest.Wire(t, bare{&scripted{}})
	refusedWith(t, c.Check(t.Context(), &sdk.CredentialRequest{}), sdk.NotSupported)
	_, err := c.Refresh(t.Context(), &sdk.CredentialRequest{})
	refusedWith(t, err, sdk.NotSupported)
}

func TestRefreshWithoutCredentialIsASourceError(t *testing.T) {
	c := providertest.Wire(t, &scripted{})
	_, err := c.Refresh(t.Context(), &sdk.CredentialRequest{})
	refusedWith(t, err, sdk.SourceError)
}

func TestBytesThatAreNotUTF8AreNamedNotSent(t *testing.T) {
	p := &scripted{step: sdk.Wait{}}
	c := providertest.Wire(t, p)
	bad := startRequest()
	bad.Reply = sdk.FormValues{Values: map[string]sdk.Secret{"password": "\xff"}}
	_, err := c.Connect(t.Context(), bad)
	if said := refusedWith(t, err, sdk.InvalidInput); said.Field != "password" {
		t.Errorf("field %q, want password", said.Field)
	}
	bad = startRequest()
	bad.Settings.Secrets = map[string]sdk.Secret{"client_secret": "\xff"}
	_, err = c.Connect(t.Context(), bad)
	if said := refusedWith(t, err, sdk.BadConfiguration); said.Setting != "client_secret" {
		t.Errorf("setting %q, want client_secret", said.Setting)
	}
	p.step = sdk.Connected{Account: sdk.Account{ID: "a\xff"}}
	_, err = c.Connect(t.Context(), startRequest())
	refusedWith(t, err, sdk.SourceError)
	p.step = sdk.Connected{Account: sdk.Account{ID: "a", Label: "b\xff"}}
	step, err := c.Connect(t.Context(), startRequest())
	noError(t, err)
	same(t, "label", step.(sdk.Connected).Account.Label, "b\uFFFD")
}

// hanging answers when the caller's time is over, as a source does that does not answer.
type hanging struct{ scripted }

func (*hanging) Connect(ctx context.Context, _ *sdk.ConnectRequest) (sdk.Step, error) {
	<-ctx.Done()
	return nil, errors.New("i/o timeout")
}

func TestCallPastItsDeadlineEndsWithAStatus(t *testing.T) {
	c := providertest.Wire(t, &hanging{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := c.Connect(ctx, startRequest())
	if status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("got %v, want the status deadline exceeded", err)
	}
}

func TestStepsAndCallbacksSurviveStorage(t *testing.T) {
	forEachSeed(t, 500, func(t *testing.T, g generator) {
		step, callback := g.step(), g.callback()
		data, err := host.MarshalStep(step)
		noError(t, err)
		again, err := host.MarshalStep(step)
		noError(t, err)
		same(t, "encoding", again, data)
		got, err := host.UnmarshalStep(data)
		noError(t, err)
		same(t, "step", got, step)

		data, err = host.MarshalCallback(callback)
		noError(t, err)
		stored, err := host.UnmarshalCallback(data)
		noError(t, err)
		same(t, "callback", stored, callback)
	})
}

func TestStorageTakesAndGivesStepsAlone(t *testing.T) {
	if _, err := host.MarshalStep(nil); err == nil {
		t.Error("no step was encoded")
	}
	for _, data := range [][]byte{nil, {0xff}, []byte("{}"), {0x3a, 0x00}} {
		if step, err := host.UnmarshalStep(data); err == nil {
			t.Errorf("%x was decoded as %T", data, step)
		}
	}
}

func FuzzUnmarshalStep(f *testing.F) {
	for _, s := range []sdk.Step{sdk.Wait{Resume: []byte("x")}, sdk.Connected{Scopes: []string{"a"}}} {
		data, err := host.MarshalStep(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		step, err := host.UnmarshalStep(data)
		if (step == nil) == (err == nil) {
			t.Fatalf("step %v with error %v", step, err)
		}
		if err != nil {
			return
		}
		if _, err := host.MarshalStep(step); err != nil {
			t.Fatalf("a decoded step cannot be encoded: %v", err)
		}
	})
}

// describer describes one source.
type describer struct {
	scripted
	asked *sdk.DescribeRequest
}

func (d *describer) DescribeSource(_ context.Context, req *sdk.DescribeRequest) (*sdk.Description, error) {
	d.asked = req
	return d.description, d.err
}

func TestDescriptionOfOneSourceSurvivesTheWire(t *testing.T) {
	p := &describer{}
	c := providertest.Wire(t, p)
	forEachSeed(t, 100, func(t *testing.T, g generator) {
		p.description, p.err = g.description(), nil
		asked := &sdk.DescribeRequest{Source: "clinic"}
		if g.description().Name != "" {
			asked.Definition = &sdk.Definition{JSON: []byte(`{"a":1}`), NewOnly: true}
		}
		description, err := c.DescribeSource(t.Context(), asked)
		noError(t, err)
		same(t, "description", description, p.description)
		same(t, "request", p.asked, asked)
	})
}

func TestRefusedDefinitionSaysWhatAndWhere(t *testing.T) {
	p := &describer{}
	p.err = fmt.Errorf("wrapped: %w", &sdk.Error{Code: sdk.BadConfiguration, Message: "No host.", Setting: "/a/b"})
	c := providertest.Wire(t, p)
	_, err := c.DescribeSource(t.Context(), &sdk.DescribeRequest{Source: "clinic", Definition: &sdk.Definition{JSON: []byte("{}")}})
	if said := refusedWith(t, err, sdk.BadConfiguration); said.Message != "No host." || said.Setting != "/a/b" {
		t.Errorf("got %+v", said)
	}
	// Without a definition there is nothing to refuse: the provider has failed.
	_, err = c.DescribeSource(t.Context(), &sdk.DescribeRequest{Source: "clinic"})
	if said := (*sdk.Error)(nil); errors.As(err, &said) || err == nil {
		t.Errorf("got %v", err)
	}
}
