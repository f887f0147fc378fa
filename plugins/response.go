package plugins

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc/stats"
)

// response records whether a provider has responded to a call, with any status. A status without a response was made on our
// side: by a limit, or by a lost connection.
type response struct{ received atomic.Bool }

type responseKey struct{}

// trackResponse returns a context for one call, and whether the call got a response.
func trackResponse(ctx context.Context) (context.Context, *response) {
	a := &response{}
	return context.WithValue(ctx, responseKey{}, a), a
}

// responseTracker records the responses on a connection. gRPC reports one before the call returns.
type responseTracker struct{}

var _ stats.Handler = responseTracker{}

// HandleRPC implements stats.Handler.
func (responseTracker) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if _, ended := s.(*stats.InTrailer); !ended {
		return
	}
	if a, ok := ctx.Value(responseKey{}).(*response); ok {
		a.received.Store(true)
	}
}

// TagRPC implements stats.Handler.
func (responseTracker) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleConn implements stats.Handler.
func (responseTracker) HandleConn(context.Context, stats.ConnStats) {}

// TagConn implements stats.Handler.
func (responseTracker) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
