package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// reader walks the nodes of one file and gathers every problem on the way instead of stopping at the first.
type reader struct {
	// file as it is named to a person.
	file string
	// dir that relative paths of the file start from.
	dir      string
	problems []flaw
	// flawed has the places that have a problem already.
	flawed map[*yaml.Node]bool
	refs   []*SecretRef
}

// flaw is one line of what is wrong.
type flaw struct {
	line, column     int
	where, key, text string
	// file that it stands in; "" for a flag or a variable.
	file string
}

func (f flaw) place() problem.Place {
	if f.file == "" {
		return problem.NewPlace("", 0, 0, f.key, f.where+": "+f.text)
	}
	return problem.NewPlace(f.file, f.line, f.column, f.key, f.text)
}

func newReader(file, dir string) *reader {
	return &reader{file: file, dir: dir, flawed: map[*yaml.Node]bool{}}
}

func (r *reader) at(n *yaml.Node) Position {
	return Position{File: r.file, Line: max(n.Line, 1), Column: max(n.Column, 1)}
}

func (r *reader) flaw(n *yaml.Node, key, format string, args ...any) {
	r.flawed[n] = true
	r.problems = append(r.problems, r.flawAt(n, key, fmt.Sprintf(format, args...)))
}

func (r *reader) flawAt(n *yaml.Node, key, text string) flaw {
	p := r.at(n)
	return flaw{
		line: p.Line, column: p.Column, where: p.Exact(), file: p.File,
		key: host.CleanText(key, 80), text: text,
	}
}

// maxFacts is how many problems are listed; the rest is counted.
const maxFacts = 100

// sorted are the problems in the order of the file.
func sorted(flaws []flaw) []flaw {
	return slices.SortedStableFunc(slices.Values(flaws), func(a, b flaw) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
	})
}

// facts are problems, in columns.
func facts(flaws []flaw) []string {
	where, key, more := 0, 0, len(flaws)-maxFacts
	if more > 0 {
		flaws = flaws[:maxFacts]
	}
	for _, f := range flaws {
		where, key = max(where, len(f.where)), max(key, len(f.key))
	}
	lines := make([]string, 0, len(flaws))
	for _, f := range flaws {
		lines = append(lines, fmt.Sprintf("%-*s  %-*s  %s", where, f.where, key, f.key, f.text))
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return lines
}

// invalid makes the problem of what was found, or nil of nothing.
func invalid(code problem.Code, name string, flaws []flaw) error {
	if len(flaws) == 0 {
		return nil
	}
	text := "%s has a problem"
	if len(flaws) > 1 {
		text = fmt.Sprintf("%%s has %d problems", len(flaws))
	}
	flaws = sorted(flaws)
	places := make([]problem.Place, 0, len(flaws))
	for _, f := range flaws[:min(len(flaws), maxFacts)] {
		places = append(places, f.place())
	}
	return problem.New(code, text, name).WithFacts(facts(flaws)...).WithPlaces(places...)
}

var (
	yamlLine = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^yaml: (?:line (\d+): )?(?s:(.*))$`)
	})
	yamlQuote = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?s:'.*')`)
	})
	// yamlDirective is one at the beginning, behind comments alone.
	yamlDirective = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(\x{feff}?(?:[ \t]*(?:#[^\n]*)?\n)*)%(YAML 1\.[0-9]+[ \t\r]*\n)`)
	})
)

// parse returns the one document of a file, or nil if it has none.
func (r *reader) parse(text string) *yaml.Node {
	text = withoutDirective(text)
	dec := yaml.NewDecoder(strings.NewReader(text))
	var doc, next yaml.Node
	if err := decode(dec, &doc); err != nil {
		r.syntax(text, err)
		return nil
	}
	if len(doc.Content) == 0 {
		return nil
	}
	if err := decode(dec, &next); err != nil {
		r.syntax(text, err)
	} else if next.Kind != 0 {
		r.flaw(&next, "", "one document only, and this is the second")
	}
	if root := doc.Content[0]; !isNull(root) {
		return root
	}
	return nil
}

