package terminal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/clock/clocktest"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/sdk"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC // the pictures have times in them
	os.Exit(m.Run())
}

// limit is how long a test waits for what should happen soon.
const limit = 10 * time.Second

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// clinic is a session with scripted sources. Its fields are set before the stage begins; while a conversation
// runs, it is the conversation's.
type clinic struct {
	connections []session.Connected
	forbidden   []string
	// steps are what the source answers with, one after the other; a *failure.Failure refuses a form, or ends the attempt.
	steps []any
	// replies are what it got; cancelled counts the attempts that were left.
	replies      []sdk.Reply
	cancelled    int
	disconnected []string
	// halfDone is what another front end left behind; asked are the targets of Connect.
	halfDone, asked []string
	// err is what Connections ends with.
	err error
	// redirect is the pasted URL that Browse accepts, sent on back. noBrowser is why no browser was opened.
	redirect  string
	back      chan struct{}
	noBrowser error
	// hold keeps WaitDue and Browse waiting until the attempt is left.
	hold bool
}

func (c *clinic) Connect(_ context.Context, target string) (Attempt, error) {
	c.asked = append(c.asked, target)
	return c, nil
}

func (c *clinic) HalfDone(context.Context) ([]string, error) { return c.halfDone, nil }

func (c *clinic) Disconnect(_ context.Context, target string) error {
	c.disconnected = append(c.disconnected, target)
	c.connections = slices.DeleteFunc(c.connections, func(con session.Connected) bool { return string(con.ID) == target })
	return nil
}

func (c *clinic) Connections(context.Context) ([]session.Connected, error) {
	return c.connections, c.err
}

func (c *clinic) Allows(source string) bool { return !slices.Contains(c.forbidden, source) }

func (c *clinic) Next(context.Context) (session.Prompt, error) { return c.step(nil) }

func (c *clinic) Reply(_ context.Context, r sdk.Reply) (session.Prompt, error) { return c.step(r) }

// step answers with the next step; the form before a refusal is asked for again.
func (c *clinic) step(r sdk.Reply) (session.Prompt, error) {
	if r != nil {
		c.replies = append(c.replies, r)
	}
	next := c.steps[0]
	c.steps = c.steps[1:]
	switch next := next.(type) {
	case session.Prompt:
		return next, nil
	case error:
		return session.Prompt{}, next
	case sdk.Connected:
		c.connections = append(c.connections, session.Connected{
			ID: "con_1", Source: "clinic", SourceName: "City Clinic", AccountLabel: next.Account.Label, Since: noon(),
		})
		return session.Prompt{Step: next}, nil
	}
	return session.Prompt{Step: next.(sdk.Step)}, nil
}

func (c *clinic) WaitDue(ctx context.Context) error { return c.pause(ctx) }

