package config

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// slip is a place where a text stops being YAML, and why. The parser says where it gave up, which may be lines away.
type slip struct {
	line, column int
	text         string
}

// slips looks for the usual slips in a text that is not YAML (YAML 1.2.2 §5 to §7), line by line. It knows YAML only as far as
// needed for that: what it does not understand it passes by. It never repeats a value, which may be a secret.
type slips struct {
	// levels are the indents that are open; opens says that the last line has no value, so that a deeper line may follow, and
	// plain that it ended in plain text, which may go on.
	levels       []int
	opens, plain bool
	// block is the indent of the key whose block of text goes on, or -1.
	block int
	// open has the brackets of flow collections that are open, and quote the quote that is, each with its place.
	open  []slip
	quote rune
	began slip
	line  int
}

// findSlip returns the first slip in a text; false where it finds none.
func findSlip(text string) (slip, bool) {
	s := slips{block: -1}
	for i, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		s.line = i + 1
		if at, why := s.look(strings.TrimSuffix(line, "\r")); why != "" {
			return slip{s.line, columnOf(line, at), why}, true
		}
	}
	switch {
	case s.quote != 0:
		return s.began, true
	case len(s.open) > 0:
		return s.open[len(s.open)-1], true
	}
	return slip{}, false
}

// columnOf counts from 1, in characters, as the parser does.
func columnOf(line string, at int) int { return utf8.RuneCountInString(line[:at]) + 1 }

// look returns where in a line the slip is, and what it is; "" for none.
func (s *slips) look(line string) (at int, why string) {
	body := strings.TrimLeft(line, " ")
	indent := len(line) - len(body)
	if at, why := wrongCharacter(line); why != "" {
		return at, why
	}
	if s.block >= 0 {
		if body == "" || indent > s.block {
			return 0, ""
		}
		s.block = -1
	}
	switch {
	case s.quote != 0 || len(s.open) > 0:
		return s.flow(line, 0, false)
	case strings.TrimSpace(body) == "" || body[0] == '#':
		return 0, ""
	case body[0] == '\t':
		return indent, "a tab, where YAML takes blanks alone; indent with blanks"
	case indent == 0 && (body[0] == '%' || strings.HasPrefix(body, "---") || strings.HasPrefix(body, "...")):
		s.levels, s.opens = nil, false
		return 0, ""
	}
	if name := oddBlank(body); name != "" {
		return indent, name
	}
	return s.entry(line, indent)
}

// wrongCharacter finds what may stand nowhere in YAML (§5.1).
func wrongCharacter(line string) (at int, why string) {
	for i, r := range line {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(line[i:], string(utf8.RuneError)):
			return i, "is not UTF-8; save the file as UTF-8"
		case r < ' ' && r != '\t' || r == 0x7f || r >= 0x80 && r <= 0x9f && r != 0x85:
			return i, fmt.Sprintf("the control character U+%04X; remove it", r)
		}
	}
	return 0, ""
}

// oddBlank names the character that a text begins with, if it only looks like a blank, or like nothing.
func oddBlank(text string) string {
	r, _ := utf8.DecodeRuneInString(text)
	names := map[rune]string{
		0xa0: "a no-break space", 0x202f: "a narrow no-break space", 0x3000: "an ideographic space", 0x200b: "a zero-width space", 0xfeff: "a byte order mark",
	}
	name, odd := names[r]
	if !odd && r > unicode.MaxASCII && unicode.Is(unicode.Zs, r) {
		name, odd = "an odd space", true
	}
	if !odd {
		return ""
	}
	return fmt.Sprintf("%s (U+%04X), where a plain blank is needed", name, r)
}

// oddBlankIn names the first character that only looks like a blank, or like nothing, at an end of a text.
func oddBlankIn(text string) string {
	if odd := oddBlank(text); odd != "" {
		return odd
	}
	_, size := utf8.DecodeLastRuneInString(text)
	return oddBlank(text[len(text)-size:])
}

// keyed finds the key of a line, without quotes or with them.
var keyed = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^("[^"]*"|'[^']*'|[^\s"'#{}\[\],&*!|>%@` + "`" + `-][^#{}\[\]:]*):(\s|$)`)
})

// entry looks at a line of a block: its indent, its dashes, its key and its value.
func (s *slips) entry(line string, indent int) (at int, why string) {
	if s.plain && indent > s.top() && keyed().FindString(line[indent:]) == "" && !dashed(line[indent:]) {
		return colonIn(line, indent) // plain text over several lines
	}
	if why := s.indent(indent); why != "" {
		return indent, why
	}
	s.opens, s.plain = false, false
	at, why = s.dashes(line, indent)
	if why != "" || s.opens {
		return at, why
	}
	key := keyed().FindString(line[at:])
	if key == "" {
		if colon := strings.IndexByte(line[at:], ':'); colon >= 0 && oddBlank(line[at+colon+1:]) != "" {
			return at + colon + 1, oddBlank(line[at+colon+1:])
		}
	}
	owner := indent
	if key != "" {
		owner = at
		at += len(strings.TrimRight(key, " \t\u00a0"))
	}
	rest := strings.TrimLeft(line[at:], " \t")
	at = len(line) - len(rest)
	switch {
	case rest == "" || rest[0] == '#':
		s.opens = key != ""
		return 0, ""
	case rest[0] == '|' || rest[0] == '>':
		s.block = owner
		return 0, ""
	}
	return s.value(line, at)
}

// dashed says whether a text is an item of a list.
func dashed(text string) bool { return text == "-" || strings.HasPrefix(text, "- ") }

