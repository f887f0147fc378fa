package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/humanconnect/humanconnect/core/hook"
)

const (
	fewRows  = 1_000
	manyRows = 100_000
)

// listRows time what a person asks of a state with many closed sessions, each with an event and a delivery that is pending, beside the
// same of one with few.
func (w *world) listRows(ctx context.Context, runs int) ([]row, error) {
	many, few := filepath.Join(w.dir, "state-lists-many"), filepath.Join(w.dir, "state-lists-few")
	for dir, n := range map[string]int{many: manyRows, few: fewRows} {
		if _, err := fillBacklog(ctx, dir, n); err != nil {
			return nil, err
		}
	}
	config, secret := filepath.Join(w.dir, "lists.yaml"), filepath.Join(w.dir, "lists.secret")
	const text = "version: 1\nhooks:\n  - name: app\n    on: [onClose]\n    url: http://127.0.0.1:9\n    secret: {file: lists.secret}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(secret, []byte(hook.NewSecret()), 0o600); err != nil {
		return nil, err
	}
	var rows []row
	for _, command := range []string{"delivery list --state pending", "delivery list --state dead", "event list", "session list", "hook list", "doctor"} {
		args := strings.Fields(command)
		of := func(dir string) func(context.Context) (sample, error) {
			return w.process(w.env, w.path("humanconnect"), append([]string{"--config", config, "--state-dir", dir}, args...)...)
		}
		c, err := compare(ctx, action{name: "`" + command + "` with 100,000 sessions, events and pending deliveries", run: of(many)},
			action{name: "with 1,000", run: of(few)}, runs)
		if err != nil {
			return rows, err
		}
		rows = append(rows, row{comparison: c, aim: 1.5})
	}
	return rows, nil
}
