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
type instance struct {
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
}

// startInstance starts the program, waits for its handshake and connects. It ends when ctx does, with the group killed and
// everything removed, as after every failure; errStartLimit as the cause of ctx is the start limit.
func (l *launch) startInstance(ctx context.Context, limit time.Duration) (*instance, error) {
	inst := &instance{launch: l, client: plugin.NewClient(l.config(limit)), gone: make(chan struct{})}
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
	if l.handshake != nil && l.handshake.isGood() {
		return newError(CodeStartTimeout, l.spec.Name, "did not answer on its socket within %s", limit).
			lines(l.tail()).hint("report it to the provider's author")
	}
	return newError(CodeStartTimeout, l.spec.Name, "did not complete the go-plugin handshake within %s", limit).
		fact("file: %s", l.spec.Path()).lines(l.tail()).
		hint("is this file a provider of humanconnect? If it is, its standard error says where it hangs")
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
	return true
}

// endCall ends a call. The last call of a retired process ends the process.
func (i *instance) endCall() {
	i.mu.Lock()
	i.inFlight--
	last := i.retired && i.inFlight == 0
	i.mu.Unlock()
	if last {
		i.kill()
	}
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
	state := i.launch.process().state()
	e := newError(CodeCrashed, i.launch.spec.Name, "crashed %s (%s)", doing, state).lines(i.launch.tail())
	if signal, ok := signalOf(state); ok {
		return e.hint("%s", signalHint(signal))
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
