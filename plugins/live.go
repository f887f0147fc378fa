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

// stopGrace is what a provider has to end by itself when it is stopped. It keeps nothing between two calls, so there
// is little to do.
const stopGrace = 500 * time.Millisecond

// live is one process of a provider that said its handshake, and the connection to it.
type live struct {
	launch *launch
	client *plugin.Client
	calls  *host.Client
	// gone is closed when the process has ended and nothing is left of it.
	gone chan struct{}

	mu       sync.Mutex
	inFlight int
	retired  bool
	expected bool
	counted  bool
}

// begin starts the program, waits for its handshake and connects. It ends when ctx does, with the group killed and
// everything removed, as after every failure; errStartLimit as the cause of ctx is the start limit.
func (l *launch) begin(ctx context.Context, limit time.Duration) (*live, error) {
	v := &live{launch: l, client: plugin.NewClient(l.config(limit)), gone: make(chan struct{})}
	var err error
	connected := make(chan struct{})
	go func() {
		defer close(connected)
		err = v.connect(ctx)
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
		return v, nil
	}
	_ = l.Kill(ctx)
	v.clear()
	return nil, err
}

// errStartLimit is the cause of a start's context that ends because the start limit is over.
var errStartLimit = errors.New("start limit is over")

// interrupted says why a start was given up.
func (l *launch) interrupted(ctx context.Context, limit time.Duration) error {
	if !errors.Is(context.Cause(ctx), errStartLimit) {
		return context.Cause(ctx)
	}
	if l.hand != nil && l.hand.isGood() {
		return newError(CodeStartTimeout, l.spec.Name, "did not answer on its socket within %s", limit).
			lines(l.tail()).hint("report it to the provider's author")
	}
	return newError(CodeStartTimeout, l.spec.Name, "did not complete the go-plugin handshake within %s", limit).
		fact("file: %s", l.spec.Path()).lines(l.tail()).
		hint("is this file a provider of humanconnect? If it is, its standard error says where it hangs")
}

func (v *live) connect(ctx context.Context) error {
	protocol, err := v.client.Client()
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
	v.calls = calls
	return v.launch.conns.ready(ctx)
}

// clear removes what a process leaves, once it has been killed or has ended by itself.
func (v *live) clear() {
	if proc := v.launch.process(); proc != nil {
		<-proc.done
	}
	v.client.Kill()
	v.launch.conns.close()
	v.launch.said.stdout.flush()
	v.launch.said.stderr.flush()
	v.launch.out.end()
	closeFiles(v.launch.file)
	_ = os.RemoveAll(v.launch.dir)
	close(v.gone)
}

// enter begins a call; false if the process has ended or takes no more calls. Whether it has ended is asked of the
// system: a call that is sent to a process just killed would look like one that killed it.
func (v *live) enter() bool {
	if p := v.launch.process(); p.exited() {
		<-p.done
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.retired || v.ended() {
		return false
	}
	v.inFlight++
	return true
}

// leave ends a call. The last call of a retired process ends the process.
func (v *live) leave() {
	v.mu.Lock()
	v.inFlight--
	last := v.retired && v.inFlight == 0
	v.mu.Unlock()
	if last {
		v.kill()
	}
}

// retire lets no more calls in. The process hangs, so it is killed; but not before the calls that share it have ended.
func (v *live) retire() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.retired = true
}

func (v *live) kill() {
	v.mu.Lock()
	v.expected = true
	v.mu.Unlock()
	_ = v.launch.Kill(context.Background())
}

// stop asks the process to end, and kills its group when it does not. It returns when nothing is left.
func (v *live) stop() {
	v.mu.Lock()
	v.retired, v.expected = true, true
	v.mu.Unlock()
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		v.client.Kill()
	}()
	if !v.launch.process().endsWithin(stopGrace) {
		v.kill()
	}
	<-asked
	<-v.gone
}

func (v *live) usable() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return !v.retired && !v.ended()
}

func (v *live) ended() bool {
	select {
	case <-v.launch.process().done:
		return true
	default:
		return false
	}
}

// crashed says, once, that the process ended without being asked to.
func (v *live) crashed() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.counted || v.expected || !v.ended() {
		return false
	}
	v.counted = true
	return true
}

// crash describes how the process ended.
func (v *live) crash(doing string) *Error {
	state := v.launch.process().state()
	e := newError(CodeCrashed, v.launch.spec.Name, "crashed %s (%s)", doing, state).lines(v.launch.tail())
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
