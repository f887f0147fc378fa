package hook

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/internal/child"
)

const (
	// termGrace is how long a hook has between TERM and KILL when its time is over.
	termGrace = 2 * time.Second
	// stopGrace is the same when we are stopped ourselves: somebody waits for us.
	stopGrace = 500 * time.Millisecond
)

// exitNotNow is EX_TEMPFAIL of sysexits.h: "not now, try again later".
const exitNotNow = 75

// prelude narrows the umask in the child alone, since a process has but one, and becomes the hook. PWD and the like are
// the shell's own additions to the environment.
const prelude = `umask 077; unset PWD OLDPWD SHLVL _; exec "$@"`

// Shell runs hooks as commands:
//
//   - sh -c with the hook's constant line, or its argv. Nothing of the event is ever part of either.
//   - The body is on stdin; a hook need not read it. Environment: PATH HOME USER LANG LC_* TZ TMPDIR, and ids, counts
//     and words as HUMANCONNECT_EVENT_TYPE, _EVENT_ID, _SESSION_ID (empty outside of a session), _STATUS, _SEQUENCE,
//     _DELIVERY_TRY, _HOOK. No descriptor of ours but 0, 1 and 2. umask 077. A session of its own, without a terminal.
//   - Exit 0 is accepted, 75 is not now, all else a failure.
//   - When its time is over the group gets TERM, and KILL two seconds later. When it has exited, children that it left
//     get KILL; only a child in a session of its own (setsid) escapes. Where the caller itself is killed with -9, the
//     hook dies with it on Linux, but its children may finish.
//   - stdout and stderr are read to the end, and the last 64 KiB are kept.
type Shell struct {
	// Environ looks a variable of our environment up.
	Environ func(string) (string, bool)
	Clock   clock.Clock
}

// Send implements [Sender].
func (s Shell) Send(ctx context.Context, m Message) Outcome {
	kept := &child.Tail{Limit: outputCap}
	r := child.Run{
		Cmd: s.command(m), Session: true, Input: m.Event.Body, Output: kept, Clock: s.Clock,
		Limit: m.Hook.timeout(), LateGrace: termGrace, StopGrace: stopGrace,
	}
	cause, err := r.Do(ctx)
	o := verdict(cause, err, r.Limit)
	o.Output = kept.Bytes()
	return o
}

func (s Shell) command(m Message) *exec.Cmd {
	argv := m.Hook.Command
	if m.Hook.Shell != "" {
		argv = []string{"sh", "-c", m.Hook.Shell}
	}
	return &exec.Cmd{
		Path: "/bin/sh",
		Args: append([]string{"sh", "-c", prelude, "sh"}, argv...),
		Env:  s.environment(m),
		Dir:  m.Hook.Dir,
	}
}

func (s Shell) environment(m Message) []string {
	var env []string
	for _, name := range inherited() {
		if value, ok := s.Environ(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return append(env,
		"HUMANCONNECT_EVENT_TYPE="+m.Event.Type,
		"HUMANCONNECT_EVENT_ID="+string(m.Event.ID),
		"HUMANCONNECT_SESSION_ID="+string(m.Event.Session),
		"HUMANCONNECT_STATUS="+m.Status,
		"HUMANCONNECT_SEQUENCE="+strconv.FormatInt(m.Event.Sequence, 10),
		"HUMANCONNECT_DELIVERY_TRY="+strconv.Itoa(m.Try),
		"HUMANCONNECT_HOOK="+m.Hook.Name,
	)
}

// inherited lists the variables that a hook gets from us; the LC_ ones are those of POSIX and of glibc.
func inherited() []string {
	return []string{
		"PATH", "HOME", "USER", "TZ", "TMPDIR", "LANG", "LC_ALL", "LC_COLLATE", "LC_CTYPE", "LC_MESSAGES", "LC_MONETARY",
		"LC_NUMERIC", "LC_TIME", "LC_ADDRESS", "LC_IDENTIFICATION", "LC_MEASUREMENT", "LC_NAME", "LC_PAPER", "LC_TELEPHONE",
	}
}

func verdict(cause child.Cause, err error, limit time.Duration) Outcome {
	var status child.StatusError
	switch {
	case cause == child.Stopped:
		return Outcome{Verdict: Interrupted}
	case cause == child.Late:
		return Outcome{Verdict: Hung, Error: fmt.Sprintf("not done within %s", limit)}
	case err == nil:
		return Outcome{Verdict: Accepted}
	case !errors.As(err, &status):
		return Outcome{Error: "could not be started: " + reason(err)}
	case status.ExitStatus() == exitNotNow:
		return Outcome{Verdict: NotNow, Error: "asked for a later try (exit status 75)"}
	}
	return Outcome{Error: status.Error()}
}

// reason is the system's word for an error, without the paths that stand in its text.
func reason(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return "the system refused"
}
