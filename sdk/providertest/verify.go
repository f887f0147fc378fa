package providertest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
	"github.com/humanconnect/humanconnect/sdk/proto/providerv1"
)

// The times that humanconnect gives a provider.
const (
	startLimit    = 10 * time.Second
	describeLimit = 5 * time.Second
	stepLimit     = 60 * time.Second
	grantLimit    = 30 * time.Second
	attemptLimit  = 15 * time.Minute
)

// Verify holds a provider to what docs/writing-a-provider.md asks of every one, and fails the test with each promise
// that is broken: what it says of itself, and then, on each journey,
//
//   - every step is answered by a process that has seen none of the steps before it, and a start may come twice
//   - forms ask for what is declared, and browsers and codes lead to hosts that are
//   - bytes, replies and credentials that it does not understand, and an empty form, end no call with anything but an
//     answer
//   - what it says no with is of the closed list, names a field that was asked for, and tells no secret
//   - the credential can be checked and refreshed where the source says so, and disconnected twice
//
// A [Program] is also held to what a process owes its host: started by hand it ends and prints nothing on standard output;
// started by a host it listens where it is told to, and ends when its standard input does. Verify takes as long as the
// journeys do, 15 minutes for each of them at most. Where the source can revoke, nothing is left there.
func Verify(t testing.TB, s Subject, journeys ...Journey) {
	t.Helper()
	for _, broken := range examine(t.Context(), s, journeys) {
		t.Error(broken)
	}
}

// examination of one provider. It is used by one goroutine.
type examination struct {
	subject Subject
	broken  []string
	said    *sdk.Description
	// Of the journey at hand: the source, its secrets, and the fields of the last form.
	source  sdk.Source
	secrets []string
	asked   []sdk.Field
}

func examine(ctx context.Context, s Subject, journeys []Journey) []string {
	e := &examination{subject: s}
	if len(s.argv) > 0 {
		e.startedByHand(ctx)
		e.startedByHost(ctx)
	}
	if e.describes(ctx) {
		for _, j := range journeys {
			e.travels(ctx, j)
		}
	}
	return e.broken
}

func (e *examination) wrong(format string, args ...any) {
	if broken := fmt.Sprintf(format, args...); !slices.Contains(e.broken, broken) {
		e.broken = append(e.broken, broken)
	}
}

// call makes one call to a provider of its own. Every end of it but an answer, and every no that breaks the rules, is
// wrong.
func (e *examination) call(
	ctx context.Context, what string, limit time.Duration, do func(context.Context, *host.Client) error,
) error {
	c, err := e.subject.connect(ctx)
	if err != nil {
		e.wrong("%s: the provider could not be started: %v", what, err)
		return err
	}
	defer c.stop()
	return e.ask(ctx, c, what, limit, do)
}

func (e *examination) ask(
	ctx context.Context, c connection, what string, limit time.Duration, do func(context.Context, *host.Client) error,
) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	heard := &listener{ClientConnInterface: c}
	err := do(ctx, host.NewClient(heard))
	var no *sdk.Error
	switch {
	case err == nil:
	case errors.As(err, &no):
		e.checksError(what, no, heard.code)
	default:
		e.wrong("%s: the call ended with %v; a refusal must be an error with a code", what, err)
	}
	return err
}

// listener hears the code of an error as it was sent: a [host.Client] takes one that it does not know for source_error.
type listener struct {
	grpc.ClientConnInterface
	code string
}

// Invoke implements [grpc.ClientConnInterface].
func (l *listener) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	err := l.ClientConnInterface.Invoke(ctx, method, args, reply, opts...)
	if answer, can := reply.(interface{ GetError() *providerv1.Error }); can {
		l.code = answer.GetError().GetCode()
	}
	return err
}

// checksError looks at how a source says no.
func (e *examination) checksError(what string, no *sdk.Error, code string) {
	if code != "" && code != string(no.Code) {
		e.wrong("%s: the code %q is not of the closed list", what, code)
	}
	if strings.TrimSpace(no.Message) == "" {
		e.wrong("%s: %s has no message", what, no.Code)
	}
	for _, secret := range e.secrets {
		if len(secret) > 3 && strings.Contains(no.Message, secret) {
			e.wrong("%s: the message of %s contains a secret", what, no.Code)
		}
	}
	if no.Code == sdk.InvalidInput && !slices.ContainsFunc(e.asked, func(f sdk.Field) bool { return f.ID == no.Field }) {
		e.wrong("%s: invalid_input names the field %q, which the form does not have", what, no.Field)
	}
	settings := append(slices.Clone(e.said.Settings), e.source.Settings...)
	if no.Setting != "" && !slices.ContainsFunc(settings, func(f sdk.Field) bool { return f.ID == no.Setting }) {
		e.wrong("%s: %s names the setting %q, which is not declared", what, no.Code, no.Setting)
	}
}

// describes looks at what the provider says of itself, twice.
func (e *examination) describes(ctx context.Context) bool {
	var said [2]*sdk.Description
	e.said = &sdk.Description{}
	for i := range said {
		if e.call(ctx, "describe", describeLimit, func(ctx context.Context, c *host.Client) (err error) {
			said[i], err = c.Describe(ctx)
			return err
		}) != nil {
			return false
		}
	}
	if !reflect.DeepEqual(said[0], said[1]) {
		e.wrong("describe: the second answer is not the first")
	}
	e.said = said[0]
	e.checksDescription()
	return true
}

// request is that of a first step; what follows changes Reply and Resume.
func (j Journey) request() *sdk.ConnectRequest {
	return &sdk.ConnectRequest{
		Source: j.Source, Settings: j.Settings, AttemptID: "att_" + rand.Text(), RedirectURI: j.RedirectURI,
		OAuthState: rand.Text() + rand.Text(), FrontEnd: sdk.FrontEnd{Browser: true, Form: true, Code: true},
		Reply: sdk.Start{},
	}
}
