// Package house holds the arrows of the house: which package may import which. The linter holds them too; this test
// needs nothing but Go. It also holds documents to what they say of files, packages and dependencies.
package house_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

const module = "github.com/humanconnect/humanconnect"

// pkg is a package as go list tells of it. Imports are those of the program, without its tests.
type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

// arrow forbids imports.
type arrow struct {
	// what it says, for whoever breaks it.
	what string
	// from and except choose the packages that it is about: module-relative trees.
	from, except []string
	// to is what they may not import, but for the trees of but. A tree that is none of ours is a whole path.
	to, but []string
	// deep: not through others either.
	deep bool
}

// arrows of the house.
func arrows() []arrow {
	return []arrow{
		{what: "core names the interfaces that it needs, and plugins satisfy them", from: []string{"core"}, to: []string{"plugins", "providers", "cmd", "test"}, deep: true},
		{what: "plugins import only sdk and internal of ours", from: []string{"plugins"}, to: []string{""}, but: []string{"plugins", "sdk", "internal"}},
		{what: "internal is below everything of ours", from: []string{"internal"}, to: []string{""}, but: []string{"internal"}, deep: true},
		{what: "providers import only sdk of ours", from: []string{"providers"}, to: []string{""}, but: []string{"providers", "sdk"}},
		{what: "no provider imports another", from: []string{"providers/oauth2"}, except: []string{"providers/oauth2/sources"}, to: []string{"providers"}, but: []string{"providers/oauth2", "providers/internal"}, deep: true},
		{what: "no provider imports another", from: []string{"providers/sandbox"}, to: []string{"providers"}, but: []string{"providers/sandbox", "providers/internal"}, deep: true},
		{what: "no provider imports another", from: []string{"providers/key"}, to: []string{"providers"}, but: []string{"providers/key", "providers/internal"}, deep: true},
		{what: "what providers share imports none of them", from: []string{"providers/internal"}, to: []string{"providers"}, but: []string{"providers/internal"}, deep: true},
		{what: "sdk imports nothing of ours", from: []string{"sdk"}, to: []string{""}, but: []string{"sdk"}, deep: true},
		{what: "the store imports id and seal alone of core", from: []string{"core/store"}, to: []string{"core"}, but: []string{"core/store", "core/id", "core/seal"}},
		{what: "session stands on top of core", from: []string{"core"}, except: []string{"core/session"}, to: []string{"core/session"}, deep: true},
		{what: "cobra is the command line's", from: []string{""}, except: []string{"cmd", "test/bench"}, to: []string{"github.com/spf13/cobra", "github.com/spf13/pflag"}},
		{what: "viper is core/config's", from: []string{""}, except: []string{"core/config", "test/bench"}, to: []string{"github.com/spf13/viper"}},
		{what: "core starts no provider process", from: []string{"core"}, to: []string{"github.com/hashicorp/go-plugin", "github.com/hashicorp/go-hclog", "google.golang.org/grpc"}},
		{what: "core knows no terminal", from: []string{"core"}, to: terminals(), deep: true},
		{what: "core and sdk write no page", from: []string{"core", "sdk"}, to: []string{"html", "text/template"}},
		{what: "the database is the store's", from: []string{""}, except: []string{"core/store/sqlite", "test/bench"}, to: []string{"modernc.org/sqlite", "database/sql"}},
		{what: "the sandbox's server alone is built on a server library", from: []string{""}, except: []string{"providers/sandbox/server"}, to: []string{"github.com/zitadel/oidc/v3"}, deep: true},
		{what: "nothing imports cmd", from: []string{""}, except: []string{"cmd"}, to: []string{"cmd"}, deep: true},
		{what: "a provider needs nothing that is for hosts", from: []string{"providers", "sdk"}, except: []string{"sdk/host", "sdk/providertest"}, to: []string{"sdk/host"}, but: []string{"sdk/host/loopback"}, deep: true},
	}
}

// terminals are the libraries that know one.
func terminals() []string {
	return []string{
		"golang.org/x/term", "charm.land", "github.com/charmbracelet", "github.com/muesli", "github.com/creack/pty",
		"github.com/spf13/cobra",
	}
}

// broken lists which packages break an arrow, one line each.
func (a arrow) broken(packages []pkg) []string {
	var lines []string
	for _, p := range packages {
		if !within(p.ImportPath, a.from) || within(p.ImportPath, a.except) {
			continue
		}
		imports := p.Imports
		if a.deep {
			imports = append(slices.Clone(imports), p.Deps...)
		}
		for _, path := range imports {
			if within(path, a.to) && !within(path, a.but) {
				lines = append(lines, fmt.Sprintf("%s imports %s: %s", p.ImportPath, path, a.what))
			}
		}
	}
	return lines
}

