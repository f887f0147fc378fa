package terminal

import (
	"context"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/sdk"
)

// NewSession adapts an open session. The browser may be nil: then a source that needs one fails with interaction_required.
func NewSession(s *session.Session, b Browser) Session { return openSession{s, b} }

type openSession struct {
	*session.Session
	browser Browser
}

// Connect implements [Session].
func (s openSession) Connect(ctx context.Context, target string) (Attempt, error) {
	a, err := s.Session.Connect(ctx, target, store.NoScript)
	if err != nil {
		return nil, err
	}
	return attempt{a, s.browser}, nil
}

// Disconnect implements [Session].
func (s openSession) Disconnect(ctx context.Context, target string) error {
	return s.Session.Disconnect(ctx, target, store.NoScript)
}

type attempt struct {
	*session.Attempt
	browser Browser
}

// Browse implements [Attempt].
func (a attempt) Browse(ctx context.Context, p session.Prompt, notOpened func(error)) (sdk.Reply, error) {
	if a.browser == nil {
		return nil, failure.New(failure.InteractionRequired, "the source needs a browser, and none is available")
	}
	return a.browser.Open(ctx, a.Attempt, p, notOpened)
}

// Paste implements [Attempt].
func (a attempt) Paste(ctx context.Context, text string) (session.CallbackOutcome, error) {
	if a.browser == nil {
		return session.CallbackStray, nil
	}
	return a.browser.Paste(ctx, text)
}
