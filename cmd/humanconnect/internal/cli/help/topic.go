package help

import (
	"io"
	"strconv"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// topic is a page of the help that belongs to no command. It is made of the table that the code itself uses.
type topic struct {
	Name  string
	Short string
	// Intro is the text before the table.
	Intro string
	// Rows returns the table as a JSON document.
	Rows func() any
	// Lines returns the table as text.
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
	if err := iostreams.WriteText(w, t.Intro+"\n"); err != nil {
		return err
	}
	header, rows := t.Lines()
	return iostreams.WriteTable(w, header, rows)
}

// exitCode is one exit code. Its id is the code as text.
type exitCode struct {
	Kind    string `json:"kind"`
	ID      string `json:"id"`
	Code    int    `json:"code"`
	Meaning string `json:"meaning"`
}

func exitCodes() []exitCode {
	rows := []exitCode{}
	for _, e := range exit.Entries() {
		rows = append(rows, exitCode{kindExitCode, strconv.Itoa(e.Code), e.Code, e.Meaning})
	}
	return rows
}

func exitCodesTopic() topic {
	return topic{
		Name:  "exit-codes",
		Short: "Exit codes and their meaning",
		Intro: "Exit codes and their meaning. New codes may be added: treat an unknown code as a failure.\n2 is reserved for crashes of the program.",
		Rows:  func() any { return exitCodes() },
		Lines: func() ([]string, [][]string) {
			var rows [][]string
			for _, e := range exit.Entries() {
				rows = append(rows, []string{strconv.Itoa(e.Code), e.Meaning})
			}
			return []string{"CODE", "MEANING"}, rows
		},
	}
}

// variable is one environment variable that the program reads, or passes to hooks and providers.
type variable struct {
	Kind string `json:"kind"`
	// ID is its name.
	ID      string `json:"id"`
	Meaning string `json:"meaning"`
	// Given: it is passed to a hook or a provider, and not read.
	Given bool `json:"given"`
}

// variables lists the variables that the program reads, then those that it passes on.
func variables() []variable {
	var read, given []variable
	for _, v := range config.Variables() {
		if v.Given {
			given = append(given, variable{kindVariable, v.Name, v.Doc, true})
		} else {
			read = append(read, variable{kindVariable, v.Name, v.Doc, false})
		}
	}
	for _, v := range [][2]string{
		{"BROWSER", "command that opens a URL, for sources that need a browser"},
		{"DISPLAY", "if this or WAYLAND_DISPLAY is set, the browser of the desktop can be used"},
		{"WAYLAND_DISPLAY", "see DISPLAY"},
		{"CI", "if set to anything but 0 or false: no prompts, and no provider runs without a pin"},
		{"NO_COLOR", "if set, no colour"},
		{"COLORFGBG", "light or dark background, if the terminal does not report it"},
		{"LC_ALL", "language of the user, passed to sources: this, else LC_MESSAGES, else LANG"},
		{"LC_MESSAGES", "see LC_ALL"},
		{"LANG", "see LC_ALL"},
		{"ACCESSIBLE", "if set, prompts are line by line, as with open --accessible"},
		{"TERM", "dumb: no colour, no progress line and no screens"},
		{"HTTPS_PROXY", "proxy to the session token service; passed to providers without user and password"},
		{"HTTP_PROXY", "the same, for plain http"},
		{"NO_PROXY", "hosts to reach without a proxy"},
		{"SSL_CERT_FILE", "CA certificates to trust instead of the system's; passed to providers"},
		{"SSL_CERT_DIR", "directories of CA certificates; passed to providers"},
	} {
		read = append(read, variable{kindVariable, v[0], v[1], false})
	}
	return append(read, given...)
}

func environmentTopic() topic {
	return topic{
		Name:  "environment",
		Short: "Environment variables that are read, or passed to hooks and providers",
		Intro: "Environment variables that are read, or passed to hooks and providers. A flag overrides its\nvariable, a variable overrides the config file.",
		Rows:  func() any { return variables() },
		Lines: func() ([]string, [][]string) {
			var rows [][]string
			for _, v := range variables() {
				rows = append(rows, []string{v.ID, v.Meaning})
			}
			return []string{"VARIABLE", "MEANING"}, rows
		},
	}
}

// failureRow is one failure code of a source.
type failureRow struct {
	Kind string `json:"kind"`
	// ID is the code.
	ID      problem.Code `json:"id"`
	Meaning string       `json:"meaning"`
	// Retryable: the same action may succeed later.
	Retryable bool   `json:"retryable"`
	Hint      string `json:"hint"`
}

func failureRows() []failureRow {
	rows := []failureRow{}
	for _, e := range failure.Entries() {
		rows = append(rows, failureRow{kindFailure, e.Code, e.Meaning, e.Retryable, e.Hint})
	}
	return rows
}

func failuresTopic() topic {
	return topic{
		Name:  "failures",
		Short: "Failure codes of sources",
		Intro: "Failure codes of sources, as in failures of the response.\nRetryable: the same action may succeed later.",
		Rows:  func() any { return failureRows() },
		Lines: func() ([]string, [][]string) {
			var lines [][]string
			for _, r := range failureRows() {
				retry := "no"
				if r.Retryable {
					retry = "yes"
				}
				lines = append(lines, []string{string(r.ID), retry, r.Meaning, r.Hint})
			}
			return []string{"CODE", "RETRYABLE", "MEANING", "HINT"}, lines
		},
	}
}
