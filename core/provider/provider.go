// Package provider is the registry of installed providers, running and cached: it selects the description of each that applies,
// finds the source of an id, and gives the process of each source its settings and secrets. Processes are in plugins, behind [Host].
//
// A description that was cached is good for a listing. What a session works with is asked of the running provider, and so are
// the settings that it declares: a secret never goes where only a cache says that it belongs.
package provider

import (
	"context"
	"errors"

	"github.com/humanconnect/humanconnect/sdk"
)

// Starter hands out running providers, each for one of its sources: a process of its own, which is sent what is for that source
// alone. One that crashed is started again by the next call. The [Registry]'s providers get the config's definition of the source
// with each request; callers leave it out.
type Starter interface {
	// Provider returns the provider of a name for a source. It serves that source alone.
	Provider(ctx context.Context, name, source string) (sdk.Provider, error)
}

// Settings resolves the settings of a source, secrets included, for a provider. One that the source is not of, by the config
// or the catalogue of now, gets none.
type Settings interface {
	Settings(ctx context.Context, source, provider string) (sdk.Settings, error)
}

// Host runs the provider processes. Its methods are safe for concurrent use.
type Host interface {
	Starter
	// Names lists the installed providers, sorted.
	Names() []string
	// Claims returns the ids of the sources that a provider claims, and whether they are known. Describe makes them known.
	Claims(name string) (ids []string, known bool)
	// Describe asks the provider, in a process that only describes. A description with more than it claims is an error.
	Describe(ctx context.Context, name string) (*sdk.Description, error)
	// DescribeSource asks the process of a source, which describes that source alone, by a definition if the request has one. An
	// *sdk.Error is what it has against the definition.
	DescribeSource(ctx context.Context, name string, req *sdk.DescribeRequest) (*sdk.Description, error)
	// DescribeCached is Describe that starts no process where the answer of this very executable is kept.
	DescribeCached(ctx context.Context, name string) (*sdk.Description, error)
	// DescribeSourceCached is DescribeSource that starts no process where the answer of this very executable to this very request
	// is kept.
	DescribeSourceCached(ctx context.Context, name string, req *sdk.DescribeRequest) (*sdk.Description, error)
	// Warm starts the process of a source in the background. What goes wrong is returned to the one who needs it.
	Warm(name, source string)
	// Label is what logs call the process of a source. It does not tell which source that is.
	Label(name, source string) string
	// Close stops all providers.
	Close(ctx context.Context) error
}

// key is a source of a provider.
type key struct{ provider, source string }

// Replaced says whether a provider was replaced while this program runs, so that only a new process can call it. Nothing of the
// call has reached it.
func Replaced(err error) bool {
	var r interface{ Replaced() bool }
	return errors.As(err, &r) && r.Replaced()
}

// Crashed says whether a provider call ended because its process died, and may be made again on a fresh one.
func Crashed(err error) bool {
	var c interface{ Crashed() bool }
	return errors.As(err, &c) && c.Crashed()
}
