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

// The time limits of humanconnect.
const (
	startLimit      = 10 * time.Second
	describeLimit   = 5 * time.Second
	stepLimit       = 60 * time.Second
	credentialLimit = 30 * time.Second
	attemptLimit    = 15 * time.Minute
)

// Verify holds a provider to the rules of docs/writing-a-provider.md, and fails the test with each rule that is broken: its
// description, and then, on each journey,
//
//   - the source is the same whether it is described alone or with all others
//   - every step is taken by a process that has seen none of the steps before it, and a start may be repeated
//   - forms ask for declared fields, and browsers and codes use declared hosts
//   - unknown bytes, replies and credentials, and an empty form, get a response
//   - an error has a code of the closed list, names a field of the form, and contains no secret
//   - the credential can be checked and refreshed where the source says so, and disconnected twice
//
// A [Program] is also held to the rules of a process: started by hand it exits and prints nothing on standard output; started
// by a host it listens in the directory of the host, and exits at the end of standard input. Verify takes as long as the
// journeys do, 15 minutes for each of them at most. Where the source can revoke, nothing is left there.
func Verify(t testing.TB, s Subject, journeys ...Journey) {
	t.Helper()
	for _, broken := range examine(t.Context(), s, journeys) {
		t.Error(broken)
	}
}

// examination of one provider. It is used by one goroutine.
type examination struct {
	subject     Subject
	broken      []string
	description *sdk.Description
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
	if e.describe(ctx) {
		for _, j := range journeys {
			e.describeOne(ctx, j.Source)
			e.runJourney(ctx, j)
		}
	}
	return e.broken
}

func (e *examination) fail(format string, args ...any) {
	if broken := fmt.Sprintf(format, args...); !slices.Contains(e.broken, broken) {
		e.broken = append(e.broken, broken)
	}
}

// call makes one call to a provider of its own. Every end of it but a response, and every error that breaks the rules, fails.
func (e *examination) call(
	ctx context.Context, what string, limit time.Duration, do func(context.Context, *host.Client) error,
) error {
	c, err := e.subject.connect(ctx)
	if err != nil {
		e.fail("%s: the provider could not be started: %v", what, err)
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
	recorder := &codeRecorder{ClientConnInterface: c}
	err := do(ctx, host.NewClient(recorder))
	var refusal *sdk.Error
	switch {
	case err == nil:
	case errors.As(err, &refusal):
		e.checkError(what, refusal, recorder.code)
	default:
		e.fail("%s: the call ended with %v; a refusal must be an error with a code", what, err)
	}
	return err
}

// codeRecorder records the code of an error as it was sent: a [host.Client] replaces an unknown one by source_error.
type codeRecorder struct {
	grpc.ClientConnInterface
	code string
}

// Invoke implements [grpc.ClientConnInterface].
func (l *codeRecorder) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	err := l.ClientConnInterface.Invoke(ctx, method, args, reply, opts...)
	if answer, can := reply.(interface{ GetError() *providerv1.Error }); can {
		l.code = answer.GetError().GetCode()
	}
	return err
}

// checkError checks an error response.
func (e *examination) checkError(what string, refusal *sdk.Error, code string) {
	if code != "" && code != string(refusal.Code) {
		e.fail("%s: the code %q is not of the closed list", what, code)
	}
	if strings.TrimSpace(refusal.Message) == "" {
		e.fail("%s: %s has no message", what, refusal.Code)
	}
	for _, secret := range e.secrets {
		if len(secret) > 3 && strings.Contains(refusal.Message, secret) {
			e.fail("%s: the message of %s contains a secret", what, refusal.Code)
		}
	}
	if refusal.Code == sdk.InvalidInput && !slices.ContainsFunc(e.asked, func(f sdk.Field) bool { return f.ID == refusal.Field }) {
		e.fail("%s: invalid_input names the field %q, which the form does not have", what, refusal.Field)
	}
	settings := append(slices.Clone(e.description.Settings), e.source.Settings...)
	if refusal.Setting != "" && !slices.ContainsFunc(settings, func(f sdk.Field) bool { return f.ID == refusal.Setting }) {
		e.fail("%s: %s names the setting %q, which is not declared", what, refusal.Code, refusal.Setting)
	}
}

// describe gets and checks the description, twice.
func (e *examination) describe(ctx context.Context) bool {
	var said [2]*sdk.Description
	e.description = &sdk.Description{}
	for i := range said {
		if e.call(ctx, "describe", describeLimit, func(ctx context.Context, c *host.Client) (err error) {
			said[i], err = c.Describe(ctx)
			return err
		}) != nil {
			return false
		}
	}
	if !reflect.DeepEqual(said[0], said[1]) {
		e.fail("describe: the second answer is not the first")
	}
	e.description = said[0]
	e.checkDescription()
	return true
}

// describeOne compares a source that is described alone with the one among all.
func (e *examination) describeOne(ctx context.Context, id string) {
	find := func(d *sdk.Description) (found []sdk.Source) {
		for _, s := range d.Sources {
			if s.ID == id {
				found = append(found, s)
			}
		}
		return found
	}
	var alone *sdk.Description
	if e.call(ctx, "describe "+id, describeLimit, func(ctx context.Context, c *host.Client) (err error) {
		alone, err = c.DescribeSource(ctx, &sdk.DescribeRequest{Source: id})
		return err
	}) == nil && !reflect.DeepEqual(find(alone), find(e.description)) {
		e.fail("describe: the source %q is another one when it is described alone", id)
	}
}

// request is that of a first step; what follows changes Reply and Resume.
func (j Journey) request() *sdk.ConnectRequest {
	return &sdk.ConnectRequest{
		Source: j.Source, Settings: j.Settings, AttemptID: "att_" + rand.Text(), RedirectURI: j.RedirectURI,
		OAuthState: rand.Text() + rand.Text(), FrontEnd: sdk.FrontEnd{Browser: true, Form: true, Code: true},
		Reply: sdk.Start{},
	}
}
