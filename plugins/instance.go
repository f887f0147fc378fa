package plugins

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin"

	"github.com/humanconnect/humanconnect/sdk/host"
)

// stopGrace is how long a provider may take to exit when it is stopped. It keeps nothing between two calls, so there is
// little to do.
const stopGrace = 500 * time.Millisecond

// instance is one process of a provider that completed its handshake, and the connection to it.
//
//	            beginCall                          endCall, and no other call
//	(idle) ───────────────────▶ (busy) ──────────────────────────────────────────▶ (idle)
//	  │                           └── retire: it hangs ──▶ (retired) ──last call ends──▶ killed
//	  └── retireIdle: idle for too long, or others need its place ──▶ stopped
type instance struct {
	host   *Host
	launch *launch
	client *plugin.Client
	calls  *host.Client
	// gone is closed when the process has ended and everything of it is removed.
	gone chan struct{}

	mu       sync.Mutex
	inFlight int
	retired  bool
	expected bool
	counted  bool
	// begun is how many calls have begun. idleAt orders the processes by when they became idle, and idleTimer stops this one.
	begun     int
	idleAt    int64
	idleTimer *time.Timer
}

// startInstance starts the program, waits for its handshake and connects. It ends when ctx does, with the group killed and
// everything removed, as after every failure; errStartLimit as the cause of ctx is the start limit.
func (l *launch) startInstance(ctx context.Context, h *Host) (*instance, error) {
	limit := h.limits.Start
	inst := &instance{host: h, launch: l, client: plugin.NewClient(l.config(limit)), gone: make(chan struct{})}
	var err error
	connected := make(chan struct{})
	go func() {
		defer close(connected)
		err = inst.connect(ctx)
	}()
	select {
	case <-connected:
		if err != nil && ctx.Err() != nil {
			err = l.interrupted(ctx, limit)
		} else if err != nil {
			err = l.failure(err)
		}
	case <-ctx.Done():
		_ = l.Kill(ctx)
		<-connected
		err = l.interrupted(ctx, limit)
	}
	if err == nil {
		return inst, nil
	}
	_ = l.Kill(ctx)
	inst.clear()
	return nil, err
}

// errStartLimit is the cause of a start's context that ends because the start limit is over.
var errStartLimit = errors.New("start limit is over")

// interrupted returns why a start was cancelled.
func (l *launch) interrupted(ctx context.Context, limit time.Duration) error {
	if !errors.Is(context.Cause(ctx), errStartLimit) {
		return context.Cause(ctx)
	}
	if e := l.flooded(); e != nil {
		return e
	}
	if l.handshake != nil && l.handshake.isGood() {
		return newError(CodeStartTimeout, l.spec.Name, "did not answer on its socket within %s", limit).
			lines(l.tail()).hint("report it to the provider's author")
	}
	if l.handshake != nil && l.handshake.isClosed() {
		return l.noHandshake()
	}
	tail := l.tail()
	e := newError(CodeStartTimeout, l.spec.Name, "did not complete the go-plugin handshake within %s", limit).
		fact("file: %s", l.spec.Path()).lines(tail)
	if l.handshake != nil {
		if printed := l.handshake.unfinished(); printed != "" {
			return e.fact("standard output, without a line feed: «%s»", printed).
				hint("end the line with a line feed, and flush standard output")
		}
	}
	if len(tail) == 0 {
		return e.hint("is this file a provider of humanconnect? If it is, report to its author that it hangs")
	}
	return e.hint("is this file a provider of humanconnect? If it is, its standard error says where it hangs")
}

func (i *instance) connect(ctx context.Context) error {
	protocol, err := i.client.Client()
	if err != nil {
		return err
	}
	raw, err := protocol.Dispense(host.PluginName)
	if err != nil {
		return err
	}
	calls, ok := raw.(*host.Client)
	if !ok {
		return fmt.Errorf("dispensed a %T", raw)
	}
	i.calls = calls
	return i.launch.conns.ready(ctx)
}

