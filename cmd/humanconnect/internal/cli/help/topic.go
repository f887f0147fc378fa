package help

import (
	"fmt"
	"io"
	"strconv"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// topic is a page of the help that is no command's. It is made of the table that the code itself goes by.
type topic struct {
	Name  string
	Short string
	// Intro stands before the table.
	Intro string
	// Rows makes the table as a JSON document.
	Rows func() any
	// Lines is the table as text.
	Lines func() (header []string, rows [][]string)
}

func topics() []topic {
	return []topic{exitCodesTopic(), environmentTopic(), failuresTopic()}
}

// TopicNames are the names of the topics.
func TopicNames() []string {
	var names []string
	for _, t := range topics() {
		names = append(names, t.Name)
	}
	return names
}

func findTopic(name string) (topic, bool) {
	for _, t := range topics() {
		if t.Name == name {
			return t, true
		}
	}
	return topic{}, false
}

func (t topic) write(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "%s\n\n", t.Intro); err != nil {
		return err
	}
	header, rows := t.Lines()
	return iostreams.WriteTable(w, header, rows)
}

func exitCodesTopic() topic {
	return topic{
		Name:  "exit-codes",
		Short: "What each exit code means",
		Intro: "What each exit code means. New ones may come: treat one that you do not know as a failure.\n2 is left to crashes of the program.",
		Rows:  func() any { return exit.Entries() },
		Lines: func() ([]string, [][]string) {
			var rows [][]string
			for _, e := range exit.Entries() {
				rows = append(rows, []string{strconv.Itoa(e.Code), e.Meaning})
			}
			return []string{"CODE", "MEANING"}, rows
		},
	}
}

// variable is one variable of the environment that the program reads, or gives to what it starts.
type variable struct {
	Name    string `json:"name"`
	Meaning string `json:"meaning"`
	// Given: it is given to a hook or a provider, and not read.
	Given bool `json:"given"`
}

// variables lists what the program reads of the environment, and then what it gives.
func variables() []variable {
	var read, given []variable
	for _, v := range config.Variables() {
		if v.Given {
			given = append(given, variable{v.Name, v.Doc, true})
		} else {
			read = append(read, variable{v.Name, v.Doc, false})
		}
	}
	for _, v := range [][2]string{
		{"BROWSER", "command that opens an address, for sources that need a browser"},
		{"DISPLAY", "when set, or WAYLAND_DISPLAY, there is a desktop whose browser can be opened"},
		{"WAYLAND_DISPLAY", "see DISPLAY"},
		{"CI", "when set, to anything but 0 or false: nothing is asked, and no provider runs without a pin"},
		{"NO_COLOR", "when set, no colour"},
		{"COLORFGBG", "tells a light background from a dark one, where the terminal does not answer"},
		{"LC_ALL", "the person's language, which a source may speak: this, else LC_MESSAGES, else LANG"},
		{"LC_MESSAGES", "see LC_ALL"},
		{"LANG", "see LC_ALL"},
		{"ACCESSIBLE", "when set, a person is asked line by line, as with open --accessible"},
		{"TERM", "dumb: no colour, no progress line and no screens"},
		{"HTTPS_PROXY", "proxy to the service that has the session tokens; providers see it without user and password"},
		{"HTTP_PROXY", "the same, for plain http"},
		{"NO_PROXY", "hosts that are reached without a proxy"},
		{"SSL_CERT_FILE", "certificates to trust in place of the system's; providers see it"},
		{"SSL_CERT_DIR", "directories with such certificates; providers see it"},
	} {
		read = append(read, variable{v[0], v[1], false})
	}
	return append(read, given...)
}

func environmentTopic() topic {
	return topic{
		Name:  "environment",
		Short: "Which variables of the environment are read, and which are given to hooks and providers",
		Intro: "Which variables of the environment are read, and which are given to hooks and providers. A flag\nwins over its variable, a variable over the config file.",
		Rows:  func() any { return variables() },
		Lines: func() ([]string, [][]string) {
			var rows [][]string
			for _, v := range variables() {
				rows = append(rows, []string{v.Name, v.Meaning})
			}
			return []string{"VARIABLE", "MEANING"}, rows
		},
	}
}

// failureRow is one failure code of a source.
type failureRow struct {
	Code      problem.Code `json:"code"`
	Meaning   string       `json:"meaning"`
	Retryable bool         `json:"retryable"`
	Hint      string       `json:"hint"`
}

func failureRows() []failureRow {
	rows := []failureRow{}
	for _, e := range failure.Entries() {
		rows = append(rows, failureRow{e.Code, e.Meaning, e.Retryable, e.Hint})
	}
	return rows
}

func failuresTopic() topic {
	return topic{
		Name:  "failures",
		Short: "Why connecting or disconnecting a source fails",
		Intro: "Why connecting or disconnecting a source fails: the codes in failures of the response.\nRetryable: the same action may succeed later.",
		Rows:  func() any { return failureRows() },
		Lines: func() ([]string, [][]string) {
			var lines [][]string
			for _, r := range failureRows() {
				retry := "no"
				if r.Retryable {
					retry = "yes"
				}
				lines = append(lines, []string{string(r.Code), retry, r.Meaning, r.Hint})
			}
			return []string{"CODE", "RETRYABLE", "MEANING", "WHAT TO DO"}, lines
		},
	}
}
