package help

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// page is one man page in the macros of man(7). Its methods take plain text.
type page struct{ strings.Builder }

// escape makes plain text of what roff would read as its own: a backslash, characters that it prints as others, and those beyond ASCII.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch r {
		case '\\':
			b.WriteString(`\(rs`)
		case '-': // a bare one may become a typographic hyphen, which a copied flag must not have
			b.WriteString(`\-`)
		case '\'':
			b.WriteString(`\(aq`)
		case '`':
			b.WriteString(`\(ga`)
		case '^':
			b.WriteString(`\(ha`)
		case '~':
			b.WriteString(`\(ti`)
		case '"':
			b.WriteString(`\(dq`)
		default:
			if r > '~' {
				fmt.Fprintf(&b, `\[u%04X]`, r)
			} else {
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}

// macro writes a line of a macro with its arguments.
func (p *page) macro(name string, args ...string) {
	p.WriteString("." + name)
	for _, arg := range args {
		p.WriteString(` "` + escape(arg) + `"`)
	}
	p.WriteString("\n")
}

func (p *page) section(title string) { p.macro("SH", strings.ToUpper(title)) }

// text writes lines of text. None is taken for a macro, and none is empty.
func (p *page) text(s string) {
	for line := range strings.Lines(s) {
		line = escape(strings.TrimRight(line, "\n"))
		if strings.HasPrefix(line, ".") {
			line = `\&` + line
		}
		if line != "" {
			p.WriteString(line + "\n")
		}
	}
}

// paragraphs writes paragraphs with empty lines between them. One whose lines are indented is an example.
func (p *page) paragraphs(s string) {
	for i, paragraph := range strings.Split(strings.TrimSpace(s), "\n\n") {
		switch {
		case strings.HasPrefix(paragraph, "  "):
			p.macro("PP")
			p.verbatim(exampleLines(paragraph))
			continue
		case i > 0:
			p.macro("PP")
		}
		p.text(paragraph)
	}
}

// item writes a term with its meaning.
func (p *page) item(term, meaning string) {
	p.macro("TP")
	p.macro("B", term)
	p.text(meaning)
}

// verbatim writes lines as they are.
func (p *page) verbatim(lines []string) {
	p.macro("nf")
	p.macro("RS", "4")
	p.text(strings.Join(lines, "\n"))
	p.macro("RE")
	p.macro("fi")
}

// flags lists flags under a title, if there are any.
func (p *page) flags(title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	p.section(title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		term := "--" + f.Name
		if f.Shorthand != "" {
			term = "-" + f.Shorthand + ", " + term
		}
		if value != "" {
			term += " " + value
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0s" {
			usage += " (default " + f.DefValue + ")"
		}
		p.item(term, usage)
	})
}