// decode reads the next document, and leaves n as it is at the end.
func decode(dec *yaml.Decoder, n *yaml.Node) error {
	if err := dec.Decode(n); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// withoutDirective makes a comment of the directive of a YAML version 1 (YAML 1.2.2 §6.8.1): the parser refuses the newer one.
func withoutDirective(text string) string {
	return yamlDirective().ReplaceAllString(text, "$1#$2")
}

// syntax tells where the YAML breaks, and why. What the parser quotes is left out: it may be part of a secret.
func (r *reader) syntax(text string, err error) {
	if s, found := findSlip(text); found {
		r.flaw(&yaml.Node{Line: s.line, Column: s.column}, "", "not YAML: %s", s.text)
		return
	}
	at, said := &yaml.Node{Line: 1, Column: 1}, err.Error()
	if m := yamlLine().FindStringSubmatch(said); m != nil {
		_, _ = fmt.Sscan(m[1], &at.Line)
		said = m[2]
	}
	if m := strings.HasPrefix(said, "did not find"); m { // the parser counts those from 0
		at.Line++
	}
	r.flaw(at, "", "not YAML: %s", host.CleanText(yamlQuote().ReplaceAllString(said, "'…'"), 120))
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// plain says whether a node is of the YAML that is understood here, and notes what is not.
func (r *reader) plain(n *yaml.Node, key string) bool {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.flaw(n, key, "anchors and aliases are not supported; write the value out")
	case n.Style&yaml.TaggedStyle != 0:
		r.flaw(n, key, "tags are not supported; write the value without one")
	default:
		return true
	}
	return false
}

// mapping returns the values of a mapping by key, and notes what is no mapping, unknown or there twice.
func (r *reader) mapping(n *yaml.Node, key string, known ...string) map[string]*yaml.Node {
	found := map[string]*yaml.Node{}
	r.pairs(n, key, func(name string, k, v *yaml.Node) {
		if slices.Contains(known, name) {
			found[name] = v
			return
		}
		if odd := oddBlankIn(name); odd != "" {
			r.flaw(k, join(key, name), "unknown key: it has %s", odd)
			return
		}
		hint := "; known here: " + strings.Join(known, ", ")
		if near := problem.Nearest(name, known); near != "" {
			hint = fmt.Sprintf("; did you mean %q?", near)
		}
		r.flaw(k, join(key, name), "unknown key%s", hint)
	})
	return found
}

// pairs calls f for each pair of a mapping whose key is not there twice, in the order of the file.
func (r *reader) pairs(n *yaml.Node, key string, f func(name string, k, v *yaml.Node)) {
	if n == nil || isNull(n) || !r.plain(n, key) {
		return
	}
	if n.Kind != yaml.MappingNode {
		r.flaw(n, key, "%s, where keys with values are expected", kindOf(n))
		return
	}
	seen := map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind != yaml.ScalarNode || !r.plain(k, key) {
			if !r.flawed[k] {
				r.flaw(k, key, "a key is plain text")
			}
			continue
		}
		first, twice := seen[strings.ToLower(k.Value)]
		switch {
		case twice && first == k.Value:
			r.flaw(k, join(key, k.Value), "duplicate key")
		case twice:
			r.flaw(k, join(key, k.Value), "differs from %q only in upper and lower case", first)
		default:
			seen[strings.ToLower(k.Value)] = k.Value
			f(k.Value, k, v)
		}
	}
}

// list returns the items of a list; nothing, or no value, is an empty one.
func (r *reader) list(n *yaml.Node, key string) []*yaml.Node {
	if n == nil || isNull(n) || !r.plain(n, key) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.flaw(n, key, "%s, where a list is expected", kindOf(n))
		return nil
	}
	return n.Content
}

