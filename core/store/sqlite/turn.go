package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/humanconnect/humanconnect/internal/queue"
)

// turnPause is a part of the shortest transaction that ends with an fsync.
const turnPause = 400 * time.Microsecond

// awaitTurn waits until it is the turn of this process to write, within the limit. endTurn ends the turn.
func (s *Store) awaitTurn(ctx context.Context, limit time.Duration) error {
	if s.turn == nil {
		turn, err := queue.Open(filepath.Join(s.dir, fileQueue), queue.Options{Room: 1, Pause: turnPause})
		if err != nil {
			return fail(CodePath, err, "cannot open the queue of those who write to the state").
				hint("make the directory %s writable, or remove it", filepath.Join(s.dir, filepath.Dir(fileQueue)))
		}
		s.turn = turn
	}
	err := s.turn.Wait(ctx, limit)
	switch {
	case errors.Is(err, queue.ErrLimit):
		return fail(CodeBusy, nil, "others wrote to the state until the time limit was over").hint("try again when other commands have ended")
	case err != nil:
		return fmt.Errorf("waiting for the state: %w", err)
	}
	return nil
}

func (s *Store) endTurn() { s.turn.Leave() }

// beat shows those behind that an update in turn waits for a lock, and lives.
func (s *Store) beat() { s.turn.Beat() }

// leave ends the stay in a lane.
func (s *Store) leave(l lane) {
	<-l
	if l == s.writing && s.pool.isClosed() {
		s.leaveQueue()
	}
}

// leaveQueue closes the place in the queue, once the store is closed. An update that still runs does it at its end.
func (s *Store) leaveQueue() {
	select {
	case s.writing <- struct{}{}:
	default:
		return
	}
	if s.turn != nil {
		_ = s.turn.Close() // it orders, and holds nothing
		s.turn = nil
	}
	<-s.writing
}
