package plugins

import (
	"context"
	"sync"
)

// maxProcesses is how many processes of providers run at once.
const maxProcesses = 32

// room bounds how many processes run at once. Safe for concurrent use.
//
//	          a place is free, or the process that is idle longest is stopped for it
//	(waits) ────────────────────────────────────────────────────────────────────────▶ (has a place) ──ends──▶ (gone)
//	   └── its context ends: no process
type room struct {
	mu   sync.Mutex
	free int
	// waiting is how many starts want a place.
	waiting int
	// running processes, and those of them that are stopped to make room.
	running, leaving map[*instance]bool
	// changed is closed when a place is free or a process becomes idle, and then replaced.
	changed chan struct{}
}

func newRoom(places int) *room {
	return &room{free: places, running: map[*instance]bool{}, leaving: map[*instance]bool{}, changed: make(chan struct{})}
}

// enter waits for a place. stop is called with a process that is to make room, and must not block. The error is that of ctx.
func (r *room) enter(ctx context.Context, stop func(*instance)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting++
	defer func() { r.waiting-- }()
	for r.free == 0 {
		if len(r.leaving) < r.waiting {
			if inst := r.retireLongestIdle(); inst != nil {
				r.leaving[inst] = true
				stop(inst)
			}
		}
		if err := r.await(ctx, r.changed); err != nil {
			return err
		}
	}
	r.free--
	return nil
}

// await waits for a change without the lock, which the caller holds.
func (r *room) await(ctx context.Context, changed <-chan struct{}) error {
	r.mu.Unlock()
	defer r.mu.Lock()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// retireLongestIdle takes the process that has been idle longest out of use; nil if all are busy. The caller holds the lock.
func (r *room) retireLongestIdle() *instance {
	for {
		var longest *instance
		var first int64
		for inst := range r.running {
			if order, idle := inst.idleOrder(); idle && (longest == nil || order < first) {
				longest, first = inst, order
			}
		}
		if longest == nil || longest.retireIdle() {
			return longest
		}
		// a call has begun on it meanwhile
	}
}

// started notes a process that has a place.
func (r *room) started(inst *instance) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running[inst] = true
}

// leave gives a place back: that of a process that is gone, or of a start that failed, for which inst is nil.
func (r *room) leave(inst *instance) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free++
	delete(r.running, inst)
	delete(r.leaving, inst)
	r.wake()
}

// becameIdle lets those who wait look for a process to stop.
func (r *room) becameIdle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting > 0 {
		r.wake()
	}
}

// wake ends the waits. The caller holds the lock.
func (r *room) wake() {
	close(r.changed)
	r.changed = make(chan struct{})
}
