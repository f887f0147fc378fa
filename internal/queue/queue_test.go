package queue

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// childFile makes the test binary a process that waits for its turn in the queue of this file, says so, and leaves when its
// input ends.
const childFile = "QUEUE_TEST_FILE"

func TestMain(m *testing.M) {
	path := os.Getenv(childFile)
	if path == "" {
		os.Exit(m.Run())
	}
	p, err := Open(path, options(1))
	if err == nil {
		err = p.Wait(context.Background(), time.Minute)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("turn")
	_, _ = io.Copy(io.Discard, os.Stdin)
	p.Leave()
}

func options(room int) Options { return Options{Room: room, Pause: time.Millisecond} }

// world is a queue and the processes in it.
type world struct {
	*testing.T
	path string
	// eye is no place of its own: it sees those of all others.
	eye *Place
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, path: filepath.Join(t.TempDir(), "run", "queue")}
	w.eye = w.open(1)
	return w
}

func (w *world) open(room int) *Place {
	w.Helper()
	p, err := Open(w.path, options(room))
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = p.Close() })
	return p
}

// enter takes a turn that is free.
func (w *world) enter(p *Place) {
	w.Helper()
	if err := p.Wait(context.Background(), time.Minute); err != nil {
		w.Fatal(err)
	}
}

// begin waits for a turn that is not free, and returns when the place is taken.
func (w *world) begin(ctx context.Context, p *Place, limit time.Duration) <-chan error {
	w.Helper()
	before := w.taken()
	done := make(chan error, 1)
	go func() { done <- p.Wait(ctx, limit) }()
	w.until(before + 1)
	return done
}

// taken counts the places that are taken.
func (w *world) taken() (n int) {
	for at := w.eye.lowest(1, maxNumber); at != 0; at = w.eye.lowest(at+1, maxNumber) {
		n++
	}
	return n
}

func (w *world) until(taken int) {
	w.Helper()
	limit := time.After(20 * time.Second)
	for w.taken() != taken {
		select {
		case <-limit:
			w.Fatalf("%d places are taken, want %d", w.taken(), taken)
		case <-time.After(time.Millisecond):
		}
	}
}

// process is another process in the queue.
type process struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	inTurn chan string
}

// start starts a process, which takes the next place.
func (w *world) start() *process {
	w.Helper()
	before := w.taken()
	p := &process{cmd: exec.Command(os.Args[0]), inTurn: make(chan string, 1)}
	p.cmd.Env = append(os.Environ(), childFile+"="+w.path)
	stdin, err := p.cmd.StdinPipe()
	stdout, err2 := p.cmd.StdoutPipe()
	if err := errors.Join(err, err2, p.cmd.Start()); err != nil {
		w.Fatal(err)
	}
	p.stdin = stdin
	said := make(chan struct{})
	go func() {
		defer close(said)
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		p.inTurn <- strings.TrimSpace(line)
	}()
	w.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-said
		_ = p.cmd.Wait()
	})
	w.until(before + 1)
	return p
}

func (p *process) signal(w *world, s os.Signal) {
	w.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		w.Fatal(err)
	}
}

// leave ends the process as it ends by itself.
func (p *process) leave() { _ = p.stdin.Close() }

// comes wants that a wait ends well, and returns when.
func (w *world) comes(what string, done <-chan error) time.Time {
	w.Helper()
	select {
	case err := <-done:
		if err != nil {
			w.Fatalf("%s: %v", what, err)
		}
	case <-time.After(20 * time.Second):
		w.Fatalf("%s does not get its turn", what)
	}
	return time.Now()
}

func (w *world) wantTurn(what string, p *process) time.Time {
	w.Helper()
	select {
	case line := <-p.inTurn:
		if line != "turn" {
			w.Fatalf("%s says %q", what, line)
		}
	case <-time.After(20 * time.Second):
		w.Fatalf("%s does not get its turn", what)
	}
	return time.Now()
}

func TestFirstComeFirstServed(t *testing.T) {
	w := newWorld(t)
	first := w.open(1)
	w.enter(first)
	var order []*process
	for range 5 {
		order = append(order, w.start())
	}
	first.Leave()
	for i, p := range order {
		w.wantTurn(fmt.Sprint("process ", i), p)
		for _, later := range order[i+1:] {
			select {
			case line := <-later.inTurn:
				t.Fatalf("a later one says %q", line)
			default:
			}
		}
		p.leave()
	}
	w.until(0)
}

func TestThePlaceOfADeadProcessIsFree(t *testing.T) {
	w := newWorld(t)
	head, waiter := w.start(), w.start()
	w.wantTurn("the first", head)
	done := w.begin(context.Background(), w.open(1), time.Minute)
	waiter.signal(w, syscall.SIGKILL)
	w.until(2)
	head.signal(w, syscall.SIGKILL)
	killed := time.Now()
	if took := w.comes("the last", done).Sub(killed); took > PassAfter/2 {
		t.Errorf("it took %v", took)
	}
}

