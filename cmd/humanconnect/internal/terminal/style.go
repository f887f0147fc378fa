package terminal

import (
	"image/color"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// canvas is the area to draw in, the time, and the styles.
type canvas struct {
	width, height int
	now           time.Time
	styles
}

// styles are few: one accent, and colours with a meaning. No information is in the colour alone.
type styles struct {
	title, strong, plain, dim, accent, good, bad, warn lipgloss.Style
	box                                                lipgloss.Style
	cursor                                             color.Color
}

func newStyles(dark bool) styles {
	pick := lipgloss.LightDark(dark)
	hex := func(light, dark string) color.Color { return pick(lipgloss.Color(light), lipgloss.Color(dark)) }
	fg := func(c color.Color) lipgloss.Style { return lipgloss.NewStyle().Foreground(c) }
	accent := hex("#0B6E77", "#6FD3D8")
	return styles{
		title:  lipgloss.NewStyle().Bold(true),
		strong: lipgloss.NewStyle().Bold(true),
		plain:  lipgloss.NewStyle(),
		dim:    fg(hex("#6A6A72", "#8B8B96")),
		accent: fg(accent).Bold(true),
		good:   fg(hex("#1E7B34", "#7BD88F")),
		bad:    fg(hex("#B3261E", "#FF8A80")),
		warn:   fg(hex("#8A5A00", "#F2C063")),
		box:    lipgloss.NewStyle().Border(lipgloss.RoundedBorder()).BorderForeground(accent).Padding(1, 4),
		cursor: accent,
	}
}

// light says whether COLORFGBG names a light background, for terminals that do not answer a query.
// The last of its numbers is the background's colour, of which 7 and those from 9 on are light.
func light(environ []string) bool {
	for _, v := range slices.Backward(environ) {
		if colours, ok := strings.CutPrefix(v, "COLORFGBG="); ok {
			back, err := strconv.Atoi(colours[strings.LastIndex(colours, ";")+1:])
			return err == nil && (back == 7 || back > 8)
		}
	}
	return false
}

// cut shortens a line to the width.
func cut(s string, width int) string { return ansi.Truncate(s, max(width, 0), "…") }

// pad fills a line up to the width, or cuts it.
func pad(s string, width int) string {
	s = cut(s, width)
	return s + strings.Repeat(" ", max(width-lipgloss.Width(s), 0))
}

// wrapped breaks a text into lines of the width, at spaces where there are some.
func (l canvas) wrapped(style lipgloss.Style, s string) []string {
	lines := strings.Split(ansi.Wrap(s, max(l.width, 10), ""), "\n")
	for i := range lines[1:] { // a mark belongs to the letter before it, which ansi.Wrap does not always know
		rest := strings.TrimLeftFunc(lines[i+1], func(r rune) bool { return unicode.In(r, unicode.Mn, unicode.Me) })
		lines[i] += strings.TrimSuffix(lines[i+1], rest)
		lines[i+1] = rest
	}
	for i := range lines {
		lines[i] = style.Render(lines[i])
	}
	return lines
}

// marked draws the lines of a choice, of which one is chosen.
func (l canvas) marked(chosen bool, line string) string {
	if chosen {
		return l.accent.Render("▌ ") + line
	}
	return "  " + line
}

// spread puts one text at the left end of a line and another at the right end; the left one gives way.
func spread(left, right string, width int) string {
	room := width - lipgloss.Width(right)
	if right != "" {
		room--
	}
	return pad(left, room) + strings.Repeat(" ", min(1, len(right))) + right
}

// elapsed is a duration as a clock shows it: 0:07, 12:30, 1:02:03.
func elapsed(d time.Duration) string {
	s := max(int(d/time.Second), 0)
	if s >= 3600 {
		return itoa(s/3600) + ":" + twoDigits(s/60%60) + ":" + twoDigits(s%60)
	}
	return itoa(s/60) + ":" + twoDigits(s%60)
}

// atLeast is a duration to wait, in words, rounded up.
func atLeast(d time.Duration) string {
	if d <= 2*time.Minute {
		return plural(int((d+time.Second-1)/time.Second), "second")
	}
	return plural(int((d+time.Minute-1)/time.Minute), "minute")
}

// remaining is a rough duration for a person, rounded down.
func remaining(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < 2*time.Minute:
		return "1 minute"
	case d < 2*time.Hour:
		return itoa(int(d/time.Minute)) + " minutes"
	case d < 48*time.Hour:
		return itoa(int(d/time.Hour)) + " hours"
	}
	return itoa(int(d/(24*time.Hour))) + " days"
}

// day is a date for a person.
func day(t time.Time) string { return t.Local().Format("2 Jan 2006") }

// clockTime is a time of today for a person.
func clockTime(t time.Time) string { return t.Local().Format(time.TimeOnly) }

const spinnerFrames = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"

// spinner is a picture that moves with the time.
func spinner(d time.Duration) string {
	frames := []rune(spinnerFrames)
	return string(frames[int(max(d, 0)/(100*time.Millisecond))%len(frames)])
}
