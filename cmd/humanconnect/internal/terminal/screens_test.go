package terminal

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/sdk"
)

func connected() []session.Connected {
	return []session.Connected{
		{ID: "con_a", Source: "clinic", SourceName: "City Clinic", AccountLabel: "ada", Since: noon()},
		{ID: "con_b", Source: "clinic", SourceName: "City Clinic", AccountLabel: "ada's child", Since: noon()},
		{ID: "con_c", Source: "ring", SourceName: "Night Ring", Since: noon(), ExpiresAt: noon().Add(-time.Hour)},
		{ID: "con_d", Source: "gone", SourceName: "Old Lab", AccountLabel: "ada", Since: noon()},
	}
}

func TestListShowsSourcesGroupsAndConnections(t *testing.T) {
	newStage(t, &clinic{connections: connected()}, sources()).shows("list")
}

func TestPersonIsOfferedToReconnectWhatHasEndedOrWillSoon(t *testing.T) {
	s := newStage(t, &clinic{connections: []session.Connected{
		{ID: "con_a", Source: "clinic", SourceName: "City Clinic", AccountLabel: "ada", Since: noon(), NeedsReconnect: true},
		{ID: "con_c", Source: "ring", SourceName: "Night Ring", Since: noon(), Expiring: true, ReconnectBy: noon().AddDate(0, 0, 9)},
	}}, sources())
	s.wants("! ada: access has ended, connect again", "! access ends 1 Dec 2026, connect again")
	s.press("enter").wants("ada  access has ended: connect again", "Connect again")
}

func TestListOfHundredsIsSearchedAndScrolled(t *testing.T) {
	var many []source.Source
	for i := range 300 {
		many = append(many, offer(fmt.Sprintf("s%d", i), fmt.Sprintf("Source %03d", i), fmt.Sprintf("Group %d", i/40)))
	}
	s := newStage(t, &clinic{}, many).press("pgdown", "pgdown", "pgdown", "pgdown", "down").shows("list-scrolled")
	s.press("end").wants("▌ Source 299").press("home").wants("▌ Source 000")
	s.press("28 grou").shows("list-search")
	s.press("x").wants("No source matches").press("esc").wants("▌ Source 000")
}

func TestEmptyCatalogueSaysWhy(t *testing.T) {
	newStage(t, &clinic{}, nil).shows("list-empty").press("enter", "down", "up").wants("No sources to connect")
}

func TestSlashBeforeASearchIsNoPartOfIt(t *testing.T) {
	s := newStage(t, &clinic{}, sources()).press("/").wants("4 sources")
	s.press("ring").wants("1 source", "Night Ring")
}

func TestPastedTextIsSearchedFor(t *testing.T) {
	s := newStage(t, &clinic{}, sources())
	s.update(tea.PasteMsg{Content: "ring"})
	s.wants("Night Ring").lacks("City Clinic")
}

func TestPicturesFitSmallAndLargeTerminals(t *testing.T) {
	s := newStage(t, &clinic{connections: connected()}, sources())
	s.update(tea.WindowSizeMsg{Width: 200, Height: 50})
	s.shows("list-200x50")
	s.update(tea.WindowSizeMsg{Width: 40, Height: 12})
	s.shows("list-40x12")
}

func TestLightAndDarkShowTheSameText(t *testing.T) {
	s := newStage(t, &clinic{connections: connected()}, sources())
	dark := s.d.draw()
	s.d.styles = newStyles(false)
	light := s.d.draw()
	if dark == light || ansi.Strip(dark) != ansi.Strip(light) {
		t.Error("light and dark differ in colour alone")
	}
}

func TestCOLORFGBGDetectsALightTerminal(t *testing.T) {
	for value, want := range map[string]bool{
		"0;15": true, "0;default;15": true, "0;7": true, "15;0": false, "7;8": false, "": false, "x": false, "15;default": false,
	} {
		if got := light([]string{"COLORFGBG=0;15", "COLORFGBG=" + value, "TERM=x"}); got != want {
			t.Errorf("COLORFGBG=%s is light: %v, want %v", value, got, want)
		}
	}
	if light([]string{"TERM=x"}) {
		t.Error("a terminal that tells nothing is light")
	}
}

func TestTokenLimitsTheList(t *testing.T) {
	s := newStage(t, &clinic{connections: connected()[:1], forbidden: []string{"clinic", "hill"}}, sources())
	s.wants("City Clinic", "Night Ring").lacks("Hill Hospital")
	s.press("enter").wants("does not allow changes to this source").lacks("Disconnect")
}