// clear removes what a process leaves, once it has been killed or has exited.
func (i *instance) clear() {
	if proc := i.launch.process(); proc != nil {
		<-proc.done
	}
	i.mu.Lock()
	if i.idleTimer != nil {
		i.idleTimer.Stop()
	}
	i.mu.Unlock()
	i.client.Kill()
	i.launch.conns.close()
	i.launch.stdio.stdout.flush()
	i.launch.stdio.stderr.flush()
	i.launch.out.close()
	closeFiles(i.launch.file)
	_ = os.RemoveAll(i.launch.dir)
	close(i.gone)
}

// beginCall begins a call; false if the process has ended or takes no more calls. The system says whether it has ended: a call
// that is sent to a process just killed would look like the cause of the crash.
func (i *instance) beginCall() bool {
	if p := i.launch.process(); p.exited() {
		<-p.done
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.retired || i.ended() {
		return false
	}
	i.inFlight++
	i.begun++
	return true
}

// endCall ends a call. The last call of a retired process ends the process.
func (i *instance) endCall() {
	i.mu.Lock()
	i.inFlight--
	retired, idle := i.retired, i.inFlight == 0
	if idle && !retired {
		i.becomeIdle()
	}
	i.mu.Unlock()
	switch {
	case idle && retired:
		i.kill()
	case idle:
		i.host.room.becameIdle()
	}
}

// becomeIdle begins the time after which an idle process is stopped. The caller holds the lock.
func (i *instance) becomeIdle() {
	i.idleAt = i.host.idled.Add(1)
	if i.idleTimer != nil {
		i.idleTimer.Stop()
	}
	begun := i.begun
	i.idleTimer = time.AfterFunc(i.host.limits.Idle, func() {
		i.mu.Lock()
		used := i.begun != begun
		i.mu.Unlock()
		if !used && i.retireIdle() {
			i.host.stopSoon(i)
		}
	})
}

// idleOrder says whether the process is idle, after at least one call, and since when compared with others.
func (i *instance) idleOrder() (order int64, idle bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.idleAt, i.begun > 0 && i.inFlight == 0 && !i.retired && !i.ended()
}

// retireIdle refuses further calls, if the process is idle; the caller stops it then.
func (i *instance) retireIdle() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.inFlight > 0 || i.retired || i.ended() {
		return false
	}
	i.retired, i.expected = true, true
	return true
}

// retire refuses further calls. The process hangs, so it is killed, but not before the other calls on it have ended.
func (i *instance) retire() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.retired = true
}

func (i *instance) kill() {
	i.mu.Lock()
	i.expected = true
	i.mu.Unlock()
	_ = i.launch.Kill(context.Background())
}

// stop asks the process to exit, and kills its group if it does not. It returns when nothing is left.
func (i *instance) stop() {
	i.mu.Lock()
	i.retired, i.expected = true, true
	i.mu.Unlock()
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		i.client.Kill()
	}()
	if !i.launch.process().endsWithin(stopGrace) {
		i.kill()
	}
	<-asked
	<-i.gone
}

func (i *instance) usable() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return !i.retired && !i.ended()
}

func (i *instance) ended() bool {
	select {
	case <-i.launch.process().done:
		return true
	default:
		return false
	}
}

// crashed reports, once, that the process ended without being asked to.
func (i *instance) crashed() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.counted || i.expected || !i.ended() {
		return false
	}
	i.counted = true
	return true
}

// crash describes how the process ended.
func (i *instance) crash(doing string) *Error {
	if e := i.launch.flooded(); e != nil {
		return e
	}
	state, tail := i.launch.process().state(), i.launch.tail()
	e := newError(CodeCrashed, i.launch.spec.Name, "crashed %s (%s)", doing, state).lines(tail)
	if signal, ok := signalOf(state); ok {
		return e.hint("%s", signalHint(signal))
	}
	if len(tail) == 0 {
		return e.hint("this is a fault of the provider: report it to its author")
	}
	return e.hint("this is a fault of the provider: report it to its author with the lines above")
}

func signalOf(state *os.ProcessState) (syscall.Signal, bool) {
	status, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return 0, false
	}
	return status.Signal(), true
}

func signalHint(signal syscall.Signal) string {
	if signal == syscall.SIGKILL {
		return "killed by SIGKILL, often the kernel's OOM killer"
	}
	return "this is a fault of the provider: report it to its author"
}
