package plugins

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc/stats"
)

// answer says whether a provider has answered a call, with whatever status. A status that comes without an answer was
// made on our side: by a limit, or a connection that is gone.
type answer struct{ came atomic.Bool }

type answerKey struct{}

// awaitAnswer is a context for one call, and whether it was answered.
func awaitAnswer(ctx context.Context) (context.Context, *answer) {
	a := &answer{}
	return context.WithValue(ctx, answerKey{}, a), a
}

// answers notes the answers of a connection. gRPC tells of one before the call returns.
type answers struct{}

var _ stats.Handler = answers{}

// HandleRPC implements stats.Handler.
func (answers) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if _, ended := s.(*stats.InTrailer); !ended {
		return
	}
	if a, ok := ctx.Value(answerKey{}).(*answer); ok {
		a.came.Store(true)
	}
}

// TagRPC implements stats.Handler.
func (answers) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleConn implements stats.Handler.
func (answers) HandleConn(context.Context, stats.ConnStats) {}

// TagConn implements stats.Handler.
func (answers) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
