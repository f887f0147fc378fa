// Package queue is a fair queue of processes in one file. It orders those who would otherwise all try at once; it excludes
// nobody: what the queue is for has a lock of its own, and whatever fails here lets its caller through.
//
// # A place
//
// A place is a number, and a lock of one byte of the file at that offset. The kernel frees the lock of a dead process, so
// that a place is taken as long as its byte is locked, and no longer. Numbers grow; who comes later has a higher one.
//
//	        lock a byte above               fewer than Room places ahead
//	(out) ─────────────────────▶ (waiting) ──────────────────────────────▶ (in turn)
//	  ▲     all that are locked      │  │                                     │   │
//	  │                              │  │ the process dies, or the wait       │   │ it dies, or Leave:
//	  │                              │  │ ends: the byte is free              │   │ the byte is free
//	  └──────────────────────────────┴──┴─────────────────────────────────────┴───┘
//
// A place is ahead if its number is lower, its byte is locked, and it has not been passed over. One that has been at the
// front for [PassAfter] without a sign of life is passed over: its process is stopped, or slow, and should hold up nobody.
// Whoever sees that first writes its number down as passed, so that nobody waits for it again. A stopped process that goes
// on finds nobody ahead.
//
// # The file
//
//	offset  0  the highest number that was given out; a hint, since the locks decide
//	        8  the number up to which places are passed over
//	       16  how long the last turns took, in nanoseconds
//	       24  signs of life: 32 slots of a number and how many its place gave, each number in the slot of its remainder
//
// Each is written in one piece without a lock. What is lost in a race, or to somebody who writes nonsense, is the order.
//
// # Waiting
//
// Who waits looks at the front from time to time, the less often the further behind it is. Linux and the BSDs can block a
// thread until a byte is free, but nothing could end that wait when the call is cancelled.
package queue

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// PassAfter is how long a place is waited for that shows no sign of life.
const PassAfter = time.Second

const (
	// maxPause is the longest time between two looks at the front.
	maxPause = 500 * time.Millisecond
	// maxGap is how much of the time between two looks counts as seen: who was stopped itself has seen nothing.
	maxGap = 500 * time.Millisecond
	// maxTurn is the longest turn that counts when the pace is estimated: others go on beside a longer one.
	maxTurn = 250 * time.Millisecond
	// beatEvery is how often a place in turn gives a sign of life.
	beatEvery = 200 * time.Millisecond
	// slack is how far a new place may be below the highest: those have come in the same moment.
	slack = 16
	// maxNumber is far from the end of what a lock can name; a higher one was not written by us.
	maxNumber = 1 << 61
)

// ErrLimit: the wait took longer than its limit.
var ErrLimit = errors.New("the time limit of the queue is over")

// Options of a queue; all who use one file give the same.
type Options struct {
	// Room is how many are in turn at once.
	Room int
	// Pause is the shortest time between two looks at the front: a part of what a turn takes.
	Pause time.Duration
}

// Place is one place in the queue, taken or not. It is used by one goroutine at a time. Close it.
type Place struct {
	o    Options
	file *os.File

	number uint64    // 0: not taken
	began  time.Time // of our turn; zero while we wait
	beaten time.Time
	beats  uint64
}

// Open opens the queue in a file. The file is made where there is none, and its directory too, if that has a parent.
func Open(path string, o Options) (*Place, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.Mkdir(filepath.Dir(path), 0o700); err == nil || errors.Is(err, fs.ErrExist) {
			file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open a queue: %w", err)
	}
	return &Place{o: o, file: file}, nil
}

// Close leaves the queue for good. It may be called more than once.
func (p *Place) Close() error {
	if p.file == nil {
		return nil
	}
	p.Leave()
	err := p.file.Close()
	p.file = nil
	return err
}

// Wait takes a place and waits for its turn, until ctx ends or the limit has passed, for which it returns the error of ctx
// or [ErrLimit] and gives the place back. After nil, Leave ends the turn.
func (p *Place) Wait(ctx context.Context, limit time.Duration) error {
	head := p.read()
	p.take(head)
	w := watch{}
	pause := p.look(head, &w)
	if pause == 0 {
		p.began = time.Now()
		return nil
	}
	over := time.NewTimer(limit)
	defer over.Stop()
	next := time.NewTimer(pause)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			p.Leave()
			return ctx.Err()
		case <-over.C:
			p.Leave()
			return ErrLimit
		case <-next.C:
		}
		if pause = p.look(p.read(), &w); pause == 0 {
			p.began = time.Now()
			return nil
		}
		next.Reset(pause)
	}
}

// Leave gives the place back, in turn or not.
func (p *Place) Leave() {
	if p.number == 0 {
		return
	}
	if !p.began.IsZero() {
		took := min(time.Since(p.began), maxTurn)
		if before := p.read().turn; before > 0 {
			took = (3*before + took) / 4
		}
		p.write(offsetTurn, uint64(took))
	}
	p.unlock(p.number)
	p.number, p.began = 0, time.Time{}
}

