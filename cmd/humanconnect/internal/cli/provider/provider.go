// Package provider has the commands that list and show provider plugins, and pin them.
package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/plugins"
)

// New returns the command provider.
func New(a *app.App) *cobra.Command {
	c := command.Group(&cobra.Command{
		Use:     "provider",
		Short:   "List, show and pin provider plugins",
		Long:    "List and show the installed provider plugins, and pin those that this program may run.",
		Example: "  humanconnect provider list",
	})
	c.AddCommand(newList(a), newShow(a), newLock(a))
	return command.Exits(c, exit.OK, exit.Usage)
}

// row is a provider as it is listed.
type row struct {
	Kind string `json:"kind"`
	// ID is its name.
	ID      string   `json:"id"`
	Command []string `json:"command"`
	// Origin is where it was found.
	Origin plugins.Origin `json:"origin"`
	// SHA256 is what it is pinned to, Pinned where its pin is; null without one.
	SHA256 *string         `json:"sha256"`
	Pinned *plugins.Origin `json:"pinned"`
	// Dev: it runs without a pin.
	Dev bool `json:"dev"`
	// PinnedSourceIDs are the sources that its pin lets it offer; null while they are not recorded.
	PinnedSourceIDs []string `json:"pinnedSourceIds" null:"true"`
	// State is what has become of the executable since it was pinned.
	State plugins.FileState `json:"state"`
}

// details are a provider as it is shown.
type details struct {
	row
	// Version and SourceIDs are what it says of itself.
	Version   string   `json:"version"`
	SourceIDs []string `json:"sourceIds"`
	// Conflicts are its sources that another provider claims too.
	Conflicts []conflict `json:"conflicts"`
}

// conflict is a source that several providers claim.
type conflict struct {
	SourceID    string   `json:"sourceId"`
	ProviderIDs []string `json:"providerIds"`
}

// pin is what provider lock has pinned.
type pin struct {
	Kind string `json:"kind"`
	// ID is the name of the provider.
	ID     string `json:"id"`
	SHA256 string `json:"sha256"`
	// PinnedSourceIDs is null while they are not recorded.
	PinnedSourceIDs []string `json:"pinnedSourceIds" null:"true"`
}

// The kinds of what the commands print.
const (
	kind    = "provider"
	kindPin = "provider.pin"
)

// Outputs returns samples of what the commands print as JSON.
func Outputs() []command.Output {
	return []command.Output{
		{Command: "provider list", Sample: []row{{Kind: kind}}},
		{Command: "provider show", Sample: details{row: row{Kind: kind}}},
		{Command: "provider lock", Sample: []pin{{Kind: kindPin}}},
	}
}

func rowOf(s plugins.Spec) row {
	return row{
		Kind: kind, ID: s.Name, Command: iostreams.OrEmpty(s.Command), Origin: s.Origin, SHA256: iostreams.OrNull(s.SHA256),
		Pinned: iostreams.OrNull(s.Pinned), Dev: s.Dev, PinnedSourceIDs: s.Sources, State: s.FileState(),
	}
}

// sourcesText says how many sources a provider may offer.
func sourcesText(s plugins.Spec) string {
	switch {
	case s.Dev:
		return "as described"
	case s.SHA256 == "":
		return "none"
	case s.Sources == nil:
		return "not recorded"
	}
	return strconv.Itoa(len(s.Sources))
}

func newList(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the installed providers",
		Long:    "List the installed providers, their pins, how many sources their pins let them offer, and\nwhether the file of each is the pinned one: ok, changed, missing, unreadable or unpinned. No\nprovider is started.",
		Example: "  humanconnect provider list -o json",
		Args:    command.UpToArgs(0),
		RunE: func(*cobra.Command, []string) error {
			inst, err := a.Prepare()
			if err != nil {
				return err
			}
			defer inst.Close()
			rows := []row{}
			var cells [][]string
			for _, s := range inst.Specs {
				r := rowOf(s)
				rows = append(rows, r)
				cells = append(cells, []string{s.Name, string(s.Origin), s.PinText(), sourcesText(s), string(r.State), s.Path()})
			}
			inst.WarnOfConflicts(inst.Providers.Conflicts())
			err = a.IO.Print(rows, func(w io.Writer) error {
				return iostreams.WriteTable(w, []string{"PROVIDER", "ORIGIN", "PIN", "SOURCES", "FILE", "EXECUTABLE"}, cells)
			})
			if err == nil {
				command.SayIfNone(a.IO, len(rows), "providers")
			}
			return err
		},
	}
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.Provider)
}

func newShow(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:               "show NAME",
		Short:             "Start a provider and show its description",
		Long:              "Start a provider, read its description, and show its version and its sources. Use it to check\nthat a provider works.",
		Example:           "  humanconnect provider show sandbox",
		Args:              command.ExactArgs("NAME"),
		ValidArgsFunction: command.Providers(a),
		RunE:              func(c *cobra.Command, args []string) error { return show(a, c, args[0]) },
	}
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.NotFound, exit.Provider)
}

