package hook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
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
// in the order given. Flags with the same target are one hook, which asks for the events of them all and gets them in
// order: the same URL, or the same command in the same directory of the same user. The same flag again, from another host,
// makes the hook one of this host, with what is pending of it.
func Attach(tx store.Tx, mac store.MAC, session id.Session, hooks []Hook) ([]id.SessionHook, error) {
	kept, err := keptHooks(tx, session)
	if err != nil {
		return nil, fmt.Errorf("keep a hook: %w", err)
	}
	var ids []id.SessionHook
	for _, h := range hooks {
		k, changed := kept.join(h)
		switch {
		case k == nil:
			k = &keptHook{row: store.SessionHook{ID: id.New[id.SessionHook](), Session: session, Fingerprint: fingerprint(mac, h)}, hook: h}
			k.row.Spec = specOf(h)
			kept = append(kept, k)
			err = tx.InsertSessionHook(k.row)
		case changed:
			k.row.Spec = specOf(k.hook)
			err = tx.SaveSessionHook(k.row)
		}
		if err != nil {
			return nil, fmt.Errorf("keep a hook: %w", err)
		}
		if !slices.Contains(ids, k.row.ID) {
			ids = append(ids, k.row.ID)
		}
	}
	return ids, nil
}

// Adopt makes the hooks of a closed session that are given again, from another host, hooks of this one, with what is
// pending of them. The session gets no further hooks and events.
func Adopt(ctx context.Context, s store.Store, session id.Session, hooks []Hook) error {
	if len(hooks) == 0 {
		return nil
	}
	var moved []store.SessionHook
	find := func(tx store.Tx) error {
		moved = nil
		kept, err := keptHooks(tx, session)
		for _, h := range hooks {
			if k := kept.find(h); k != nil && k.adopt(h) {
				k.row.Spec = specOf(k.hook)
				moved = append(moved, k.row)
			}
		}
		return err
	}
	err := s.View(ctx, find)
	if err == nil && len(moved) > 0 {
		err = s.Update(ctx, func(tx store.Tx) error {
			if err := find(tx); err != nil {
				return err
			}
			for _, row := range moved {
				if err := tx.SaveSessionHook(row); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil && !errors.Is(err, store.ErrDamaged) { // what cannot be read is nobody's
		return fmt.Errorf("adopt the hooks of a session: %w", err)
	}
	return nil
}

// keptHook is a hook of a flag with its row.
type keptHook struct {
	row  store.SessionHook
	hook Hook
}

type keptList []*keptHook

func keptHooks(tx store.Tx, session id.Session) (keptList, error) {
	if session == "" {
		return nil, nil
	}
	rows, err := tx.SessionHooks(session)
	if err != nil {
		return nil, err
	}
	kept := make(keptList, len(rows))
	for i, row := range rows {
		h, err := fromRow(row)
		if err != nil {
			return nil, err
		}
		kept[i] = &keptHook{row, h}
	}
	return kept, nil
}

// find returns the hook that a flag is: one with its target that has its events, else one with its target, else nil. Programs
// before this one kept a hook for each event.
func (l keptList) find(h Hook) *keptHook {
	var found *keptHook
	for _, k := range l {
		if sameTarget(k.hook, h) && (found == nil || !found.covers(h) && k.covers(h)) {
			found = k
		}
	}
	return found
}

// join makes a flag part of the hook that it is, and says whether that changed; nil if it is none of them.
func (l keptList) join(h Hook) (k *keptHook, changed bool) {
	if k = l.find(h); k == nil {
		return nil, false
	}
	changed = k.adopt(h)
	for _, on := range h.On {
		if !slices.Contains(k.hook.On, on) {
			k.hook.On, changed = append(slices.Clip(k.hook.On), on), true
		}
	}
	return k, changed
}

func (k *keptHook) covers(h Hook) bool {
	return !slices.ContainsFunc(h.On, func(on event.On) bool { return !slices.Contains(k.hook.On, on) })
}

// adopt says whether the hook was another host's. A URL is the same from everywhere.
func (k *keptHook) adopt(h Hook) bool {
	if h.Kind() == KindHTTP || k.hook.Host == h.Host {
		return false
	}
	k.hook.Host = h.Host
	return true
}

// sameTarget says whether two hooks of flags are one.
func sameTarget(a, b Hook) bool {
	if a.Kind() == KindHTTP || b.Kind() == KindHTTP {
		return a.URL == b.URL
	}
	return a.Shell == b.Shell && a.Dir == b.Dir && a.UID == b.UID
}

func fingerprint(mac store.MAC, h Hook) []byte {
	if h.Kind() == KindHTTP {
		return mac("session hook target", []byte(h.URL))
	}
	return mac("session hook target", []byte(h.Shell), []byte(h.Dir), []byte(strconv.Itoa(h.UID)))
}

// RunsHere says whether a hook may be run by a process of this user on this host: a command of a flag is its user's, on its
// host; all else is the same from everywhere.
func (h Hook) RunsHere(uid int, host string) bool {
	return h.Kind() == KindHTTP || !IsGiven(h.Name) || h.UID == uid && h.Host == host
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
