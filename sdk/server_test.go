package sdk

import (
	"context"
	"errors"
	"io"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Of a call that its caller has given up, only what the source itself said is worth telling.
func TestErrorAfterTheDeadlineIsAStatus(t *testing.T) {
	s := &server{log: io.Discard}
	alive, gone := t.Context(), cancelled(t)

	refused, err := s.refusal(gone, "connect", errors.New("read: i/o timeout"), nil)
	if refused != nil || status.Code(err) != codes.Canceled {
		t.Errorf("got %v, %v; want the status canceled", refused, err)
	}
	refused, err = s.refusal(gone, "connect", &Error{Code: AccessDenied}, nil)
	if err != nil || refused.GetCode() != string(AccessDenied) {
		t.Errorf("got %v, %v; want access_denied", refused, err)
	}
	// A limit of the provider's own is not the caller's.
	refused, err = s.refusal(alive, "connect", context.DeadlineExceeded, nil)
	if err != nil || refused.GetCode() != string(SourceError) {
		t.Errorf("got %v, %v; want source_error", refused, err)
	}
}

func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
