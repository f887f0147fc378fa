package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/internal/queue"
)

func TestManyProcessesMakeOneState(t *testing.T) {
	const processes = 24
	dir := filepath.Join(t.TempDir(), "deep", "state")
	var children []*child
	for range processes {
		children = append(children, startChild(t, "insert once", dir))
	}
	for _, c := range children {
		c.release()
	}
	var humans []string
	for i, c := range children {
		lines := c.lines()
		if len(lines) != 1 || !c.cmd.ProcessState.Success() {
			t.Fatalf("process %d: %q, %v", i, lines, c.cmd.ProcessState)
		}
		humans = append(humans, lines...)
	}
	wantUsers(t, dir, humans)
}

// wantUsers wants all these users in a state that is whole.
func wantUsers(t *testing.T, dir string, humans []string) {
	t.Helper()
	s := open(t, sqlite.Options{Dir: dir})
	view(t, s, func(tx store.Tx) error {
		for _, h := range humans {
			if _, err := tx.UserByID(id.Human(h)); err != nil {
				return fmt.Errorf("acknowledged user %s: %w", h, err)
			}
		}
		return nil
	})
	if err := whole(s); err != nil {
		t.Fatal(err)
	}
}

func TestKilledWritersLoseNothingAcknowledged(t *testing.T) {
	const rounds, writers = 6, 3
	dir := made(t)
	var acknowledged []string
	for range rounds {
		var children []*child
		for range writers {
			children = append(children, startChild(t, "insert for ever", dir))
		}
		for _, c := range children {
			if _, err := c.stdout.Peek(1 + rand.IntN(2000)); err != nil { // until it has written for a while
				t.Fatal(err)
			}
			c.kill()
		}
		for _, c := range children {
			acknowledged = append(acknowledged, c.lines()...)
		}
	}
	if len(acknowledged) < rounds*writers {
		t.Fatalf("only %d commits", len(acknowledged))
	}
	wantUsers(t, dir, acknowledged)
}

// A process that makes the state is killed after a random time: the next one always opens it, with the same key if the
// first one got as far.
func TestKilledCreationLeavesAStateThatOpens(t *testing.T) {
	for round := range 25 {
		dir := filepath.Join(t.TempDir(), "state")
		c := startChild(t, "create", dir)
		kill := time.AfterFunc(rand.N(40*time.Millisecond), c.kill)
		c.lines()
		kill.Stop()
		before, _ := os.ReadFile(filepath.Join(dir, "state.key"))
		wantUsers(t, dir, nil)
		after, err := os.ReadFile(filepath.Join(dir, "state.key"))
		if err != nil || len(before) != 0 && string(before) != string(after) {
			t.Fatalf("round %d: the key of %d bytes was made anew: %v", round, len(before), err)
		}
	}
}

// Each of four processes that write all the time gets its turn; SQLite's own way of waiting leaves some with 1 commit.
func TestNoWriterStarves(t *testing.T) {
	const writers, span = 4, 1500 * time.Millisecond
	dir := made(t)
	var children []*child
	for range writers {
		c := startChild(t, strconv.FormatInt(span.Milliseconds(), 10), dir)
		if line, err := c.stdout.ReadString('\n'); err != nil || line != "ready\n" {
			t.Fatalf("%q, %v", line, err)
		}
		children = append(children, c)
	}
	for _, c := range children {
		c.release()
	}
	var counts []int
	total := 0
	for _, c := range children {
		n := numbers(t, c.lines())
		counts = append(counts, n[0])
		total += n[0]
	}
	for _, n := range counts {
		if n*writers*5 < total {
			t.Errorf("commits per writer: %v; the least must be a fifth of the mean", counts)
			break
		}
	}
}

func numbers(t *testing.T, words []string) []int {
	t.Helper()
	if len(words) != 2 {
		t.Fatalf("%q", words)
	}
	var out []int
	for _, w := range words {
		n, err := strconv.Atoi(w)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, n)
	}
	return out
}

func TestWritersWaitForTheirTurnAndReadersDoNot(t *testing.T) {
	dir := made(t)
	s := open(t, sqlite.Options{Dir: dir, BusyLimit: 20 * time.Millisecond})
	place, err := queue.Open(filepath.Join(dir, "run", "write.queue"), queue.Options{Room: 1, Pause: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = place.Close() }()
	if err := place.Wait(context.Background(), time.Minute); err != nil {
		t.Fatal(err)
	}
	wantCode(t, s.Update(context.Background(), addEvent), sqlite.CodeBusy)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Update(ctx, addEvent); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	view(t, s, func(store.Tx) error { return nil })
	place.Leave()
	update(t, s, addEvent)
}

func TestAWriterThatWaitsTooLongIsBusy(t *testing.T) {
	dir := made(t)
	holder := open(t, sqlite.Options{Dir: dir})
	waiter := open(t, sqlite.Options{Dir: dir, BusyLimit: 20 * time.Millisecond})
	none := func(store.Tx) error { return nil }
	update(t, holder, func(store.Tx) error {
		wantCode(t, waiter.Update(context.Background(), none), sqlite.CodeBusy)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := waiter.Update(ctx, none); ctx.Err() == nil || err == nil {
			t.Errorf("with an ended context: %v", err)
		}
		return waiter.View(context.Background(), none) // readers never wait
	})
	update(t, waiter, none)
}

func TestAWriterInTheSameProcessThatWaitsTooLongIsBusy(t *testing.T) {
	s := open(t, sqlite.Options{Dir: made(t), BusyLimit: 20 * time.Millisecond})
	update(t, s, func(store.Tx) error {
		wantCode(t, s.Update(context.Background(), func(store.Tx) error { return nil }), sqlite.CodeBusy)
		return nil
	})
}

func TestUpdatesOfTwoStoresMakeOneSerialOrder(t *testing.T) {
	dir := made(t)
	a, b := open(t, sqlite.Options{Dir: dir}), open(t, sqlite.Options{Dir: dir})
	human := id.NewHuman()
	update(t, a, func(tx store.Tx) error { return tx.InsertUser(userOf(human)) })
	const each = 50
	done := make(chan error, 2)
	for _, s := range []*sqlite.Store{a, b} {
		go func() {
			var err error
			for n := 0; n < each && err == nil; n++ {
				err = s.Update(context.Background(), addEvent)
			}
			done <- err
		}()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	view(t, a, func(tx store.Tx) error {
		events, err := tx.Events(store.EventFilter{Limit: 1})
		if err == nil && events[0].Sequence != 2*each {
			t.Errorf("the last of %d has the number %d", 2*each, events[0].Sequence)
		}
		return err
	})
}

// addEvent writes what it read, plus one.
func addEvent(tx store.Tx) error {
	last, err := tx.Events(store.EventFilter{Limit: 1})
	if err != nil {
		return err
	}
	e := store.Event{ID: id.New[id.Event](), Sequence: 1}
	if len(last) > 0 {
		e.Sequence = last[0].Sequence + 1
	}
	return tx.InsertEvent(e)
}
