package session

import (
	"context"
	"errors"
)

// ErrFrontEndLost: the front end is gone, which is no wish to close the session. It stays open, to be resumed from another
// one. What a driver ends with then matches it.
var ErrFrontEndLost = errors.New("the front end is gone")

// Cut says why a front end stopped before it was done. It is kept with the session that is closed so.
type Cut string

// The cuts.
const (
	// CutNone: it was done.
	CutNone      Cut = ""
	CutTimeLimit Cut = "time_limit"
	// CutInterrupt: the person, or whoever runs the front end, broke off.
	CutInterrupt Cut = "interrupt"
	// CutTerminate: the front end received a signal to end.
	CutTerminate Cut = "terminate"
	// CutHangup: the front end is gone. It closes no session.
	CutHangup Cut = "hangup"
)

// CutOf returns what cut a context: what its cause says, where that has a method Cut; else a deadline is a time limit, and
// anything else an end from outside. A context that has not ended gives [CutNone].
func CutOf(ctx context.Context) Cut {
	if ctx.Err() == nil {
		return CutNone
	}
	cause := context.Cause(ctx)
	var by interface{ Cut() Cut }
	switch {
	case errors.As(cause, &by):
		return by.Cut()
	case errors.Is(cause, ErrFrontEndLost):
		return CutHangup
	case errors.Is(cause, context.DeadlineExceeded):
		return CutTimeLimit
	}
	return CutTerminate
}

// Drive lets a script or a person act, and closes the session. All drivers go through it. What cuts ctx is asked first,
// since it may have come while the last action still went well:
//
//	ctx is cut, or act ends with      the session       Drive returns
//	──────────────────────────────    ───────────────   ──────────────────
//	a hangup, [ErrFrontEndLost]       stays open        ErrFrontEndLost
//	[ErrTakenOver]                    is another's      the error of act
//	any other cut                     is closed so      its Final
//	nil, [ErrEnded]                   is closed         its Final
//	any other error                   stays open        the error of act
//
// The error matches [ErrCredentialLost] or [ErrCredentialUnknown], beside whatever else there is, a Final too, if that is among what act ended with:
// nobody else can tell of it.
func (s *Session) Drive(ctx context.Context, act func(context.Context) error) (*Final, error) {
	err := act(ctx)
	cut := CutOf(ctx)
	lost := grantTrouble(err)
	switch {
	case cut == CutHangup || errors.Is(err, ErrFrontEndLost):
		return nil, errors.Join(ErrFrontEndLost, lost)
	case errors.Is(err, ErrTakenOver), err != nil && !errors.Is(err, ErrEnded) && cut == CutNone:
		return nil, err
	}
	final, err := s.Close(context.WithoutCancel(ctx), cut)
	if lost != nil {
		err = errors.Join(err, lost)
	}
	return final, err
}