// text returns a scalar exactly as it is written; ok is false if there is none.
func (r *reader) text(n *yaml.Node, key string) (s string, ok bool) {
	switch {
	case n == nil || !r.plain(n, key):
		return "", false
	case n.Kind != yaml.ScalarNode:
		r.flaw(n, key, "%s, where one value is expected", kindOf(n))
	case isNull(n):
		r.flaw(n, key, "has no value; give one or leave the key out")
	case strings.ContainsRune(n.Value, 0):
		r.flaw(n, key, "contains a zero byte")
	case n.Style == 0 && oddBlankIn(n.Value) != "":
		r.flaw(n, key, "it has %s; put the value in quotes if it is meant", oddBlankIn(n.Value))
	default:
		return n.Value, true
	}
	return "", false
}

// filled is text that is not empty.
func (r *reader) filled(n *yaml.Node, key string) (string, bool) {
	s, ok := r.text(n, key)
	if ok && s == "" {
		r.flaw(n, key, "is empty; give a value or leave the key out")
		return "", false
	}
	return s, ok
}

func (r *reader) texts(n *yaml.Node, key string) []string {
	var out []string
	for i, item := range r.list(n, key) {
		if s, ok := r.text(item, index(key, i)); ok {
			out = append(out, s)
		}
	}
	return out
}

func (r *reader) boolean(n *yaml.Node, key string) bool {
	s, ok := r.text(n, key)
	if ok && (n.ShortTag() != "!!bool" || s != "true" && s != "false") {
		r.flaw(n, key, "%s is neither true nor false", quote(s))
	}
	return s == "true"
}

func (r *reader) duration(n *yaml.Node, key string, most, byDefault time.Duration) time.Duration {
	s, ok := r.text(n, key)
	if !ok {
		return byDefault
	}
	d, wrong := parseDuration(s, 1, most)
	if wrong != "" {
		r.flaw(n, key, "%s", wrong)
	}
	return d
}

// whole reads a whole number from least to most; without one, it is 0.
func (r *reader) whole(n *yaml.Node, key string, least, most int) int {
	s, ok := r.text(n, key)
	if !ok {
		return 0
	}
	number, err := strconv.Atoi(s)
	if err != nil || number < least || number > most {
		r.flaw(n, key, "%s is not a whole number from %d to %d", quote(s), least, most)
	}
	return number
}

func (r *reader) pattern(n *yaml.Node, key string, good func(string) bool, what string) string {
	s, ok := r.text(n, key)
	if ok && !good(s) {
		r.flaw(n, key, "%s is not %s", quote(s), what)
	}
	return s
}

var (
	bareNumber = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[0-9]+$`)
	})
	bareDays = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[0-9]{1,5}d$`)
	})
)

// parseDuration reads a positive duration, or says what is wrong with it.
func parseDuration(s string, least, most time.Duration) (d time.Duration, wrong string) {
	text := s
	if bareDays().MatchString(s) {
		days, _ := strconv.Atoi(strings.TrimSuffix(s, "d")) // digits
		text = fmt.Sprintf("%dh", 24*days)
	}
	d, err := time.ParseDuration(text)
	switch {
	case bareNumber().MatchString(s) && len(s) < 10:
		return 0, fmt.Sprintf("%q is not a duration; write %ss", s, s)
	case err != nil:
		return 0, quote(s) + " is not a duration, such as 15s, 1h30m or 14d"
	case d <= 0:
		return 0, quote(s) + " is not longer than nothing"
	case d < least:
		return 0, fmt.Sprintf("%s is shorter than the least, %s", quote(s), least)
	case d > most:
		return 0, fmt.Sprintf("%s is longer than the most, %s", quote(s), most)
	}
	return d, ""
}

// kindOf names what a node is, without its text.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys with values"
	case yaml.SequenceNode:
		return "a list"
	}
	return "a single value"
}

func quote(s string) string { return fmt.Sprintf("%q", host.CleanText(s, 60)) }

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

func index(key string, i int) string { return fmt.Sprintf("%s[%d]", key, i) }
