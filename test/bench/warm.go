package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/humanconnect/humanconnect/plugins"
	"github.com/humanconnect/humanconnect/sdk"
)

// warmCalls is how many calls one run makes.
const warmCalls = 200

// warmStep times a step of a provider that runs already: through our host, and on a bare go-plugin connection to the
// same binary.
func (w *world) warmStep(ctx context.Context, runs int) (_ row, err error) {
	host := plugins.New(plugins.Options{Specs: []plugins.Spec{w.sandbox()}, Environ: os.Environ()})
	defer func() { err = errors.Join(err, host.Close(context.WithoutCancel(ctx))) }()
	ours, err := host.Provider(ctx, "sandbox", "sandbox-clinic")
	if err != nil {
		return row{}, err
	}
	client, bare, err := w.bareProvider(ctx, sandboxProvider)
	if err != nil {
		return row{}, err
	}
	defer client.Kill()
	a := action{name: "a warm step (first form of `sandbox-clinic`)", run: calls(ours)}
	floor := action{name: "the same call on a bare go-plugin connection", run: calls(bare)}
	c, err := compare(ctx, a, floor, runs)
	return row{comparison: c, aim: 1.3}, err
}

func (w *world) sandbox() plugins.Spec {
	path := w.path(sandboxProvider)
	return plugins.Spec{Name: "sandbox", Command: []string{path}, Dev: true}
}

// calls makes a run of many calls; its time is that of one.
func calls(p sdk.Provider) func(context.Context) (sample, error) {
	return func(ctx context.Context) (sample, error) {
		began := time.Now()
		for range warmCalls {
			step, err := p.Connect(ctx, &sdk.ConnectRequest{
				Source: "sandbox-clinic", AttemptID: "att_bench", FrontEnd: sdk.FrontEnd{Form: true}, Reply: sdk.Start{},
			})
			if err != nil {
				return sample{}, err
			}
			if step == nil {
				return sample{}, errors.New("no step")
			}
		}
		return sample{wall: time.Since(began) / warmCalls}, nil
	}
}
