package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/humanconnect/humanconnect/internal/queue"
)

// awaitTurn waits until it is the turn of a connection that writes, within the limit. endTurn ends the turn.
func (c *conn) awaitTurn(ctx context.Context, limit time.Duration) error {
	if c.turn == nil {
		return nil
	}
	err := c.turn.Wait(ctx, limit)
	switch {
	case errors.Is(err, queue.ErrLimit):
		return fail(CodeBusy, nil, "others wrote to the state until the time limit was over").hint("try again when other commands have ended")
	case err != nil:
		return fmt.Errorf("waiting for the state: %w", err)
	}
	return nil
}

func (c *conn) endTurn() {
	if c.turn != nil {
		c.turn.Leave()
	}
}

// beat shows those behind that a connection in turn waits for a lock, and lives.
func (c *conn) beat() {
	if c.turn != nil {
		c.turn.Beat()
	}
}
