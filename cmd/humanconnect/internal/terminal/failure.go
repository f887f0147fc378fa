package terminal

import (
	"time"

	"github.com/humanconnect/humanconnect/core/failure"
)

// failureScreen shows a failure with the message of the source and a hint.
type failureScreen struct {
	menu
	title string
	fail  *failure.Failure
	// at is when it failed.
	at time.Time
}

func newFailureScreen(title string, f *failure.Failure, again intent, at time.Time) *failureScreen {
	return &failureScreen{
		title: title, fail: f, at: at,
		menu: menu{items: []item{{"Try again", "", again}, {"Back to the list", "", goBack{}}}},
	}
}

func (s *failureScreen) draw(l canvas) []string {
	lines := []string{l.bad.Render("✗ ") + l.title.Render(cut(s.title, l.width-2)), ""}
	lines = append(lines, l.wrapped(l.plain, text(s.fail.Message))...)
	lines = append(lines, "")
	for _, hint := range hints(s.fail, s.at) {
		lines = append(lines, l.wrapped(l.dim, hint)...)
	}
	return s.drawBelow(l, lines)
}

// hints explain a failure and how to fix it.
func hints(f *failure.Failure, at time.Time) []string {
	var out []string
	if e, ok := failure.Find(f.Code); ok {
		out = append(out, "What it means: "+e.Meaning+" ("+string(f.Code)+").")
	}
	for i, hint := range f.Hints() {
		if i == 0 {
			hint = "What to do: " + hint + "."
		} else {
			hint = "Also: " + hint
		}
		out = append(out, text(hint))
	}
	if f.RetryAfter > 0 {
		out = append(out, "The source asks you to wait "+atLeast(f.RetryAfter)+" before you retry, until "+clockTime(at.Add(f.RetryAfter))+".")
	}
	return out
}

// reason is the text of a failure in the list.
func reason(f *failure.Failure, at time.Time) string {
	if f.RetryAfter <= 0 {
		return text(f.Message)
	}
	return text(f.Message) + " Wait until " + clockTime(at.Add(f.RetryAfter)) + "."
}
