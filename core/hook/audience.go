package hook

import "sync"

// Audience decides whose reports a front end may show in full: those of deliveries that it caused, or all. The others belong
// to other users, and what a hook writes may name them and their sources: of those it may show no more than that a hook is
// disabled, which concerns everybody. It is safe for concurrent use; the zero value may see none.
type Audience struct {
	mu    sync.Mutex
	scope Scope
	all   bool
}

// Own makes the deliveries of a session, or of an event outside of one, the front end's own.
func (a *Audience) Own(s Scope) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.scope = s
}

// OwnAll makes every delivery the front end's own.
func (a *Audience) OwnAll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = true
}

// MaySee says whether a report may be shown in full.
func (a *Audience) MaySee(r Report) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.scope.Session != "" {
		return a.all || a.scope.Session == r.Session
	}
	return a.all || a.scope.Event != "" && a.scope.Event == r.Event
}
