package main

import (
	"testing"
	"time"
)

// waitUntil polls with a limit.
func waitUntil(t *testing.T, ok func() bool) {
	t.Helper()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	limit := time.After(storyLimit)
	for !ok() {
		select {
		case <-poll.C:
		case <-limit:
			t.Fatal("waited too long")
		}
	}
}
