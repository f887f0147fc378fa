package terminal

import (
	"slices"
	"strings"
	"time"
	"unicode"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// waitingScreen is shown during a wait: for a provider, for a wait step, for a user code, for a browser. It shows what it
// waits for, and the elapsed time.
type waitingScreen struct {
	title string
	// body draws the lines above the progress line.
	body func(l canvas) []string
	// doing is the text of the progress line.
	doing string
	since time.Time
	// until is the deadline; zero if unknown.
	until time.Time
	// locked: Esc has no effect.
	locked bool
}

func (s *waitingScreen) handle(msg tea.Msg) intent {
	if pressed(msg) == "esc" && !s.locked {
		return goBack{}
	}
	return nil
}

func (s *waitingScreen) animated() bool { return true }

func (s *waitingScreen) keys() []key {
	if s.locked {
		return nil
	}
	return []key{{"esc", "cancel"}}
}

func (s *waitingScreen) draw(l canvas) []string {
	lines := []string{l.title.Render(cut(s.title, l.width)), ""}
	if s.body != nil {
		inner := l
		inner.height = l.height - 3
		lines = append(append(lines, s.body(inner)...), "")
	}
	return append(squeeze(lines, l.height-1), s.line(l))
}

// line draws the progress line.
func (s *waitingScreen) line(l canvas) string {
	lasts := l.now.Sub(s.since)
	time := "  " + elapsed(lasts)
	if !s.until.IsZero() && s.until.After(l.now) {
		valid := ", valid for " + remaining(s.until.Sub(l.now))
		if lipgloss.Width(s.doing+time+valid)+2 <= l.width {
			time += valid
		}
	}
	doing := l.accent.Render(spinner(lasts)) + " " + cut(s.doing, l.width-2-lipgloss.Width(time))
	return cut(doing+l.dim.Render(time), l.width)
}

// squeeze removes blank lines, the last ones first, until the lines fit; then it cuts, with a mark.
func squeeze(lines []string, height int) []string {
	height = max(height, 0)
	for i := len(lines) - 1; i >= 0 && len(lines) > height; i-- {
		if lines[i] == "" {
			lines = slices.Delete(lines, i, i+1)
		}
	}
	if len(lines) <= height || height == 0 {
		return lines[:min(len(lines), height)]
	}
	return append(lines[:height-1:height-1], "…")
}

func contacting(title string, now time.Time) *waitingScreen {
	return &waitingScreen{title: title, doing: "Contacting the source", since: now}
}

func cancelling(title string, now time.Time) *waitingScreen {
	return &waitingScreen{title: title, doing: "Cancelling", since: now, locked: true}
}

func disconnecting(title string, now time.Time) *waitingScreen {
	return &waitingScreen{title: title, doing: "Revoking the access", since: now, locked: true}
}

func waitStep(title string, w sdk.Wait, now time.Time) *waitingScreen {
	s := &waitingScreen{title: title, doing: "Waiting for the source", since: now, until: w.ExpiresAt}
	if t := text(w.Text); t != "" {
		s.body = func(l canvas) []string { return l.wrapped(l.plain, t) }
	}
	return s
}

// codeStep shows a user code and its verification URI (RFC 8628 §3.3).
func codeStep(title string, c sdk.ShowCode, now time.Time) *waitingScreen {
	s := &waitingScreen{title: title, doing: "Waiting for your confirmation", since: now, until: c.ExpiresAt}
	s.body = func(l canvas) []string { return codeBody(l, c) }
	return s
}

func codeBody(l canvas, c sdk.ShowCode) []string {
	lines := []string{l.plain.Render("1  Open this URL on any device:"), ""}
	lines = append(lines, indented(drawURL(l, c.VerificationURI))...)
	lines = append(lines, "", l.plain.Render("2  Enter this code there:"), "")
	lines = append(lines, indented(drawCode(l, c.UserCode))...)
	if c.VerificationURIComplete != "" && c.VerificationURIComplete != c.VerificationURI {
		more := append([]string{"", l.dim.Render("   or open this URL, which includes the code:")}, indented(drawURL(l, c.VerificationURIComplete))...)
		if len(lines)+len(more) < l.height {
			lines = append(lines, more...)
		}
	}
	return append(lines, "", l.plain.Render("3  Return here. It continues automatically."))
}

// drawCode draws a code in a box, if it fits. The code is never cut.
func drawCode(l canvas, code string) []string {
	code = name(code)
	if l.height < lowHeight-4 || lipgloss.Width(code) > l.width-16 {
		return strings.Split(ansi.Hardwrap(l.accent.Render(code), max(l.width-4, 8), true), "\n")
	}
	return strings.Split(l.box.Render(l.accent.Render(code)), "\n")
}

// indented indents lines below the numbers of a list.
func indented(lines []string) []string {
	for i := range lines {
		lines[i] = "   " + lines[i]
	}
	return lines
}

// maxURL is the longest URL that is shown.
const maxURL = session.MaxURL

// drawURL draws a URL over as many lines as needed, as a hyperlink for terminals that support it.
func drawURL(l canvas, url string) []string {
	url = host.CleanText(url, maxURL)
	style := l.accent.Bold(false).Underline(true)
	if !strings.ContainsFunc(url, func(r rune) bool { return r > unicode.MaxASCII }) { // no URI else (RFC 3986 §2)
		style = style.Hyperlink(url)
	}
	lines := strings.Split(ansi.Hardwrap(url, max(l.width-4, 20), true), "\n")
	for i := range lines {
		lines[i] = style.Render(lines[i])
	}
	return lines
}