func show(a *app.App, c *cobra.Command, name string) error {
	inst, err := a.Prepare()
	if err != nil {
		return err
	}
	defer inst.Close()
	spec, err := plugins.Choose(inst.Specs, name)
	if err != nil {
		return err
	}
	starting := a.IO.StartProgress("starting the provider")
	d, err := inst.Providers.DescribeLive(c.Context(), name)
	starting.Done()
	if err != nil {
		return err
	}
	out := details{row: rowOf(spec), Version: d.Version, SourceIDs: []string{}, Conflicts: []conflict{}}
	for _, s := range d.Sources {
		out.SourceIDs = append(out.SourceIDs, s.ID)
	}
	conflicts := conflictsOf(inst, name)
	for _, c := range conflicts {
		out.Conflicts = append(out.Conflicts, conflict{c.Source, c.Providers})
	}
	inst.WarnOfConflicts(conflicts)
	return a.IO.Print(out, func(w io.Writer) error {
		return iostreams.WriteTable(w, nil, [][]string{
			{"provider", name},
			{"version", d.Version},
			{"executable", spec.Path()},
			{"origin", string(spec.Origin)},
			{"pin", spec.PinText()},
			{"sha256", iostreams.OrNone(spec.SHA256)},
			{"sources", strconv.Itoa(len(out.SourceIDs))},
			{"", strings.Join(out.SourceIDs, ", ")},
		})
	})
}

// conflictsOf lists the sources of a provider that another one claims too.
func conflictsOf(inst *app.Installation, name string) []source.Conflict {
	return slices.DeleteFunc(inst.Providers.Conflicts(), func(c source.Conflict) bool {
		return !slices.Contains(c.Providers, name)
	})
}

func newLock(a *app.App) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "lock [NAME…]",
		Short: "Pin providers by the SHA-256 of their executables and by their sources",
		Long: `Pin the named providers, or all that have no pin, in the user's lock file: by the current
SHA-256 of their executables, and by the sources that they offer now. Each is started once.
Only a pinned provider runs, and only with the sources of its pin. One that does not describe
itself is pinned without any source. A provider that the release pins cannot be pinned again.
Without names, one whose file is no longer the pinned one is not pinned again: the exit code is 14.

With --dir, for packagers: write the lock file of a directory, with a pin for each provider in
the directory. One that does not run here is completed where it runs.`,
		Example:           "  humanconnect provider lock acme\n  humanconnect provider lock --dir bin",
		ValidArgsFunction: command.Providers(a),
		RunE: func(c *cobra.Command, args []string) error {
			if dir != "" {
				if len(args) > 0 {
					return command.Usage(c, "--dir pins every provider of the directory and takes no names")
				}
				return lockDirectory(a, c, dir)
			}
			return lock(c.Context(), a, args)
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "write the lock file of this `DIR`")
	_ = c.MarkFlagDirname("dir")
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.NotFound, exit.Provider)
}

func lockDirectory(a *app.App, c *cobra.Command, dir string) error {
	starting := a.IO.StartProgress(startingProviders)
	lock, pins, err := plugins.LockDirectory(c.Context(), a.HostOptions(nil), dir)
	starting.Done()
	if err == nil {
		err = plugins.WriteLock(filepath.Join(dir, plugins.LockName), lock)
	}
	if path := (*os.PathError)(nil); errors.As(err, &path) {
		return command.Usage(c, "--dir: cannot write the lock file of that directory").Because(err)
	}
	if err != nil {
		return err
	}
	for _, p := range pins {
		if p.Problem != nil {
			a.IO.Warn("pinned without its sources, which are recorded where it runs: %s [%s]", p.Problem, problem.CodeOf(p.Problem))
		}
	}
	return printPins(a, lock.Providers)
}

const startingProviders = "starting the providers"

func lock(ctx context.Context, a *app.App, names []string) error {
	inst, err := a.Prepare()
	if err != nil {
		return err
	}
	defer inst.Close()
	path, err := a.UserLock()
	if err != nil {
		return err
	}
	starting := a.IO.StartProgress(startingProviders)
	pins, err := plugins.PinUser(ctx, a.HostOptions(inst.Specs), path, names)
	starting.Done()
	if err != nil {
		return err
	}
	entries := make([]plugins.Entry, len(pins))
	for n, p := range pins {
		entries[n] = p.Entry
		if p.Problem != nil {
			a.IO.Warn("pinned without any source, because it could not be described: %s [%s]", p.Problem, problem.CodeOf(p.Problem))
			a.IO.Hint("once it works: humanconnect provider lock " + p.Name)
		}
	}
	inst.WarnOfConflicts(newConflicts(inst, entries))
	if err := printPins(a, entries); err != nil || len(names) > 0 {
		return err
	}
	return plugins.Changed(inst.Specs)
}

// newConflicts lists the sources of providers just pinned that another provider claims too.
func newConflicts(inst *app.Installation, entries []plugins.Entry) []source.Conflict {
	claims := make(map[string][]string)
	for _, s := range inst.Specs {
		claims[s.Name] = s.Sources
	}
	for _, e := range entries {
		claims[e.Name] = e.Sources
	}
	return slices.DeleteFunc(source.Conflicts(inst.Config.Sources, claims), func(c source.Conflict) bool {
		return !slices.ContainsFunc(entries, func(e plugins.Entry) bool { return slices.Contains(c.Providers, e.Name) })
	})
}

func printPins(a *app.App, pins []plugins.Entry) error {
	rows := make([]pin, 0, len(pins))
	for _, p := range pins {
		rows = append(rows, pin{kindPin, p.Name, p.SHA256, p.Sources})
	}
	return a.IO.Print(rows, func(w io.Writer) error {
		for _, p := range rows {
			if _, err := fmt.Fprintf(w, "%s  %s\n", p.SHA256, p.ID); err != nil {
				return err
			}
		}
		return nil
	})
}
