package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/go-jose/go-jose/v4"
)

// measurement makes rows.
type measurement struct {
	name string
	take func(ctx context.Context, runs int) ([]row, error)
}

// one is what makes one row.
func one(take func(ctx context.Context, runs int) (row, error)) func(ctx context.Context, runs int) ([]row, error) {
	return func(ctx context.Context, runs int) ([]row, error) {
		r, err := take(ctx, runs)
		return []row{r}, err
	}
}

// measurements lists all rows in the order of the table.
func (w *world) measurements() []measurement {
	empty := w.floor("an empty Go program", "floor-empty")
	imports := w.floor("a program with the same imports", "floor-imports")
	host := w.floor("a host with the same imports, go-plugin's way, one call, one FULL commit", "floor-host",
		w.path("floor-plugin"), filepath.Join(w.dir, "floor.db"))
	sandbox := w.started("start of the sandbox provider", sandboxProvider, "")
	none := w.open("no connections of others", "state-0", 0)
	return []measurement{
		pair(w.core("`--help`", "--help"), empty, 0),
		pair(w.core("`--help`", "--help"), imports, 1.15),
		pair(w.open("`open --connect sandbox-instant`", "state-open", 0), host, 1.6),
		{"a warm step", one(w.warmStep)},
		pair(w.open("`open`, 1,000 connections of others", "state-1000", 1_000), none, 1.1),
		pair(w.open("`open`, 100,000 connections of others", "state-100000", 100_000), none, 1.1),
		{"many `open --connect sandbox-instant` at once", w.togetherRows},
		pair(w.open("`open` of three sources at once", "state-three", 0, threeSources()...), w.open("of one of them", "state-one", 0), 0),
		pair(w.open("`open --connect sandbox-instant`, all providers installed", "state-all", 0), w.openAlone("the sandbox provider alone"), 0),
		pair(w.sourceList("warm", false), imports, 0),
		pair(w.sourceList("cold", true), imports, 0),
		{"a backlog of deliveries", w.backlogRows},
		{"lists of a large state", w.listRows},
		{"commit to receiver", one(w.hookAfterCommit)},
		{"timestamp to receiver", one(w.hookInOpen)},
		{"oauth connect", one(w.oauthConnect)},
		{"connection token, valid", w.accessValid},
		{"connection token, refreshed", one(w.accessRefreshed)},
		{"a token check, local", one(w.localCheck)},
		w.jwtCheck(jose.EdDSA), w.jwtCheck(jose.ES256), w.jwtCheck(jose.RS256), w.jwtCheck(jose.PS256),
		{"a token check, introspection", one(w.introspectionCheck)},
		{"memory of the provider", one(w.memory)},
		pair(w.started("start of the oauth2 provider, all sources described", oauth2Provider, ""), sandbox, 1.1),
		pair(w.started("start of the oauth2 provider, one source described", oauth2Provider, "withings"), sandbox, 1.1),
		pair(w.started("start of the key provider, all sources described", keyProvider, ""), sandbox, 1.1),
	}
}

func pair(a, floor action, aim float64) measurement {
	return measurement{a.name + " / " + floor.name, one(func(ctx context.Context, runs int) (row, error) {
		c, err := compare(ctx, a, floor, runs)
		return row{comparison: c, aim: aim}, err
	})}
}

func (w *world) floor(name, binary string, args ...string) action {
	return action{name: name, run: w.process(w.env, w.path(binary), args...)}
}

func (w *world) core(name string, args ...string) action {
	return action{name: name, run: w.process(w.env, w.path("humanconnect"), args...)}
}

// threeSources are the flags that connect two sources more than open does.
func threeSources() []string {
	flags := []string{"--connect", "sandbox-clinic", "--connect", "sandbox-family", "--answer", "sandbox-family.member=alex"}
	for _, source := range []string{"sandbox-clinic", "sandbox-family"} {
		flags = append(flags, "--answer", source+".username=demouser", "--answer", source+".password=password")
	}
	return flags
}

// open is one whole session of a user of its own, with a token that was made before.
func (w *world) open(name, state string, others int, more ...string) action {
	return w.opens(w.path("humanconnect"), name, state, others, more...)
}

// openAlone is open where no other provider than the sandbox is installed.
func (w *world) openAlone(name string) action {
	return w.opens(filepath.Join(w.alone, "humanconnect"), name, "state-alone", 0)
}

func (w *world) opens(binary, name, state string, others int, more ...string) action {
	token := filepath.Join(w.dir, state+".token")
	dir := filepath.Join(w.dir, state)
	user := 0
	prepare := func(ctx context.Context) error {
		if _, err := w.newState(ctx, state, others); err != nil {
			return err
		}
		user++
		return w.newToken(ctx, dir, token, fmt.Sprintf("user-%d", user))
	}
	args := append([]string{"--config", "none", "--state-dir", dir, "open", "--token", "@" + token, "--connect", "sandbox-instant"}, more...)
	return action{name: name, prepare: prepare, run: w.process(w.env, binary, args...)}
}

// newToken makes a token and writes it to a file that nobody else reads.
func (w *world) newToken(ctx context.Context, state, file, user string) error {
	made, err := w.output(ctx, w.env, w.path("humanconnect"), "--config", "none", "--state-dir", state,
		"token", "create", "--client-id", "bench", "--client-user-id", user)
	if err != nil {
		return err
	}
	return os.WriteFile(file, made, 0o600)
}

// sourceList lists all sources with the descriptions of the providers at hand, or without.
func (w *world) sourceList(name string, cold bool) action {
	state := filepath.Join(w.dir, "state-list")
	a := w.core("`source list`, all sources, "+name, "--config", "none", "--state-dir", state, "source", "list")
	if cold {
		a.prepare = func(context.Context) error { return os.RemoveAll(filepath.Join(state, "cache")) }
	}
	return a
}
