// Package version has the command that prints the version.
package version

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// build describes the binary.
type build struct {
	Kind    string         `json:"kind"`
	ID      iostreams.NoID `json:"id"`
	Version string         `json:"version"`
	Commit  string         `json:"commit"`
	Go      string         `json:"go"`
	OS      string         `json:"os"`
	Arch    string         `json:"arch"`
	// Protocol is the version of the protocol between core and providers.
	Protocol int `json:"protocol"`
}

// buildOf completes the values of the linker with the build info of the compiler.
func buildOf(version, commit string, info *debug.BuildInfo) build {
	b := build{
		Kind: kind, Version: version, Commit: commit, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		Protocol: host.ProtocolVersion,
	}
	if info == nil {
		info = &debug.BuildInfo{}
	}
	if b.Version == "" {
		b.Version = info.Main.Version
	}
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "devel"
	}
	if b.Commit == "" {
		b.Commit = vcsRevision(info)
	}
	return b
}

func vcsRevision(info *debug.BuildInfo) string {
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return "unknown"
}

const kind = "version"

// Outputs returns samples of what the command prints as JSON.
func Outputs() []command.Output {
	return []command.Output{{Command: "version", Sample: build{Kind: kind}}}
}

// New returns the command version.
func New(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Long:    "Print the version of this program, its commit, its Go version and platform, and the version of\nthe provider protocol.",
		Example: "  humanconnect version\n  humanconnect version -o json",
		Args:    command.UpToArgs(0),
		RunE:    func(*cobra.Command, []string) error { return Print(a) },
	}
	return command.Exits(c, exit.OK, exit.Usage)
}

// Print prints the version.
func Print(a *app.App) error {
	info, _ := debug.ReadBuildInfo() // nil is fine
	b := buildOf(a.Build.Version, a.Build.Commit, info)
	return a.IO.Print(b, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "humanconnect %s\ncommit %s\n%s %s/%s\nprovider protocol %d\n",
			b.Version, b.Commit, b.Go, b.OS, b.Arch, b.Protocol)
		return err
	})
}
