package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/plugins"
)

func newProvider(app *App) *cobra.Command {
	c := group(&cobra.Command{
		Use:     "provider",
		Short:   "Look at provider plugins and pin them",
		Long:    "Look at the provider plugins that are installed, and pin those that this program may run.",
		Example: "  humanconnect provider list",
	})
	c.AddCommand(newProviderList(app), newProviderShow(app), newProviderLock(app))
	return exits(c, exitOK, exitUsage)
}

// providerRow is a provider as it is listed.
type providerRow struct {
	Name    string   `json:"name"`
	Command []string `json:"command"`
	// Origin is where it was found: config, user or release.
	Origin plugins.Origin `json:"origin"`
	SHA256 string         `json:"sha256,omitempty"`
	// Pinned is where its pin stands: config, user or release; "" for none.
	Pinned plugins.Origin `json:"pinned,omitempty"`
	Dev    bool           `json:"dev,omitempty"`
}

func providerRowOf(s plugins.Spec) providerRow {
	return providerRow{s.Name, s.Command, s.Origin, s.SHA256, s.Pinned, s.Dev}
}

func newProviderList(app *App) *cobra.Command {
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the providers that are installed",
		Long:    "List the providers that are installed and where their pins stand. None is started.",
		Example: "  humanconnect provider list -o json",
		Args:    upToArgs(0),
		RunE: func(*cobra.Command, []string) error {
			st, err := app.prepare()
			if err != nil {
				return err
			}
			defer st.Close()
			rows := []providerRow{}
			var cells [][]string
			for _, s := range st.sources.specs {
				rows = append(rows, providerRowOf(s))
				cells = append(cells, []string{s.Name, string(s.Origin), pinText(s), s.Path()})
			}
			return app.print(rows, func(w io.Writer) error {
				return writeTable(w, []string{"PROVIDER", "FOUND", "PIN", "EXECUTABLE"}, cells)
			})
		},
	}
	return exits(c, exitOK, exitUsage, exitConfig, exitProvider)
}

func pinText(s plugins.Spec) string {
	switch {
	case s.Dev:
		return "dev"
	case s.SHA256 == "":
		return "none"
	}
	return string(s.Pinned)
}

func newProviderShow(app *App) *cobra.Command {
	c := &cobra.Command{
		Use:               "show NAME",
		Short:             "Start a provider and show what it says of itself",
		Long:              "Start a provider, ask it what it is, and show that: its version and its sources. This is the\nway to see whether a provider works.",
		Example:           "  humanconnect provider show sandbox",
		Args:              exactArgs("NAME"),
		ValidArgsFunction: app.completeProviders,
		RunE:              func(c *cobra.Command, args []string) error { return app.providerShow(c, args[0]) },
	}
	return exits(c, exitOK, exitUsage, exitConfig, exitNotFound, exitProvider)
}

func (a *App) providerShow(c *cobra.Command, name string) error {
	st, err := a.prepare()
	if err != nil {
		return err
	}
	defer st.Close()
	spec, ok := st.sources.spec(name)
	if !ok {
		return providerUnknown(name)
	}
	starting := a.startProgress("starting the provider")
	d, err := st.sources.host.Describe(c.Context(), name)
	starting.Done()
	if err != nil {
		return err
	}
	out := struct {
		providerRow
		Version string   `json:"version"`
		Sources []string `json:"sources"`
	}{providerRowOf(spec), d.Version, []string{}}
	for _, s := range d.Sources {
		out.Sources = append(out.Sources, s.ID)
	}
	return a.print(out, func(w io.Writer) error {
		return writeTable(w, nil, [][]string{
			{"provider", name},
			{"version", d.Version},
			{"executable", spec.Path()},
			{"found", string(spec.Origin)},
			{"pin", pinText(spec)},
			{"sha256", orNone(spec.SHA256)},
			{"sources", strconv.Itoa(len(out.Sources))},
			{"", strings.Join(out.Sources, ", ")},
		})
	})
}

func (s *sources) spec(name string) (plugins.Spec, bool) {
	for _, spec := range s.specs {
		if spec.Name == name {
			return spec, true
		}
	}
	return plugins.Spec{}, false
}

