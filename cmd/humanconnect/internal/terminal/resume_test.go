package terminal

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/sdk"
)

func TestUnfinishedAttemptResumesAtItsLastStep(t *testing.T) {
	c := &clinic{halfDone: []string{"clinic"}, steps: []any{signIn(), sdk.Connected{}}}
	s := newStage(t, c, sources()).shows("half-done").press("enter")
	s.await()
	s.wants("Sign in", "User name").press("ada", "tab", "x", "tab", "tab", "enter")
	s.await()
	s.await()
	s.wants("City Clinic is connected.", "type to search")
	if diff := cmp.Diff([]string{"clinic"}, c.asked); diff != "" || c.cancelled != 0 {
		t.Errorf("connected (-want +got):\n%s%d cancelled", diff, c.cancelled)
	}
}

func TestEscCancelsAnUnfinishedAttemptAndOffersTheNext(t *testing.T) {
	c := &clinic{halfDone: []string{"clinic", "con_b", "ring"}, connections: connected()}
	s := newStage(t, c, sources()).wants("Continue with City Clinic?").press("esc").wants("Cancelling")
	s.await()
	s.wants("Continue with City Clinic (ada's child)?")
	s.await()
	s.press("down", "enter")
	s.await()
	s.wants("Continue with Night Ring?")
	s.await()
	s.press("esc")
	s.await()
	s.wants("type to search")
	if diff := cmp.Diff([]string{"clinic", "con_b", "ring"}, c.asked); diff != "" || c.cancelled != 3 {
		t.Errorf("taken up (-want +got):\n%s%d cancelled, want 3", diff, c.cancelled)
	}
}

func TestUnfinishedAttemptThatCannotResumeFailsCleanly(t *testing.T) {
	c := &clinic{halfDone: []string{"clinic"}, steps: []any{failure.New(failure.AttemptInterrupted, "The program ended.")}}
	s := newStage(t, c, sources()).press("enter")
	s.await()
	s.wants("City Clinic could not be connected", "The program ended.", "Try again")
	s.await()
	s.press("down", "enter")
	s.wants("type to search", "✗ The program ended.")
}
