package terminal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/humanconnect/humanconnect/core/clock/clocktest"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/sdk"
)

// talk is a person who is asked line by line, on a terminal.
type talk struct {
	t     *testing.T
	far   *os.File
	ended chan error
	// interrupt is what Ctrl-C does.
	interrupt func()

	mu     sync.Mutex
	said   strings.Builder
	looked int
}

func newTalk(t *testing.T, c *clinic, offered []source.Source) *talk {
	t.Helper()
	far, near, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	k := &talk{t: t, far: far, ended: make(chan error, 1)}
	ctx, stop := context.WithCancel(t.Context())
	k.interrupt = stop
	clock := clocktest.New(noon())
	var running sync.WaitGroup
	running.Go(k.listens)
	running.Go(func() {
		defer near.Close()
		k.ended <- runLines(ctx, Options{
			Session: c, Sources: offered, EndsAt: time.Now().Add(time.Hour), Terminal: near, Clock: clock, Interrupt: stop,
		})
	})
	t.Cleanup(func() { stop(); running.Wait(); _ = far.Close() })
	return k
}

func (k *talk) listens() {
	buf := make([]byte, 4096)
	for {
		n, err := k.far.Read(buf)
		k.mu.Lock()
		k.said.Write(buf[:n])
		k.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// hears waits until all of the texts were said since the last time, whatever the blanks.
func (k *talk) hears(texts ...string) *talk {
	k.t.Helper()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	over := time.After(limit)
	for {
		k.mu.Lock()
		said := k.said.String()
		k.mu.Unlock()
		if containsAll(said[k.looked:], texts) {
			k.looked = len(said)
			return k
		}
		select {
		case <-poll.C:
		case <-over:
			k.t.Fatalf("%q is not said in\n%s", texts, said[k.looked:])
		}
	}
}

func containsAll(said string, texts []string) bool {
	for _, text := range texts {
		if !regexp.MustCompile(strings.ReplaceAll(regexp.QuoteMeta(text), " ", `\s+`)).MatchString(said) {
			return false
		}
	}
	return true
}

func (k *talk) types(line string) *talk {
	k.t.Helper()
	if _, err := k.far.WriteString(line + "\n"); err != nil {
		k.t.Fatal(err)
	}
	return k
}

// finishes wants that it ends well.
func (k *talk) finishes() {
	k.t.Helper()
	k.types("done")
	select {
	case err := <-k.ended:
		if err != nil {
			k.t.Error(err)
		}
	case <-time.After(limit):
		k.t.Error("it does not end")
	}
}

const asks = `"done":`

func TestLinesListHundredsByGroupAndPage(t *testing.T) {
	var many []source.Source
	for i := range 300 {
		many = append(many, offer(fmt.Sprintf("s%d", i), fmt.Sprintf("Source %03d", i), fmt.Sprintf("Group %d", i/15)))
	}
	k := newTalk(t, &clinic{steps: []any{sdk.Connected{}}}, many)
	k.hears("The session closes at", "Group 0:", "1 Source 000", "20 Source 019", "And 280 more", asks).types("more")
	k.hears("Group 1:", "21 Source 020", "And 260 more", asks).types("/29 roup")
	k.hears("1 Source 029", "2 Source 129", "Group 19:", asks).types("")
	k.hears("1 Source 000", asks).types("/").hears("1 Source 000", asks).types("zzz").hears("No source matches", asks)
	k.types("").hears("20 Source 019", asks).types("300").hears("Source 299 is connected", asks).types("302").hears("No source has the number 302", asks)
	k.finishes()
}

func TestLinesShowTheStateOfEachConnection(t *testing.T) {
	c := &clinic{connections: connected()}
	k := newTalk(t, c, sources())
	k.hears("1 City Clinic, connected as ada, connected as ada's child", "Night Ring, connected, access expired 22 Nov 2026: connect again", asks)
	k.types("1").hears("1 Connect ada again", "4 Disconnect ada's child", "Number:").types("4")
	k.hears("The source is asked to revoke the access", "Disconnect City Clinic (ada's child)?", "yes or no").types("yes")
	k.hears("City Clinic is disconnected", "City Clinic, connected as ada, disconnected in this session", asks)
	k.finishes()
	if len(c.disconnected) != 1 || c.disconnected[0] != "con_b" {
		t.Errorf("disconnected %q, want con_b", c.disconnected)
	}
}

func TestLinesShowAFailureAndRetry(t *testing.T) {
	f := failure.New(failure.RateLimited, "Too many attempts.")
	f.RetryAfter = 90 * time.Second
	c := &clinic{steps: []any{f, f, sdk.Connected{}}}
	k := newTalk(t, c, sources())
	k.hears(asks).types("1").hears("Too many attempts", "wait 90 seconds before you retry, until 12:01:30", "Try again? Type yes or no").types("yes")
	k.hears("yes or no").types("no").hears("City Clinic, failed: Too many attempts. Wait until 12:01:30.", asks)
	k.types("1").hears("City Clinic is connected", "City Clinic, connected, in this session", asks)
	k.finishes()
}

func TestLinesNumberConnectionsWithoutALabel(t *testing.T) {
	c := &clinic{connections: []session.Connected{
		{ID: "con_a", Source: "clinic", SourceName: "City Clinic", Since: noon()},
		{ID: "con_b", Source: "clinic", SourceName: "City Clinic", Since: noon()},
	}}
	k := newTalk(t, c, sources())
	k.hears(asks).types("1").hears("Disconnect account 1", "Disconnect account 2").types("")
	k.hears("Invalid number", asks).finishes()
}

func TestLinesShowACodeOnceAndCtrlDCancelsIt(t *testing.T) {
	code := sdk.ShowCode{
		UserCode: "WDJB-MJHT", VerificationURI: "https://clinic.example/device",
		VerificationURIComplete: "https://clinic.example/device?code=WDJB-MJHT", ExpiresAt: noon().Add(time.Minute),
	}
	c := &clinic{steps: []any{code}, hold: true}
	k := newTalk(t, c, sources())
	k.hears(asks).types("1").hears("https://clinic.example/device", "WDJB-MJHT", "device?code=WDJB-MJHT", "valid until 12:01:00")
	k.types("x").types(ctrlD).hears(asks).finishes()
	if c.cancelled != 1 {
		t.Errorf("%d attempts were cancelled, want 1", c.cancelled)
	}
}

func TestLinesAskForAFormAgainUntilItIsFilledIn(t *testing.T) {
	refused := failure.New(failure.InvalidInput, "The password is wrong.")
	refused.Field = "pass"
	c := &clinic{steps: []any{signIn(), session.Prompt{Step: signIn(), Again: refused}, sdk.Connected{}}}
	k := newTalk(t, c, sources())
	k.hears(asks).types("1").hears("Sign in", "Help: As printed on your card.", "User name:").types("").hears("This field is required", "User name:")
	k.types(" ada ").hears("not shown").types("  ").hears("Site", "number:").types("3").hears("Invalid number", "number:").types("")
	k.hears("The password is wrong", "User name:").types("ada").hears("not shown").types("x").hears("number:").types("2")
	k.hears("City Clinic is connected", asks).finishes()
	got := c.replies[0].(sdk.FormValues).Values
	if _, sent := got["site"]; sent || got["user"].Reveal() != " ada " || got["pass"].Reveal() != "  " {
		t.Errorf("%q and %q were sent, the site %v", got["user"].Reveal(), got["pass"].Reveal(), sent)
	}
}

func TestLinesLeaveTheirQuestionBehind(t *testing.T) {
	k := newTalk(t, &clinic{}, sources())
	k.hears(asks)
	k.interrupt()
	if err := <-k.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	k.hears("\r\n")
}

func TestLinesSayWhatTheTokenForbids(t *testing.T) {
	k := newTalk(t, &clinic{connections: connected()[:1], forbidden: []string{"clinic", "hill"}}, sources())
	k.hears("1 City Clinic", "2 Night Ring", asks).types("1").hears("does not allow changes to this source", "1 Back to the list", "Number:")
	k.types("1").hears(asks).finishes()
}
