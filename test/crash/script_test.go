//go:build linux

package crash_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

const (
	connect    = "connect"
	disconnect = "disconnect"

	instant = "sandbox-instant"
	clinic  = "sandbox-clinic"
	family  = "sandbox-family"
	tracker = "sandbox-tracker"
)

// action is one of a script.
type action struct{ verb, source string }

// script is what a session is opened for.
type script struct {
	name    string
	actions []action
	answers []string
	// fails says with which code each connect of a source fails; others succeed.
	fails map[string]string
	// stubborn is a source that does not revoke.
	stubborn string
}

// browser is what the person does in it: another account for each session, so that nobody else holds its grant.
func (s script) browser(number int) string {
	visit := fmt.Sprintf("%s consent --username demouser%d", binary("humanconnect-sandbox"), number)
	if s.stubborn == tracker {
		visit += " --fault revoke_fails"
	}
	return visit
}

// args are those of open.
func (s script) args() []string {
	var args []string
	for _, a := range s.actions {
		args = append(args, "--"+a.verb, a.source)
	}
	return append(args, s.answers...)
}

// count says how many actions of a kind there are.
func (s script) count(verb, source string) int {
	n := 0
	for _, a := range s.actions {
		if a.verb == verb && a.source == source {
			n++
		}
	}
	return n
}

// asks says whether a source asks for something; an answer to that is not repeated after a crash.
func asks(source string) bool { return source != instant }

func scripts() []script {
	on := func(source string) action { return action{connect, source} }
	off := func(source string) action { return action{disconnect, source} }
	atClinic, atFamily := login(clinic, "demouser"), append(login(family, "demouser"), "--answer", family+".member=robin")
	all := slices.Concat(atClinic, atFamily)
	return []script{
		{name: "instant", actions: []action{on(instant)}},
		{name: "clinic", actions: []action{on(clinic)}, answers: atClinic},
		{name: "family", actions: []action{on(family)}, answers: atFamily},
		{name: "several", actions: []action{on(instant), on(clinic), on(family)}, answers: all},
		{name: "renew", actions: []action{on(instant), on(instant), off(clinic), on(instant)}},
		{name: "there and back", actions: []action{on(instant), on(clinic), off(instant), off(clinic), on(instant)}, answers: atClinic},
		{name: "around", actions: []action{on(family), off(family), on(family)}, answers: atFamily},
		{
			name: "wrong password", actions: []action{on(clinic), on(instant)},
			answers: []string{"--answer", clinic + ".username=demouser", "--answer", clinic + ".password=wrong"},
			fails:   map[string]string{clinic: "invalid_input"},
		},
		{
			name: "refused", actions: []action{on(clinic), off(clinic), on(instant)}, answers: login(clinic, "error_access_denied"),
			fails: map[string]string{clinic: "access_denied"},
		},
		{name: "nothing there", actions: []action{off(family)}},
		{name: "revoke fails", actions: []action{on(clinic), off(clinic)}, answers: login(clinic, "revoke_fails"), stubborn: clinic},
		{name: "browser", actions: []action{on(tracker), on(instant)}},
		{name: "browser and back", actions: []action{on(tracker), off(tracker), on(instant)}},
		{name: "browser, revoke fails", actions: []action{on(instant), on(tracker), off(tracker)}, stubborn: tracker},
		{
			name: "wait", actions: []action{on(instant), on(family)},
			answers: append(login(family, "wait"), "--answer", family+".member=sam"),
		},
		{name: "slow", actions: []action{on(clinic), off(clinic)}, answers: login(clinic, "slow")},
	}
}

// busy is a script with one of everything that is committed, one after the other.
func busy() script {
	return script{
		name: "busy", actions: []action{{connect, tracker}, {disconnect, tracker}, {connect, instant}, {disconnect, instant}, {connect, clinic}},
		answers: login(clinic, "demouser"),
	}
}

// choose draws a script.
func choose(r *rand.Rand) script { return scripts()[r.IntN(len(scripts()))] }
