package hook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/core/endpoint"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// Place is who runs hooks of flags, and where: such a hook is run only by the same user on the same host, in the
// directory in which it was given.
type Place struct {
	// Dir is the working directory, absolute.
	Dir  string
	UID  int
	Host string
}

// Parse reads the value of an --on-… flag: an http or https URL, or else a line for sh -c. What it refuses is a problem
// with the code "usage", whose text does not repeat the value, because a URL may hold a secret.
func Parse(on event.On, value string, at Place) (Hook, error) {
	line := strings.TrimSpace(value)
	switch {
	case on.Type() == "":
		return Hook{}, problem.New(problem.CodeUsage, "there is no hook event %q", on).
			Hint("hook events are: %v", event.Ons())
	case line == "":
		return Hook{}, problem.New(problem.CodeUsage, "the hook for %s is empty", on).Hint("give a URL, or a command line for sh -c")
	case isURL(line):
		return parseURL(on, line)
	case strings.ContainsRune(line, 0):
		return Hook{}, problem.New(problem.CodeUsage, "the hook for %s contains a NUL character", on).
			Hint("give a URL, or a command line for sh -c")
	case at.Dir == "":
		return Hook{}, problem.New(problem.CodeUsage, "the working directory, where the hook for %s would run, does not exist", on).
			Hint("change to a directory that exists")
	case !filepath.IsAbs(at.Dir):
		return Hook{}, fmt.Errorf("the directory of a hook is not absolute: %q", at.Dir)
	}
	return Hook{On: []event.On{on}, Shell: line, Dir: at.Dir, UID: at.UID, Host: at.Host}, nil
}

func parseURL(on event.On, line string) (Hook, error) {
	if _, err := endpoint.Parse(line, false); err != nil {
		p := problem.New(problem.CodeUsage, "the URL of the hook for %s %s", on, err)
		if errors.Is(err, endpoint.ErrPlain) {
			p = p.Hint("use https, or name the hook in the config file with allowInsecure: true")
		} else {
			p = p.Hint("give a URL such as https://app.example.com/hooks")
		}
		return Hook{}, p
	}
	return Hook{On: []event.On{on}, URL: line}, nil
}

func isURL(line string) bool {
	scheme, _, found := strings.Cut(strings.ToLower(line), "://")
	return found && (scheme == "http" || scheme == "https")
}

// Attach keeps hooks of flags with a session ("" for a call that opened none), and returns their ids, each once,
// in the order given. The same hook again, which is the same event and URL, or event, command and directory, is kept once (without a session: once in a
// call).
func Attach(tx store.Tx, mac store.MAC, session id.Session, hooks []Hook) ([]id.SessionHook, error) {
	known := make(map[string]id.SessionHook)
	var ids []id.SessionHook
	for _, h := range hooks {
		mark := fingerprint(mac, h)
		if _, ok := known[string(mark)]; ok {
			continue
		}
		kept, err := attach(tx, session, mark, h)
		if err != nil {
			return nil, fmt.Errorf("keep a hook: %w", err)
		}
		known[string(mark)] = kept
		ids = append(ids, kept)
	}
	return ids, nil
}

func attach(tx store.Tx, session id.Session, mark []byte, h Hook) (id.SessionHook, error) {
	row := store.SessionHook{ID: id.New[id.SessionHook](), Session: session, Fingerprint: mark, Spec: specOf(h)}
	err := tx.InsertSessionHook(row)
	if !errors.Is(err, store.ErrExists) {
		return row.ID, err
	}
	hooks, err := tx.SessionHooks(session)
	if err != nil {
		return "", err
	}
	for _, k := range hooks {
		if bytes.Equal(k.Fingerprint, mark) {
			return k.ID, nil
		}
	}
	return "", store.ErrNotFound
}

func fingerprint(mac store.MAC, h Hook) []byte {
	data := [][]byte{[]byte(h.Shell), []byte(h.Dir)}
	if h.Kind() == KindHTTP {
		data = [][]byte{nil, []byte(h.URL)} // no directory looks like a URL
	}
	for _, on := range h.On {
		data = append(data, []byte(on))
	}
	return mac("session hook", data...)
}

// IsGiven says whether a hook is named as one that came as a flag.
func IsGiven(name string) bool {
	_, err := id.Parse[id.SessionHook](name)
	return err == nil
}

// Find returns the hook of a delivery: one of the config's, or one that came as a flag. It says false if no hook of the
// config has the name any more.
func Find(tx store.Tx, name string, configured []Hook) (Hook, bool, error) {
	if !IsGiven(name) {
		at := slices.IndexFunc(configured, func(h Hook) bool { return h.Name == name })
		if at < 0 {
			return Hook{}, false, nil
		}
		return configured[at], true, nil
	}
	row, err := tx.SessionHook(id.SessionHook(name))
	if err != nil {
		return Hook{}, false, fmt.Errorf("find the hook of a delivery: %w", err)
	}
	h, err := fromRow(row)
	return h, err == nil, err
}

// spec is a hook of a flag as the store keeps it, sealed.
type spec struct {
	On    []event.On `json:"on"`
	Shell string     `json:"shell"`
	URL   string     `json:"url,omitempty"`
	Dir   string     `json:"dir"`
	UID   int        `json:"uid"`
	Host  string     `json:"host"`
}

func specOf(h Hook) []byte {
	b, err := json.Marshal(spec{On: h.On, Shell: h.Shell, URL: h.URL, Dir: h.Dir, UID: h.UID, Host: h.Host})
	if err != nil {
		panic(fmt.Sprintf("hook: %v", err)) // strings and numbers always encode
	}
	return b
}

func fromRow(row store.SessionHook) (Hook, error) {
	var s spec
	if err := json.Unmarshal(row.Spec, &s); err != nil {
		return Hook{}, fmt.Errorf("the hook %s in the store: %w", row.ID, err)
	}
	return Hook{Name: string(row.ID), On: s.On, Shell: s.Shell, URL: s.URL, Dir: s.Dir, UID: s.UID, Host: s.Host}, nil
}
