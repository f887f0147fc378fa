// Package hook tells the hooks what happened in a session: it writes an event and its deliveries with the state change
// that they tell of ([Record]), and brings the deliveries to their hooks ([Dispatcher]).
//
// What it promises to a hook:
//
//   - At least once. An event that was recorded reaches each of its hooks until the hook accepts it or its tries are
//     used up, whatever processes die meanwhile; the receiver's key is the event's id.
//   - In order. Per hook and session strictly by sequence; the head holds the rest until it is delivered or dead.
//     Other sessions and hooks go on beside it. An event outside of a session is ordered with nothing.
//   - The same bytes. The body is made once and stored; every hook gets it at every try.
//
// The life of a delivery:
//
//	pending ──claim──▶ owned ──accepted───────────────▶ delivered
//	   ▲                │ ├──failed, tries left───┐
//	   │                │ ├──"not now" (exit 75)──┤
//	   │                │ ├──tries used up────────┼────▶ dead
//	   │                │ └──unwanted (HTTP 410)──┼────▶ dead, and the hook is disabled
//	   └── owner dead, lease over, or next try ◀──┘
package hook

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/humanconnect/humanconnect/core/endpoint"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/sdk"
)

// Names tells which hooks of a config there are and what they ask for, as JSON, and nothing else of them.
func Names(hooks []Hook) []byte {
	named := make([]nameOf, len(hooks))
	for i, h := range hooks {
		named[i] = nameOf{h.Name, h.On}
	}
	text, err := json.Marshal(named)
	if err != nil {
		panic(err) // strings always encode
	}
	return text
}

// Named returns the hooks that [Names] returned. They are good to record events for, and for nothing else.
func Named(names []byte) ([]Hook, error) {
	var named []nameOf
	if err := json.Unmarshal(names, &named); err != nil {
		return nil, fmt.Errorf("the hooks of a session: %w", err)
	}
	hooks := make([]Hook, len(named))
	for i, n := range named {
		hooks[i] = Hook{Name: n.Name, On: n.On}
	}
	return hooks, nil
}

type nameOf struct {
	Name string     `json:"name"`
	On   []event.On `json:"on"`
}

// DefaultTimeout limits one try of a hook that names no limit of its own.
const DefaultTimeout = 15 * time.Second

const (
	// DefaultConcurrency is how many tries of a hook at a URL one process runs at once.
	DefaultConcurrency = 16
	// DefaultCommandConcurrency is how many tries of a command, each of which is a process.
	DefaultCommandConcurrency = 4
)

// Hook is where events go: a hook of the config, or one that came as a flag.
type Hook struct {
	// Name is unique in the config. A hook of a flag is named by its id in the store.
	Name string
	// On lists the moments that it asks for.
	On []event.On
	// Shell is a constant line for sh -c; Command is argv without a shell; URL is where to post to. One of them is given.
	Shell   string
	Command []string
	URL     string
	// Secret reads what a URL's events are signed with, at each try: one secret or several (see [NewSecret]). Nil means
	// the state's default secret.
	Secret func(context.Context) (sdk.Secret, error)
	// AllowInsecure lets plain http go to other machines.
	AllowInsecure bool
	// Proxy is the URL of a proxy to send through, which decides then on the addresses; "" for none.
	Proxy string
	// Timeout limits one try; zero means DefaultTimeout.
	Timeout time.Duration
	// Concurrency is how many of its tries one process runs at once; 0 means DefaultConcurrency, or DefaultCommandConcurrency.
	Concurrency int
	// Required hooks decide on the exit code of open.
	Required bool
	// Dir is where it runs: the config file's directory, or the one where open was started. Absolute.
	Dir string
	// UID and Host say who may run a hook of a flag, and where.
	UID  int
	Host string
}

// Kind is how a hook receives events.
type Kind string

// The kinds.
const (
	KindShell   Kind = "shell"
	KindCommand Kind = "command"
	KindHTTP    Kind = "http"
)

// Kind of the hook.
func (h Hook) Kind() Kind {
	switch {
	case h.URL != "":
		return KindHTTP
	case len(h.Command) > 0:
		return KindCommand
	}
	return KindShell
}

// Origin is scheme and host of where it leads, for a URL; else "".
func (h Hook) Origin() string { return endpoint.Origin(h.URL) }

func (h Hook) wants(t event.Type) bool {
	return slices.ContainsFunc(h.On, func(o event.On) bool { return o.Type() == t })
}

// TriesAtOnce is how many tries one process runs at once, as long as the hook answers.
func (h Hook) TriesAtOnce() int {
	switch {
	case h.Concurrency > 0:
		return h.Concurrency
	case h.Kind() == KindHTTP:
		return DefaultConcurrency
	}
	return DefaultCommandConcurrency
}

func (h Hook) timeout() time.Duration {
	if h.Timeout > 0 {
		return h.Timeout
	}
	return DefaultTimeout
}