func providerUnknown(name string) error {
	p := problem.New(codeProviderUnknown, "there is no such provider")
	if plugins.ValidName(name) {
		p = problem.New(codeProviderUnknown, "provider %q is not installed", name)
	}
	return p.Hint("see: humanconnect provider list")
}

func newProviderLock(app *App) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "lock [NAME…]",
		Short: "Pin providers by the SHA-256 of their executables",
		Long: `Pin the named providers, or all that have no pin, by the SHA-256 of their executables as they
are now, in the user's lock. Only a provider that is pinned runs. What the release pins cannot
be pinned anew.

With --dir, for packagers: write the lock of a directory into it, with a pin for each provider
that lies there.`,
		Example:           "  humanconnect provider lock acme\n  humanconnect provider lock --dir bin",
		ValidArgsFunction: app.completeProviders,
		RunE: func(c *cobra.Command, args []string) error {
			if dir != "" {
				if len(args) > 0 {
					return usage(c, "--dir pins all that lies in the directory; no names go with it")
				}
				return app.lockDirectory(c, dir)
			}
			return app.providerLock(c.Context(), args)
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "write the lock of this `DIR` into it")
	_ = c.MarkFlagDirname("dir")
	return exits(c, exitOK, exitUsage, exitConfig, exitNotFound, exitProvider)
}

func (a *App) lockDirectory(c *cobra.Command, dir string) error {
	lock, err := plugins.LockDirectory(dir)
	if err == nil {
		err = plugins.WriteLock(filepath.Join(dir, plugins.LockName), lock)
	}
	if path := (*os.PathError)(nil); errors.As(err, &path) {
		return usage(c, "--dir: the lock of that directory cannot be made").Because(err)
	}
	if err != nil {
		return err
	}
	return a.printPins(lock.Providers)
}

func (a *App) providerLock(ctx context.Context, names []string) error {
	st, err := a.prepare()
	if err != nil {
		return err
	}
	defer st.Close()
	var chosen []plugins.Spec
	for _, name := range names {
		spec, ok := st.sources.spec(name)
		if !ok {
			return providerUnknown(name)
		}
		if err := lockable(spec); err != nil {
			return err
		}
		chosen = append(chosen, spec)
	}
	if len(names) == 0 {
		for _, spec := range st.sources.specs {
			if spec.SHA256 == "" && !spec.Dev {
				chosen = append(chosen, spec)
			}
		}
	}
	return a.pin(ctx, chosen)
}

// lockable refuses a provider whose pin stands where that of the user's lock would not count.
func lockable(spec plugins.Spec) error {
	switch spec.Pinned {
	case plugins.OriginRelease:
		return problem.New(codeReleasePin, "the release pins provider %q", spec.Name).
			Hint("install the release anew if its file was replaced; a pin in the config file wins over it")
	case plugins.OriginConfig:
		digest, err := spec.Digest()
		if err != nil {
			return err
		}
		return problem.New(codeConfigPin, "the config pins provider %q", spec.Name).
			Hint("as the file is now, write there: sha256: %s", digest)
	}
	return nil
}

// pin adds the digests of the files as they are now to the user's lock.
func (a *App) pin(ctx context.Context, specs []plugins.Spec) error {
	path, err := a.userLock()
	if err != nil {
		return err
	}
	var pins []plugins.Entry
	for _, spec := range specs {
		digest, err := spec.Digest()
		if err != nil {
			return err
		}
		pins = append(pins, plugins.Entry{Name: spec.Name, SHA256: digest})
	}
	if len(pins) > 0 {
		err = plugins.UpdateLock(ctx, path, func(lock *plugins.Lock) {
			for _, p := range pins {
				lock.Set(p.Name, p.SHA256)
			}
		})
		if err != nil {
			return err
		}
	}
	return a.printPins(pins)
}

func (a *App) printPins(pins []plugins.Entry) error {
	return a.print(orEmpty(pins), func(w io.Writer) error {
		for _, p := range pins {
			if _, err := fmt.Fprintf(w, "%s  %s\n", p.SHA256, p.Name); err != nil {
				return err
			}
		}
		return nil
	})
}