// Beat is a sign of life of a place in turn that still waits for something else; it is cheap, and may be called often.
func (p *Place) Beat() {
	if now := time.Now(); p.number != 0 && now.Sub(p.beaten) > beatEvery {
		p.beaten = now
		p.beats++
		p.write(offsetBeats+int64(p.number%slots)*sizeOfSlot, p.number, p.beats)
	}
}

// take locks a byte above all others. A place without a number, where nothing can be locked, has nobody ahead.
func (p *Place) take(h head) {
	const maxTries = 1 << 16
	n := max(h.highest, h.passed) + 1
	for range maxTries {
		free, err := p.lock(n)
		if err != nil {
			return
		}
		if !free {
			n++
			continue
		}
		above := p.first(n+1, maxNumber)
		if above <= n+slack { // or none
			p.number = n
			p.write(offsetHighest, n)
			return
		}
		p.unlock(n) // the hint was old
		n = above + 1
	}
}

// watch is what a waiting place has seen of those that are in turn.
type watch struct {
	last time.Time
	seen map[uint64]*seen
}

// seen is how long a place has shown no sign of life, and its last one.
type seen struct {
	still time.Duration
	beats uint64
}

// look returns how long to wait before the next look; 0 means that it is our turn.
func (p *Place) look(h head, w *watch) time.Duration {
	if p.number == 0 {
		return 0
	}
	n := p.lowest(h.passed+1, p.number)
	if n == 0 {
		return 0
	}
	ahead, front, gap := 0, uint64(0), w.gap()
	for ; ahead < p.o.Room; n = p.lowest(n+1, p.number) {
		if n == 0 {
			return 0
		}
		if w.still(n, h, gap) >= PassAfter {
			if ahead == 0 {
				p.write(offsetPassed, n)
			}
			continue
		}
		if ahead++; front == 0 {
			front = n
		}
	}
	return p.pause(front, h.turn)
}

// pause is how long to wait before the next look: most of what those ahead will take, where each takes as long as the last
// ones did.
func (p *Place) pause(front uint64, turn time.Duration) time.Duration {
	waiting := int64(p.number-front) - int64(p.o.Room) // ahead of us, beside those in turn
	waiting = min(max(waiting, 0), 1<<20)
	each := turn / time.Duration(p.o.Room)
	return min(max(each*time.Duration(3*waiting+1)/4, p.o.Pause), maxPause)
}

// gap is the time since the last look, as far as it counts.
func (w *watch) gap() time.Duration {
	now := time.Now()
	if w.last.IsZero() {
		w.last = now
	}
	gap := min(now.Sub(w.last), maxGap)
	w.last = now
	return gap
}

// still is how long a place has shown no sign of life since it came to the front.
func (w *watch) still(n uint64, h head, gap time.Duration) time.Duration {
	if w.seen == nil {
		w.seen = make(map[uint64]*seen, 1)
	}
	beats := uint64(0)
	if slot := h.beats[n%slots]; slot.number == n {
		beats = slot.given
	}
	s := w.seen[n]
	if s == nil || s.beats < beats {
		w.seen[n] = &seen{beats: beats}
		return 0
	}
	s.still += gap
	return s.still
}

// lowest is the lowest locked number in [from, to), or 0.
func (p *Place) lowest(from, to uint64) uint64 {
	low := uint64(0)
	for from < to {
		n := p.first(from, to)
		if n == 0 {
			break
		}
		low, to = n, n
	}
	return low
}

const (
	offsetHighest = 0
	offsetPassed  = 8
	offsetTurn    = 16
	offsetBeats   = 24
	// slots is more than are in turn on most machines: the place that a number shares its slot with may be passed over.
	slots      = 32
	sizeOfSlot = 16
	sizeOfHead = offsetBeats + slots*sizeOfSlot
)

// head is what the file holds.
type head struct {
	highest, passed uint64
	turn            time.Duration
	beats           [slots]beats
}

// beats are the signs of life that a place gave.
type beats struct{ number, given uint64 }

// read reads the head. What cannot be read, or was not written by us, is as in a new queue.
func (p *Place) read() (h head) {
	var b [sizeOfHead]byte
	_, _ = p.file.ReadAt(b[:], 0) // a file that is new ends before
	word := func(at int) uint64 {
		if n := binary.LittleEndian.Uint64(b[at:]); n < maxNumber {
			return n
		}
		return 0
	}
	h.highest, h.passed, h.turn = word(offsetHighest), word(offsetPassed), min(time.Duration(word(offsetTurn)), maxTurn)
	for i := range h.beats {
		at := offsetBeats + i*sizeOfSlot
		h.beats[i] = beats{word(at), word(at + 8)}
	}
	if h.passed > h.highest && h.passed-h.highest > slack {
		h.passed = 0
	}
	return h
}

func (p *Place) write(offset int64, words ...uint64) {
	var b []byte
	for _, n := range words {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	_, _ = p.file.WriteAt(b, offset) // without it, the order suffers and nothing else
}
