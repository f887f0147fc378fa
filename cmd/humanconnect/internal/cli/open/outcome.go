package open

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// reportOutcome prints one error for a session that did not end well, with the exit code of the call: what became of the token,
// or of the actions. A person has seen the actions on the screen.
func (c *call) reportOutcome(final *session.Final, own session.Cut, code int) {
	var r event.Response
	if json.Unmarshal(final.Response, &r) != nil {
		return
	}
	p := c.actionsProblem(final, own, r.Failures)
	if c.onScreen {
		p = nil
	}
	if final.Status != event.Success {
		failed := p
		p = c.tokenProblem(final)
		if failed != nil && len(r.Failures) > 0 {
			p = p.Fact("%s", failed.Message())
		}
	}
	if p != nil {
		c.a.IO.Report(exit.As(code, p))
	}
}

// tokenProblem says what became of the token, and what to do.
func (c *call) tokenProblem(final *session.Final) *problem.Problem {
	local := c.inst.RequireLocalTokens() == nil
	anew := "create one with: humanconnect token create --client-user-id ID > FILE; then pass --token @FILE"
	if !local {
		anew = "get one from the service that issues the session tokens, and pass it with --token @FILE"
	}
	var p *problem.Problem
	switch {
	case final.Session != "" && final.Status == event.TokenExpired:
		p = problem.New(exit.CodeStatusExpired, "the session ended when its token expired").Hint("for another session, %s", anew)
	case final.Session != "":
		p = problem.New(exit.CodeStatusInvalid, "the session ended when its token was revoked").Hint("for another session, %s", anew)
	case final.Status == event.TokenMissing:
		p = problem.New(exit.CodeStatusMissing, "no session token was given").Hint("%s", anew)
	case final.Status == event.TokenExpired:
		p = problem.New(exit.CodeStatusExpired, "the session token has expired").Hint("%s", anew)
	default:
		p = c.invalidToken(local, anew)
	}
	if c.a.IO.Flags.Debug && final.Reason != "" {
		p = p.Fact("reason: %s", final.Reason)
	}
	return p
}

// invalidToken says of a token that is not valid what can be said without judging it, and gives one hint.
func (c *call) invalidToken(local bool, anew string) *problem.Problem {
	p := problem.New(exit.CodeStatusInvalid, "the session token is not valid")
	if hint := c.fileMeant(); hint != "" {
		return p.Hint("%s", hint)
	}
	malformed := token.Malformed(c.request.Token)
	switch {
	case malformed != "":
		return p.Fact("%s", malformed).Hint("pass the token alone, in a file: --token @FILE")
	case local:
		return p.Hint("%s", anew)
	}
	return p.Hint("for the rule that it breaks: humanconnect token inspect @FILE")
}

// fileMeant is the hint for a value that is not a token but the name of a file, or "".
func (c *call) fileMeant() string {
	const longest = 255
	value, flag, other := c.options.token, "--token @%s", ""
	if value == "" {
		value = c.a.Variable("HUMANCONNECT_SESSION_TOKEN")
		if rest, at := strings.CutPrefix(value, "@"); at {
			value = rest
		}
		flag, other = "HUMANCONNECT_SESSION_TOKEN_FILE=%s", c.a.Variable("HUMANCONNECT_SESSION_TOKEN_FILE")
	}
	if value == "" || other != "" || len(value) > longest || strings.HasPrefix(value, "@") || value == "-" {
		return ""
	}
	if info, err := os.Stat(value); err != nil || info.IsDir() {
		return ""
	}
	return "that is the name of a file; did you mean: " + fmt.Sprintf(flag, iostreams.Clean(value))
}

// maxNamedFailures is how many failures the error of a session names.
const maxNamedFailures = 10

// actionsProblem says how many of the actions failed, and with which codes; nil where all went well.
func (c *call) actionsProblem(final *session.Final, own session.Cut, failed []event.Failure) *problem.Problem {
	cut := own
	if cut == session.CutNone && !final.OtherScript {
		cut = final.Cut
	}
	code, why := problem.Code(exit.CodeActionsFailed), ""
	switch cut {
	case session.CutTimeLimit:
		code, why = problem.CodeTimeout, "time limit exceeded; "
	case session.CutInterrupt, session.CutTerminate, session.CutHangup:
		code, why = exit.CodeInterrupted, "interrupted; "
	default:
		if len(failed) == 0 {
			return nil
		}
	}
	p := problem.New(code, "%s%s", why, c.countFailures(final, failed))
	switch {
	case cut == session.CutTimeLimit:
		return p.Hint("set a longer limit with --timeout; a new session needs a new token")
	case cut != session.CutNone:
		return p
	}
	for _, f := range failed { // what a setting lacks has been hinted at
		if hints := failure.HintsOf(problem.Code(f.Code), f.Source.ID, f.Setting, f.DocumentationURL); f.Setting == "" && len(hints) > 0 {
			return p.Hint("%s", hints[0])
		}
	}
	return p
}

// countFailures counts the failures, of how many actions, and names each with its code. Where standard error is no terminal it
// may be a log, in which no source is named: the response tells which ones failed.
func (c *call) countFailures(final *session.Final, failed []event.Failure) string {
	total := len(c.request.Script.Actions)
	if total < len(failed) || final.OtherScript {
		total = len(failed)
	}
	if len(failed) == 0 {
		return "every action was finished"
	}
	var named []string
	for _, f := range failed[:min(len(failed), maxNamedFailures)] {
		target := ""
		switch {
		case f.ConnectionID != "":
			target = " " + string(f.ConnectionID)
		case c.a.IO.ErrTerminal:
			target = " " + f.Source.ID
		}
		named = append(named, fmt.Sprintf("%s%s (%s)", f.Action, target, f.Code))
	}
	if more := len(failed) - maxNamedFailures; more > 0 {
		named = append(named, fmt.Sprintf("and %d more", more))
	}
	noun := "actions"
	if total == 1 {
		noun = "action"
	}
	where := ""
	if !c.a.IO.ErrTerminal {
		where = "; failures in the response names the sources"
	}
	return fmt.Sprintf("%d of %d %s failed: %s%s", len(failed), total, noun, strings.Join(named, ", "), where)
}
