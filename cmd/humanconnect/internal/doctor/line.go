package doctor

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// command is one command of a line for sh, as far as it is plain text.
type command struct {
	// words are its words without assignments; "" is one that sh makes.
	words []string
	// files are those that it redirects its output to.
	files []string
	// sure: sh runs it whatever becomes of the others. The rest of a line may be meant for another case.
	sure bool
	// moved: a cd comes before it, so that its relative paths are elsewhere.
	moved bool
}

// program is the word that names what is run; "" where it is one of sh's own, or not plain.
func (c command) program() string {
	words := c.words
	for len(words) > 0 && slices.Contains([]string{"exec", "nohup", "!"}, words[0]) {
		words = words[1:]
	}
	if len(words) == 0 || strings.HasPrefix(words[0], "-") || builtin(words[0]) || c.elsewhere(words[0]) {
		return ""
	}
	return words[0]
}

// written are the files that it writes to by its own words: redirected output, and those of tee.
func (c command) written() []string {
	files := c.files
	if c.program() == "tee" {
		for _, word := range c.words[1:] {
			if !strings.HasPrefix(word, "-") {
				files = append(files, word)
			}
		}
	}
	return slices.DeleteFunc(files, func(f string) bool {
		return f == "" || strings.HasPrefix(f, "/dev/") || c.moved && !strings.HasPrefix(f, "/")
	})
}

// elsewhere says whether nobody knows which program a word names.
func (c command) elsewhere(word string) bool {
	return c.moved && strings.Contains(word, "/") && !strings.HasPrefix(word, "/")
}

// parseLine reads a line for sh up to what is not plain: a subshell, a compound command, a here-document. Whoever needs to know
// more has to run it.
func parseLine(line string) []command {
	p := parser{rest: line, pipeline: []command{{}}}
	for p.next() {
	}
	p.endPipeline(true)
	return p.done
}

// parser reads a line for sh (POSIX, 2.3).
type parser struct {
	rest string
	done []command
	// pipeline is the one that is read, and its last command the one that takes the words.
	pipeline []command
	// redirect is the operator before the word that comes next, or "".
	redirect string
	// depends: sh comes to the pipeline only if the one before ended well, or badly. left: it may have left before that.
	depends, left  bool
	moved, stopped bool
}

var (
	operator = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:[0-9]*(?:>>|>&|>\||<&|<<|<>|>|<)|&&|\|\||;;|[;&|\n()])`)
	})
	plain      = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[^\s'"\\$` + "`" + `;&|<>()*?\[{}#~!]+`) })
	assignment = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`) })
)

// next reads a word or an operator.
func (p *parser) next() bool {
	p.rest = strings.TrimLeft(p.rest, " \t\r")
	if strings.HasPrefix(p.rest, "#") {
		_, after, more := strings.Cut(p.rest, "\n")
		p.rest = strings.Repeat("\n", map[bool]int{true: 1}[more]) + after
	}
	if p.rest == "" || p.stopped {
		return false
	}
	op := operator().FindString(p.rest)
	p.rest = p.rest[len(op):]
	switch op {
	case "":
		p.word()
	case "|":
		p.pipeline, p.redirect = append(p.pipeline, command{}), ""
	case ";", "&", "\n":
		p.endPipeline(true)
		p.depends = false
	case "&&", "||":
		p.endPipeline(op == "&&")
		p.depends = true
	case "(", ")", ";;":
		p.stopped = true
	default:
		p.redirect = strings.TrimLeft(op, "0123456789")
		p.stopped = p.redirect == "<<"
	}
	return !p.stopped
}

// endPipeline ends one. needed: its failure is not what the line goes on with.
func (p *parser) endPipeline(needed bool) {
	moved := p.moved && !slices.ContainsFunc(p.pipeline, func(c command) bool { return len(c.words) > 0 && c.words[0] == "cd" })
	sure := needed && !p.depends && !p.left
	for _, c := range p.pipeline {
		c.moved = moved
		if c.sure = sure; len(c.words) > 0 || len(c.files) > 0 {
			p.done = append(p.done, c)
		}
		p.left = p.left || len(c.words) > 0 && slices.Contains([]string{"exit", "exec", "set", "return", "trap", "eval", "."}, c.words[0])
	}
	p.pipeline, p.redirect = []command{{}}, ""
}

// word reads a word, and gives it to the command or to its redirection.
func (p *parser) word() {
	text, known := p.readWord()
	c := &p.pipeline[len(p.pipeline)-1]
	if !known {
		text = ""
	}
	switch op := p.redirect; {
	case op != "":
		if p.redirect = ""; op == ">" || op == ">>" || op == ">|" {
			c.files = append(c.files, text)
		}
	case len(c.words) == 0 && assignment().MatchString(text):
	case len(c.words) == 0 && compound(text):
		p.stopped = true
	default:
		c.words = append(c.words, text)
		if text == "cd" && len(c.words) == 1 {
			p.moved = true
		}
	}
}

// readWord reads up to the next blank or operator; known is false where sh expands something in it.
func (p *parser) readWord() (text string, known bool) {
	for known = true; p.rest != ""; {
		if part := plain().FindString(p.rest); part != "" {
			text, p.rest = text+part, p.rest[len(part):]
			continue
		}
		switch first := p.rest[0]; {
		case strings.IndexByte(" \t\r\n;&|<>()", first) >= 0:
			return text, known
		case first == '\'' || first == '"':
			inner, sure := p.readQuoted()
			text, known = text+inner, known && sure
		case first == '\\' && len(p.rest) > 1:
			text, p.rest = text+p.rest[1:2], p.rest[2:]
		case first == '`' || strings.HasPrefix(p.rest, "$("):
			p.rest, p.stopped, known = "", true, false
		default:
			text, p.rest = text+p.rest[:1], p.rest[1:]
			known = known && (first == '#' || first == '!' || first == '{' || first == '}')
		}
	}
	return text, known
}

// readQuoted reads what is in quotes.
func (p *parser) readQuoted() (text string, known bool) {
	quote := p.rest[:1]
	text, after, ended := strings.Cut(p.rest[1:], quote)
	p.rest = after
	return text, ended && (quote == "'" || !strings.ContainsAny(text, "$`\\"))
}

// compound says whether a word begins or goes on with a compound command (POSIX, 2.9.4).
func compound(word string) bool {
	return slices.Contains([]string{"if", "then", "elif", "else", "fi", "for", "while", "until", "do", "done", "case", "esac", "{", "}", "function", "[["}, word)
}

// builtin says whether a word is a utility that sh has without a file (POSIX, 2.14), or may have; it may also be no plain word.
func builtin(word string) bool {
	return slices.Contains([]string{
		"", ":", ".", "[", "alias", "break", "cd", "command", "continue", "echo", "eval", "exit", "export", "false", "kill", "local", "printf",
		"pwd", "read", "readonly", "return", "set", "shift", "source", "test", "times", "trap", "true", "type", "ulimit", "umask", "unset", "wait",
	}, word)
}
