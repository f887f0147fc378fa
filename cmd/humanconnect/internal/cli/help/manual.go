package help

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
)

// The sections of the manual: commands, and topics, which belong to no command.
const (
	sectionCommands = "1"
	sectionTopics   = "7"
)

// Manual returns the man pages of a tree of commands and of the topics, by their file names: one for each command that a person can
// call, as humanconnect-token-create.1, and one for each topic, as humanconnect-exit-codes.7. The version is in the footer; date is
// that of the pages, or "". The program itself does not call it.
func Manual(root *cobra.Command, version, date string) map[string]string {
	pages := map[string]string{}
	m := manual{root: root, version: version, date: date}
	m.addCommands(root, pages)
	for _, t := range topics() {
		pages[m.pageOf(t.Name)+"."+sectionTopics] = m.topicPage(t)
	}
	return pages
}

// manual writes pages.
type manual struct {
	root          *cobra.Command
	version, date string
}

func (m manual) addCommands(c *cobra.Command, pages map[string]string) {
	pages[m.pageOf(c.CommandPath())+"."+sectionCommands] = m.commandPage(c)
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() || sub.Name() == "help" {
			m.addCommands(sub, pages)
		}
	}
}

// pageOf is the name of the page of a command or a topic.
func (m manual) pageOf(name string) string {
	name = strings.TrimPrefix(name, m.root.Name()+" ")
	if name == m.root.Name() {
		return name
	}
	return m.root.Name() + "-" + strings.ReplaceAll(name, " ", "-")
}

func (m manual) commandPage(c *cobra.Command) string {
	h := describeCommand(c)
	p := m.begin(m.pageOf(h.ID), sectionCommands, h.Short)
	p.section("Synopsis")
	p.macro("B", h.ID)
	p.text(strings.TrimSpace(strings.TrimPrefix(h.Usage, h.ID)))
	p.section("Description")
	p.paragraphs(c.Long)
	m.writeCommands(p, h)
	p.flags("Options", ownFlags(c))
	p.flags("Global options", c.Root().PersistentFlags())
	if codes := command.ExitsOf(c); len(codes) > 0 {
		p.section("Exit status")
		for _, e := range codes {
			p.item(strconv.Itoa(e.Code), e.Meaning)
		}
	}
	if len(h.Examples) > 0 {
		p.section("Examples")
		p.verbatim(h.Examples)
	}
	m.seeAlso(p, c)
	return p.String()
}

// writeCommands lists the commands below one, in their groups.
func (m manual) writeCommands(p *page, h commandHelp) {
	group := ""
	for i, sub := range h.Commands {
		if title := cmp.Or(command.Text(sub.Group), "Commands"); i == 0 || title != group {
			p.section(title)
			group = title
		}
		p.item(m.pageOf(h.ID+" "+sub.Name)+"("+sectionCommands+")", sub.Short)
	}
	if len(h.Topics) > 0 {
		p.section("Topics")
	}
	for _, t := range h.Topics {
		p.item(m.pageOf(t.Name)+"("+sectionTopics+")", t.Short)
	}
}

// seeAlso names the page above, and the pages of the topics.
func (m manual) seeAlso(p *page, c *cobra.Command) {
	if !c.HasParent() {
		return
	}
	names := []string{m.pageOf(c.Parent().CommandPath()) + "(" + sectionCommands + ")"}
	for _, t := range topics() {
		names = append(names, m.pageOf(t.Name)+"("+sectionTopics+")")
	}
	p.section("See also")
	p.text(strings.Join(names, ", "))
}

func (m manual) topicPage(t topic) string {
	p := m.begin(m.pageOf(t.Name), sectionTopics, t.Short)
	p.section("Description")
	p.paragraphs(t.Intro)
	header, rows := t.Lines()
	for _, row := range rows {
		p.item(row[0], "")
		for i, cell := range row[1:] {
			if len(row) > 2 {
				cell = strings.ToLower(header[i+1]) + ": " + cell
			}
			p.text(cell)
			if i+2 < len(row) {
				p.macro("br")
			}
		}
	}
	p.section("See also")
	p.text(m.root.Name() + "(" + sectionCommands + ")")
	return p.String()
}

// begin begins a page with its title and its name.
func (m manual) begin(name, section, short string) *page {
	p := &page{}
	source := strings.TrimSpace(m.root.Name() + " " + m.version)
	fmt.Fprintf(p, ".TH %s %s %q \"%s\" \"%s manual\"\n", escape(strings.ToUpper(name)), section, m.date, escape(source), m.root.Name())
	p.WriteString(".nh\n.ad l\n") // no hyphens in the names of flags, and no wide gaps around them
	p.section("Name")
	p.text(name + " - " + strings.ToLower(short[:1]) + short[1:])
	return p
}