func TestRefusalIsShownAtTheField(t *testing.T) {
	refused := failure.New(failure.InvalidInput, "The password is wrong.")
	refused.Field = "pass"
	c := &clinic{steps: []any{
		signIn(), session.Prompt{Step: signIn(), Again: refused}, sdk.Connected{Account: sdk.Account{Label: "ada"}},
	}}
	s := newStage(t, c, sources()).press("enter").shows("asking")
	s.await()
	s.shows("form").press("ada", "enter", "secret", "tab", "down", "down").shows("form-filled").press("enter")
	s.await()
	s.shows("form-refused").lacks("••").press("hunter2").lacks("hunter2").lacks("is wrong").press("tab", "enter")
	s.await()
	s.await()
	s.shows("list-connected")
	want := []sdk.Reply{
		sdk.FormValues{Values: map[string]sdk.Secret{"user": "ada", "pass": "secret", "site": "s"}},
		sdk.FormValues{Values: map[string]sdk.Secret{"user": "ada", "pass": "hunter2", "site": "s"}},
	}
	if diff := cmp.Diff(want, c.replies, cmp.Comparer(func(a, b sdk.Secret) bool { return a.Reveal() == b.Reveal() })); diff != "" {
		t.Errorf("replies (-want +got):\n%s", diff)
	}
}

func TestFormNeedsItsRequiredFields(t *testing.T) {
	s := newStage(t, &clinic{steps: []any{signIn()}}, sources()).press("enter")
	s.await()
	s.press("ada", "tab", "tab", "enter").wants("✗ This field is required.", "▌ Password")
}

func TestRefusalWithoutAFieldIsShownAboveTheForm(t *testing.T) {
	again := failure.New(failure.AttemptInterrupted, "The source was interrupted.")
	s := newStage(t, &clinic{steps: []any{session.Prompt{Step: signIn(), Again: again}}}, sources()).press("enter")
	s.await()
	s.wants("✗ The source was interrupted.")
}

func TestEscInAFormCancelsTheAttempt(t *testing.T) {
	c := &clinic{steps: []any{signIn()}}
	s := newStage(t, c, sources()).press("enter")
	s.await()
	s.press("esc").wants("Cancelling")
	s.await()
	s.await()
	s.wants("type to search").lacks("connected.")
	if c.cancelled != 1 {
		t.Errorf("%d attempts were cancelled, want 1", c.cancelled)
	}
}

func TestCodeIsShownLargeAndPollsKeepItsClock(t *testing.T) {
	code := sdk.ShowCode{
		UserCode: "WDJB-MJHT", VerificationURI: "https://clinic.example/device",
		VerificationURIComplete: "https://clinic.example/device?code=WDJB-MJHT", ExpiresAt: noon().Add(15 * time.Minute),
	}
	c := &clinic{steps: []any{code}, hold: true}
	s := newStage(t, c, sources()).press("enter")
	s.await()
	s.clock.Advance(12300 * time.Millisecond)
	s.update(tickMsg{})
	s.shows("code")
	s.update(stepMsg{session.Prompt{Step: code}})
	s.wants("0:12").press("esc")
	s.await()
	if c.cancelled != 1 {
		t.Errorf("%d attempts were cancelled, want 1", c.cancelled)
	}
}

func TestWaitShowsItsTextAndTime(t *testing.T) {
	s := newStage(t, &clinic{steps: []any{sdk.Wait{Text: "The clinic looks for your file."}}, hold: true}, sources()).press("enter")
	s.await()
	s.clock.Advance(83 * time.Second)
	s.update(tickMsg{})
	s.shows("wait")
}

func TestBrowserStepEndsWithTheRedirectOrEsc(t *testing.T) {
	url := sdk.OpenURL{URL: "https://clinic.example/authorize?client_id=demo&scope=" + strings.Repeat("patient.read+", 8)}
	c := &clinic{steps: []any{url}, hold: true}
	s := newStage(t, c, sources()).press("enter")
	s.await()
	s.shows("browser").press("esc")
	for range 3 { // the browser's end, the attempt's, and the list
		s.await()
	}
	s.wants("type to search")
	if c.cancelled != 1 {
		t.Errorf("%d attempts were cancelled, want 1", c.cancelled)
	}

	c = &clinic{steps: []any{url, sdk.Connected{}}}
	s = newStage(t, c, sources()).press("enter")
	for range 4 {
		s.await()
	}
	s.wants("City Clinic is connected.")
}

func TestFailureHasItsHintAndIsTriedAgain(t *testing.T) {
	f := failure.New(failure.RateLimited, "Too many attempts.")
	f.RetryAfter = 90 * time.Second
	c := &clinic{steps: []any{f, sdk.Connected{Account: sdk.Account{Label: "ada"}}}}
	s := newStage(t, c, sources()).press("enter")
	s.await()
	s.await()
	s.shows("failure").press("esc").wants("✗ Too many attempts.")
	s.press("enter")
	s.await()
	s.await()
	s.wants("● connected as ada").lacks("Too many")
}

func TestTryAgainRepeatsTheAction(t *testing.T) {
	c := &clinic{steps: []any{failure.New(failure.SourceError, "Odd."), sdk.Connected{}}}
	s := newStage(t, c, sources()).press("enter")
	s.await()
	s.await()
	s.press("enter")
	s.await()
	s.await()
	s.wants("City Clinic is connected.")
}