// within says whether a package is in one of the trees.
func within(path string, trees []string) bool {
	for _, tree := range trees {
		root := tree
		switch first, _, _ := strings.Cut(tree, "/"); first {
		case "":
			root = module
		case "cmd", "core", "internal", "plugins", "providers", "sdk", "test":
			root = module + "/" + tree
		}
		if path == root || strings.HasPrefix(path, root+"/") {
			return true
		}
	}
	return false
}

func TestArrowsOfTheHouseHold(t *testing.T) {
	packages := list(t, "../..", "./...")
	packages = append(packages, list(t, "../../sdk", "./...")...)
	if len(packages) < 10 {
		t.Fatalf("go list knows %d packages: the search is broken", len(packages))
	}
	for _, a := range arrows() {
		for _, line := range a.broken(packages) {
			t.Error(line)
		}
	}
}

// list asks go list for the packages of a module.
func list(t *testing.T, dir, pattern string) []pkg {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "go", "list", "-json=ImportPath,Imports,Deps", pattern)
	c.Dir, c.Stderr = dir, os.Stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			return packages
		case err != nil:
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func TestEveryArrowIsNoticedWhenBroken(t *testing.T) {
	ours := func(path string) string { return module + "/" + path }
	broken := []pkg{
		{ImportPath: ours("core/session"), Imports: []string{ours("plugins")}},
		{ImportPath: ours("plugins"), Imports: []string{ours("core/id")}},
		{ImportPath: ours("internal/problem"), Deps: []string{ours("sdk")}},
		{ImportPath: ours("providers/sandbox"), Imports: []string{ours("plugins")}},
		{ImportPath: ours("providers/oauth2"), Deps: []string{ours("providers/sandbox")}},
		{ImportPath: ours("providers/sandbox"), Deps: []string{ours("providers/oauth2/catalog")}},
		{ImportPath: ours("providers/key"), Deps: []string{ours("providers/oauth2/catalog")}},
		{ImportPath: ours("providers/internal/endpoint"), Deps: []string{ours("providers/sandbox")}},
		{ImportPath: ours("sdk/providertest"), Imports: []string{ours("core/id")}},
		{ImportPath: ours("core/store/sqlite"), Imports: []string{ours("core/failure")}},
		{ImportPath: ours("core/hook"), Deps: []string{ours("core/session")}},
		{ImportPath: ours("core/config"), Imports: []string{"github.com/spf13/cobra"}},
		{ImportPath: ours("cmd/humanconnect"), Imports: []string{"github.com/spf13/viper"}},
		{ImportPath: ours("core/source"), Imports: []string{"github.com/hashicorp/go-plugin"}},
		{ImportPath: ours("core/session"), Deps: []string{"charm.land/lipgloss/v2"}},
		{ImportPath: ours("core/event"), Imports: []string{"html/template"}},
		{ImportPath: ours("core/token"), Imports: []string{"database/sql"}},
		{ImportPath: ours("providers/sandbox"), Deps: []string{"github.com/zitadel/oidc/v3/pkg/op"}},
		{ImportPath: ours("sdk"), Deps: []string{ours("cmd/humanconnect")}},
		{ImportPath: ours("sdk/oauth2"), Deps: []string{ours("sdk/host")}},
	}
	for i, a := range arrows() {
		if len(a.broken(broken[i:i+1])) == 0 {
			t.Errorf("%q is not noticed when %s breaks it", a.what, broken[i].ImportPath)
		}
	}
	kept := []pkg{
		{ImportPath: ours("core/session"), Imports: []string{ours("core/store"), ours("sdk"), "context"}},
		{ImportPath: ours("plugins"), Imports: []string{ours("sdk"), ours("internal/problem"), "github.com/hashicorp/go-plugin"}},
		{ImportPath: ours("core/store/sqlite"), Imports: []string{ours("core/store"), ours("core/id"), ours("internal/problem"), "database/sql", "modernc.org/sqlite"}},
		{ImportPath: ours("cmd/humanconnect"), Imports: []string{ours("plugins"), ours("core/session"), "github.com/spf13/cobra"}},
		{ImportPath: ours("core/config"), Imports: []string{"github.com/spf13/viper"}},
		{ImportPath: ours("sdk/oauth2"), Imports: []string{ours("sdk"), ours("sdk/host/loopback")}},
	}
	for _, a := range arrows() {
		if lines := a.broken(kept); len(lines) > 0 {
			t.Error(lines)
		}
	}
}