func (c *clinic) Browse(ctx context.Context, _ session.Prompt, notOpened func(error)) (sdk.Reply, error) {
	if c.noBrowser != nil {
		notOpened(c.noBrowser)
	}
	if c.redirect == "" {
		return sdk.Callback{}, c.pause(ctx)
	}
	select {
	case <-c.back:
		return sdk.Callback{}, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Paste accepts one URL, once, whatever the blanks in it.
func (c *clinic) Paste(_ context.Context, text string) (session.CallbackOutcome, error) {
	switch strings.Join(strings.Fields(text), "") {
	case "nonsense":
		return session.CallbackNoAddress, nil
	case c.redirect:
		c.back <- struct{}{}
		return session.CallbackAccepted, nil
	}
	return session.CallbackStray, nil
}

func (c *clinic) pause(ctx context.Context) error {
	if !c.hold {
		return nil
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

func (c *clinic) Fail(_ context.Context, f *failure.Failure) error { return f }

func (c *clinic) Cancel(context.Context) error { c.cancelled++; return nil }

func offer(id, title, group string) source.Source {
	return source.Source{Source: sdk.Source{ID: id, Name: title, Group: group}}
}

func sources() []source.Source {
	return []source.Source{
		offer("clinic", "City Clinic", "Hospitals"), offer("hill", "Hill Hospital", "Hospitals"),
		offer("ring", "Night Ring", "Wearables"), offer("watch", "Pulse Watch", "Wearables"),
	}
}

func signIn() sdk.Form {
	return sdk.Form{Title: "Sign in", Text: "Use the account of the patient portal.", Fields: []sdk.Field{
		{ID: "user", Label: "User name", Kind: sdk.KindText, Required: true, Help: "As printed on your card."},
		{ID: "pass", Label: "Password", Kind: sdk.KindSecret, Required: true},
		{ID: "site", Label: "Site", Kind: sdk.KindChoice, Choices: []sdk.Choice{{Value: "n", Label: "North"}, {Value: "s", Label: "South"}}},
	}}
}

// stage runs the model without a program: the test is the person and the event loop.
type stage struct {
	t           *testing.T
	d           *model
	clock       *clocktest.Fake
	messages    chan tea.Msg
	quit        bool
	interrupted int
}

func newStage(t *testing.T, c *clinic, offered []source.Source, before ...Outcome) *stage {
	t.Helper()
	s := &stage{t: t, clock: clocktest.New(noon()), messages: make(chan tea.Msg)}
	ctx, stop := context.WithCancelCause(t.Context())
	w := &work{session: c, send: func(m tea.Msg) {
		select {
		case s.messages <- m:
		case <-ctx.Done():
		}
	}, child: func() (context.Context, context.CancelCauseFunc) { return context.WithCancelCause(ctx) }}
	t.Cleanup(func() { stop(errBack); w.running.Wait() })
	s.d = newModel(Options{
		Session: c, Sources: offered, Before: before, EndsAt: noon().Add(time.Hour), Clock: s.clock, Interrupt: func() { s.interrupted++ },
	}, w)
	s.d.Init()
	s.await()
	return s
}

// await passes one message of the work to the model.
func (s *stage) await() {
	s.t.Helper()
	select {
	case m := <-s.messages:
		s.update(m)
	case <-time.After(limit):
		s.t.Fatalf("nothing happened; the screen is\n%s", s.picture())
	}
}

func (s *stage) update(m tea.Msg) {
	_, cmd := s.d.Update(m)
	if cmd == nil {
		return
	}
	if s.isQuit(cmd) {
		s.quit = true
	}
}

// isQuit says whether a command ends the program; the other one is the next tick.
func (s *stage) isQuit(cmd tea.Cmd) bool {
	return reflect.ValueOf(cmd).Pointer() == reflect.ValueOf(tea.Quit).Pointer()
}

// press types text, or presses the key of that name.
func (s *stage) press(keys ...string) *stage {
	s.t.Helper()
	named := map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "up": tea.KeyUp, "down": tea.KeyDown, "tab": tea.KeyTab,
		"backspace": tea.KeyBackspace, "pgdown": tea.KeyPgDown, "end": tea.KeyEnd, "home": tea.KeyHome,
	}
	for _, k := range keys {
		if code, ok := named[k]; ok {
			s.update(tea.KeyPressMsg{Code: code})
			continue
		}
		if k == "ctrl+c" {
			s.update(tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl})
			continue
		}
		for _, r := range k {
			s.update(tea.KeyPressMsg{Code: r, Text: string(r)})
		}
	}
	return s
}

func (s *stage) picture() string {
	lines := strings.Split(ansi.Strip(s.d.draw()), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// shows compares the picture with the stored one; UPDATE_PICTURES=1 replaces that.
func (s *stage) shows(picture string) *stage {
	s.t.Helper()
	got := s.picture()
	path := filepath.Join("testdata", "pictures", picture+".txt")
	if os.Getenv("UPDATE_PICTURES") != "" {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(got), 0o644)); err != nil {
			s.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		s.t.Errorf("the picture %s is another (-want +got):\n%s", picture, diff)
	}
	for i, line := range strings.Split(got, "\n") {
		if w := ansi.StringWidth(line); w > s.d.width {
			s.t.Errorf("%s: line %d is %d wide, and the terminal %d", picture, i+1, w, s.d.width)
		}
	}
	if h := strings.Count(got, "\n"); h > s.d.height {
		s.t.Errorf("%s is %d high, and the terminal %d", picture, h, s.d.height)
	}
	return s
}

// wants fails unless the picture contains every text.
func (s *stage) wants(texts ...string) *stage {
	s.t.Helper()
	got := s.picture()
	for _, text := range texts {
		if !strings.Contains(got, text) {
			s.t.Errorf("there is no %q in\n%s", text, got)
		}
	}
	return s
}

func (s *stage) lacks(text string) *stage {
	s.t.Helper()
	if got := s.picture(); strings.Contains(got, text) {
		s.t.Errorf("there is %q in\n%s", text, got)
	}
	return s
}
