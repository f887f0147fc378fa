// Package provider is the registry of installed providers, running and cached: it selects the description of each that applies,
// finds the source of an id, and gives each provider its settings and secrets. Processes are in plugins, behind [Host].
//
// A description that was cached is good for a listing. What a session works with is asked of the running provider, and so are
// the settings that it declares: a secret never goes where only a cache says that it belongs.
package provider

import (
	"context"
	"errors"

	"github.com/humanconnect/humanconnect/sdk"
)

// Starter hands out running providers. A provider that crashed is started again by the next call. The [Registry]'s providers get
// the config's definition of a source with each request for it; callers leave it out.
type Starter interface {
	Provider(ctx context.Context, name string) (sdk.Provider, error)
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
	// Describe asks the running provider.
	Describe(ctx context.Context, name string) (*sdk.Description, error)
	// DescribeCached is Describe that starts no process where the answer of this very executable is kept.
	DescribeCached(ctx context.Context, name string) (*sdk.Description, error)
	// Remembered returns the kept answer, or nil. It starts no process.
	Remembered(name string) *sdk.Description
	// DescribeSource asks the running provider for one source alone, by a definition if the request has one. An *sdk.Error is
	// what it has against the definition.
	DescribeSource(ctx context.Context, name string, req *sdk.DescribeRequest) (*sdk.Description, error)
	// DescribeSourceCached is DescribeSource that starts no process where the answer of this very executable to this very request
	// is kept.
	DescribeSourceCached(ctx context.Context, name string, req *sdk.DescribeRequest) (*sdk.Description, error)
	// Warm starts providers in the background. What goes wrong is returned to the one who needs them.
	Warm(names ...string)
	// Close stops all providers.
	Close(ctx context.Context) error
}

// Crashed says whether a provider call ended because its process died, and may be made again on a fresh one.
func Crashed(err error) bool {
	var c interface{ Crashed() bool }
	return errors.As(err, &c) && c.Crashed()
}