// dashes goes behind the dashes of a line, which open a level each where a key follows. opens is set where nothing follows.
func (s *slips) dashes(line string, at int) (behind int, why string) {
	for dashed(line[at:]) {
		rest := strings.TrimLeft(line[at+1:], " ")
		at = len(line) - len(rest)
		if rest == "" || rest[0] == '#' {
			s.opens = true
			return at, ""
		}
		if odd := oddBlank(rest); odd != "" {
			return at, odd
		}
		if keyed().MatchString(rest) || dashed(rest) {
			s.levels = append(s.levels, at)
		}
	}
	return at, ""
}

func (s *slips) top() int {
	if len(s.levels) == 0 {
		return -1
	}
	return s.levels[len(s.levels)-1]
}

// indent takes a line to its level, or says why it has none.
func (s *slips) indent(indent int) string {
	switch top := s.top(); {
	case top < 0 || indent > top && s.opens:
		s.levels = append(s.levels, indent)
		return ""
	case indent > top:
		return "is indented deeper than the line above, which has a value already"
	}
	for s.top() > indent {
		s.levels = s.levels[:len(s.levels)-1]
	}
	if s.top() != indent {
		return fmt.Sprintf("is indented by %d blanks, which fits none of the lines above", indent)
	}
	return ""
}

// colonIn finds what makes a key of a part of plain text.
func colonIn(line string, at int) (int, string) {
	text, _, _ := strings.Cut(line[at:], " #")
	if i := strings.Index(text+" ", ": "); i >= 0 {
		return at + i, "a second : in one value; put the value in quotes"
	}
	return 0, ""
}

// value looks at a value, which begins at a place.
func (s *slips) value(line string, at int) (int, string) {
	if name := oddBlank(line[at:]); name != "" {
		return at, name
	}
	if why := badStart(line[at:]); why != "" {
		return at, why
	}
	switch line[at] {
	case '{', '[', '"', '\'':
		return s.flow(line, at, true)
	case '&', '!':
		return 0, ""
	}
	s.plain = true
	return colonIn(line, at)
}

// badStart says why no value may begin as a text does, or "".
func badStart(text string) string {
	switch text[0] {
	case '*':
		return "a value that begins with *, which YAML takes for an alias; put it in quotes"
	case '@', '`', '%':
		return fmt.Sprintf("a value that begins with %c, which YAML keeps for itself; put it in quotes", text[0])
	case '}', ']':
		return fmt.Sprintf("a %c without what it belongs to; put the value in quotes", text[0])
	}
	return ""
}

// flow looks at what stands in brackets or in quotes, from a place on. start says that a value may begin there.
func (s *slips) flow(line string, at int, start bool) (int, string) {
	start = start || s.quote == 0
	for i := at; i < len(line); i++ {
		switch {
		case s.quote != 0:
			i = s.quoted(line, i)
		case strings.HasPrefix(line[i:], "#") && strings.HasSuffix(line[:i], " "):
			return i, s.comment(line[i:])
		default:
			var why string
			if start, why = s.character(line, i, start); why != "" {
				return i, why
			}
		}
		if s.quote == 0 && len(s.open) == 0 {
			return after(line, i+1)
		}
	}
	return 0, ""
}

// comment says what is wrong with a comment: that it hides the bracket that would end a value.
func (s *slips) comment(text string) string {
	if len(s.open) > 0 && strings.ContainsAny(text, "}]") {
		return "# begins a comment here, so that a bracket stays open; put the value in quotes"
	}
	return ""
}

// character looks at a character in brackets, outside of quotes, and says whether a value may begin behind it.
func (s *slips) character(line string, i int, start bool) (next bool, why string) {
	switch c := line[i]; {
	case start && (c == '"' || c == '\''):
		s.quote, s.began = rune(c), slip{s.line, columnOf(line, i), "the quote that begins here has no end"}
		return false, ""
	case strings.IndexByte("{}[]", c) >= 0:
		return c == '{' || c == '[', s.bracket(line, i)
	case start && badStart(line[i:]) != "":
		return false, badStart(line[i:])
	case c == ' ':
		return start, ""
	case c == ':':
		return i+1 == len(line) || line[i+1] == ' ', ""
	default:
		return c == ',', ""
	}
}

// bracket opens or closes a flow collection.
func (s *slips) bracket(line string, i int) string {
	c := line[i]
	if c == '{' || c == '[' {
		s.open = append(s.open, slip{s.line, columnOf(line, i), fmt.Sprintf("the %c that begins here has no end", c)})
		return ""
	}
	if last := len(s.open) - 1; last >= 0 && s.open[last].text[len("the ")] == c-2 { // its other half
		s.open = s.open[:last]
		return ""
	}
	return fmt.Sprintf("a %c without what it belongs to; put the value in quotes", c)
}

// quoted moves on in a quoted text, by one character or one that is escaped, and ends it.
func (s *slips) quoted(line string, i int) int {
	switch {
	case s.quote == '"' && line[i] == '\\', s.quote == '\'' && strings.HasPrefix(line[i:], "''"):
		return i + 1
	case rune(line[i]) == s.quote:
		s.quote = 0
	}
	return i
}

// after looks at what follows a value that has ended.
func after(line string, at int) (int, string) {
	rest := strings.TrimLeft(line[min(at, len(line)):], " \t")
	if rest == "" || rest[0] == '#' || rest[0] == ':' {
		return 0, ""
	}
	return len(line) - len(rest), "text after the end of a value; put the whole value in quotes"
}