func TestAStoppedProcessIsPassedOverOnceForAll(t *testing.T) {
	for _, inTurn := range []bool{true, false} {
		w := newWorld(t)
		first := w.open(1)
		if !inTurn {
			w.enter(first)
		}
		stopped := w.start()
		if inTurn {
			w.wantTurn("the first", stopped)
		}
		stopped.signal(w, syscall.SIGSTOP)
		second, third := w.open(1), w.open(1)
		began := time.Now()
		done := w.begin(context.Background(), second, time.Minute)
		first.Leave()
		if took := w.comes("the next", done).Sub(began); took < PassAfter/2 || took > 5*PassAfter {
			t.Errorf("in turn %t: passed over after %v", inTurn, took)
		}
		second.Leave()
		began = time.Now()
		w.enter(third)
		if took := time.Since(began); took > PassAfter/2 {
			t.Errorf("in turn %t: the one after that waited %v for it again", inTurn, took)
		}
		third.Leave()
		stopped.signal(w, syscall.SIGCONT)
		if !inTurn {
			w.wantTurn("the one that goes on", stopped)
		}
		stopped.leave()
		w.until(0)
	}
}

func TestAPlaceThatGivesSignsOfLifeIsNotPassedOver(t *testing.T) {
	for _, room := range []int{1, 6} {
		w := newWorld(t)
		var slow []*Place
		for range room {
			slow = append(slow, w.open(room))
			w.enter(slow[len(slow)-1])
		}
		done := w.begin(context.Background(), w.open(room), time.Minute)
		beat := time.NewTicker(50 * time.Millisecond)
		end := time.After(3 * PassAfter)
		for over := false; !over; {
			select {
			case <-beat.C:
				for _, p := range slow {
					p.Beat()
				}
			case <-done:
				t.Fatalf("one of %d was passed over", room)
			case <-end:
				over = true
			}
		}
		beat.Stop()
		slow[0].Leave()
		w.comes("the next", done)
	}
}

func TestAWaitEndsWithItsContextAndItsLimit(t *testing.T) {
	w := newWorld(t)
	head := w.open(1)
	w.enter(head)
	ctx, cancel := context.WithCancel(context.Background())
	done := w.begin(ctx, w.open(1), time.Minute)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := w.open(1).Wait(context.Background(), 20*time.Millisecond); !errors.Is(err, ErrLimit) {
		t.Errorf("at its limit: %v", err)
	}
	w.until(1)
}

func TestAsManyAreInTurnAsThereIsRoom(t *testing.T) {
	w := newWorld(t)
	var in []*Place
	for range 3 {
		p := w.open(3)
		if err := p.Wait(context.Background(), PassAfter/2); err != nil {
			t.Fatal(err)
		}
		in = append(in, p)
	}
	done := w.begin(context.Background(), w.open(3), time.Minute)
	in[1].Leave() // not the first
	w.comes("the fourth", done)
	if err := w.open(3).Wait(context.Background(), 20*time.Millisecond); !errors.Is(err, ErrLimit) {
		t.Errorf("the fifth: %v", err)
	}
}

// The file holds hints: nonsense in it costs the order of those who wait, and blocks nobody for longer than a stopped one.
func TestNonsenseInTheFileBlocksNobody(t *testing.T) {
	for _, junk := range []string{strings.Repeat("\xff", 64), "", "x", strings.Repeat("\x01", 64)} {
		w := newWorld(t)
		first, second := w.open(1), w.open(1)
		if err := os.WriteFile(w.path, []byte(junk), 0o600); err != nil {
			t.Fatal(err)
		}
		w.enter(first)
		if err := os.WriteFile(w.path, []byte(junk), 0o600); err != nil {
			t.Fatal(err)
		}
		done := w.begin(context.Background(), second, time.Minute)
		first.Leave()
		w.comes(fmt.Sprintf("after %q", junk), done)
	}
}

// A process that was stopped between reading the hint and writing its own brings an old one back.
func TestAnOldHintGivesNoPlaceBeforeThoseWhoWait(t *testing.T) {
	w := newWorld(t)
	head := w.open(1)
	head.write(offsetHighest, 1000)
	w.enter(head)
	head.write(offsetHighest, 5)
	done := w.begin(context.Background(), w.open(1), time.Minute)
	if w.eye.lowest(head.number+1, maxNumber) == 0 {
		t.Errorf("it is before the one in turn, which has the number %d", head.number)
	}
	head.Leave()
	w.comes("the next", done)
}

func BenchmarkFreeTurn(b *testing.B) {
	p, err := Open(filepath.Join(b.TempDir(), "queue"), options(1))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	for b.Loop() {
		if err := p.Wait(context.Background(), time.Minute); err != nil {
			b.Fatal(err)
		}
		p.Leave()
	}
}