func TestDisconnectAsksFirst(t *testing.T) {
	c := &clinic{connections: connected()}
	s := newStage(t, c, sources()).press("enter").shows("source").press("down", "enter").shows("confirm-disconnect")
	s.press("esc").wants("type to search").press("enter", "down", "enter", "enter").shows("disconnecting")
	s.await()
	s.await()
	s.wants("City Clinic is disconnected.", "● connected as ada's child")
	if diff := cmp.Diff([]string{"con_a"}, c.disconnected); diff != "" {
		t.Errorf("disconnected (-want +got):\n%s", diff)
	}
	s.press("esc").shows("confirm-finish")
}

func TestFailuresAreListedBeforeFinishing(t *testing.T) {
	c := &clinic{steps: []any{failure.New(failure.SourceError, "Odd.")}}
	s := newStage(t, c, sources()).press("hosp", "enter")
	s.await()
	s.await()
	s.press("esc").wants("▌ City Clinic", "4 sources").press("esc").wants("✗ City Clinic: Odd.").lacks("changed nothing")
}

func TestEarlierOutcomesAreShown(t *testing.T) {
	c := &clinic{connections: connected()[:1]}
	s := newStage(t, c, sources(), Outcome{Source: "clinic", Name: "City Clinic", Connected: true},
		Outcome{Source: "ring", Name: "Night Ring"}, Outcome{Source: "watch", Name: "Pulse Watch", Failed: "Odd."})
	s.shows("list-before").press("esc").shows("confirm-finish-before")
}

func TestFinishIsConfirmedOnce(t *testing.T) {
	s := newStage(t, &clinic{}, sources()).press("esc").wants("Are you done?", "Nothing was changed.")
	s.press("esc").wants("type to search").press("esc", "enter")
	if !s.quit || s.d.err != nil {
		t.Errorf("quit %v, %v; want it to end without an error", s.quit, s.d.err)
	}
}

func TestCtrlCInterruptsEverywhere(t *testing.T) {
	s := newStage(t, &clinic{steps: []any{signIn()}}, sources()).press("ctrl+c", "enter")
	s.await()
	s.press("ctrl+c")
	if s.interrupted != 2 || s.quit {
		t.Errorf("interrupted %d times, quit %v; want 2 times, and the signal to decide", s.interrupted, s.quit)
	}
}

func TestCtrlLRedraws(t *testing.T) {
	s := newStage(t, &clinic{}, sources())
	_, cmd := s.d.Update(tea.KeyPressMsg{Code: 'l', Mod: tea.ModCtrl})
	if cmd == nil || cmd() != tea.ClearScreen() {
		t.Error("nothing is drawn again")
	}
}

func TestScreensEndWithTheSession(t *testing.T) {
	s := newStage(t, &clinic{}, sources())
	s.clock.Advance(55 * time.Minute)
	s.update(tickMsg{})
	s.wants("closes in 5 minutes")
	s.clock.Advance(5 * time.Minute)
	s.update(tickMsg{})
	s.shows("session-ended")
	if s.quit || !errors.Is(s.d.err, session.ErrEnded) {
		t.Errorf("quit %v, %v; want ErrEnded, when it has been read", s.quit, s.d.err)
	}
	s.clock.Advance(sessionEndedTime)
	s.update(tickMsg{})
	if !s.quit {
		t.Error("nobody reads it, and it stays")
	}
	s = newStage(t, &clinic{err: session.ErrEnded}, sources()).wants("The session has ended").press("x")
	if !s.quit || !errors.Is(s.d.err, session.ErrEnded) {
		t.Errorf("quit %v, %v; want ErrEnded", s.quit, s.d.err)
	}
	s = newStage(t, &clinic{err: session.ErrTakenOver}, sources())
	if !s.quit || !errors.Is(s.d.err, session.ErrTakenOver) {
		t.Errorf("quit %v, %v; want ErrTakenOver", s.quit, s.d.err)
	}
}

func TestFormClosesWithTheSession(t *testing.T) {
	c := &clinic{steps: []any{signIn()}}
	s := newStage(t, c, sources()).press("enter")
	s.await()
	s.press("ada")
	s.clock.Advance(time.Hour)
	s.update(tickMsg{})
	s.wants("The session has ended")
	s.await() // the attempt is left
	s.wants("The session has ended").lacks("type to search")
}

func TestTextOfSourcesIsCleaned(t *testing.T) {
	form := sdk.Form{Title: "a\x1b[2Jb", Text: "c\u202ed", Fields: []sdk.Field{{ID: "x", Label: "e\x07f", Help: "g\x9bh", Required: true}}}
	s := newStage(t, &clinic{steps: []any{form}}, []source.Source{offer("x", "So\x1b]0;urce", "Gr\noup")}).press("enter")
	s.await()
	for _, bad := range []string{"\x1b[2J", "\u202e", "\x07", "\x9b", "\x1b]0;"} {
		if strings.Contains(s.d.draw(), bad) {
			t.Errorf("the screen contains %q", bad)
		}
	}
}
