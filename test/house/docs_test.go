package house_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// root of the repository.
const root = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// files lists the files of the repository, but for those that are made or fetched.
func files(t *testing.T) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{".git", ".cache", "bin", "node_modules"}, d.Name()) {
			return fs.SkipDir
		}
		if !d.IsDir() {
			paths = append(paths, strings.TrimPrefix(path, root+"/"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// documents are what is written for people.
func documents(t *testing.T) (paths []string) {
	t.Helper()
	for _, path := range files(t) {
		if strings.HasSuffix(path, ".md") {
			paths = append(paths, path)
		}
	}
	if len(paths) < 8 {
		t.Fatalf("found only %v", paths)
	}
	return paths
}

var (
	// ourPath is a file or folder of ours in a text. One with … or capitals, as in providers/NAME, stands for many.
	ourPath = regexp.MustCompile(`(?:^|[\s` + "`" + `(])((?:cmd|core|docs|internal|plugins|providers|sdk|test)/[a-z0-9_./-]*[a-z0-9])([A-Z…*]?)`)
	goFile  = regexp.MustCompile("`([a-z0-9_]+\\.go)`")
	link    = regexp.MustCompile(`\]\(([^):#]+)(?:#[^)]*)?\)`)
)

func TestDocumentsNameFilesThatAreThere(t *testing.T) {
	all := files(t)
	for _, document := range documents(t) {
		text := read(t, document)
		for _, m := range ourPath.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil && m[2] == "" {
				t.Errorf("%s names %s, which is not there", document, m[1])
			}
		}
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(document), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", document, m[1])
			}
		}
		for _, m := range goFile.FindAllStringSubmatch(text, -1) {
			if !slices.ContainsFunc(all, func(path string) bool { return filepath.Base(path) == m[1] }) {
				t.Errorf("%s names %s, which is not there", document, m[1])
			}
		}
	}
}

var (
	heading     = regexp.MustCompile(`(?m)^#+ (.+)$`)
	headingLink = regexp.MustCompile(`\]\(([^):#]*)#([^)]+)\)`)
	// notInAnchor are the characters that an anchor leaves out.
	notInAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are those of the headings of a document.
func anchors(text string) (list []string) {
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		list = append(list, strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return list
}

func TestLinksToHeadingsFindThem(t *testing.T) {
	followed := 0
	for _, document := range documents(t) {
		for _, m := range headingLink.FindAllStringSubmatch(read(t, document), -1) {
			to := document
			if m[1] != "" {
				to = filepath.Join(filepath.Dir(document), m[1])
			}
			if followed++; !slices.Contains(anchors(read(t, to)), m[2]) {
				t.Errorf("%s links to the heading #%s, which %s does not have", document, m[2], to)
			}
		}
	}
	if followed < 8 {
		t.Errorf("found only %d links", followed)
	}
}

// dependency is what docs/dependencies.md says of a module.
type dependency struct {
	// only lists the trees that may import it. It says nothing where one of the rows of the module says nothing.
	only   []string
	anyone bool
}

var (
	modulePath = regexp.MustCompile("`([a-z0-9-]+(?:\\.[a-z0-9-]+)+/[^`]+)`")
	onlyTrees  = regexp.MustCompile("only ((?:`[^`]+`(?:, | and )?)+) imports? (?:it|them)")
	quoted     = regexp.MustCompile("`([^`]+)`")
)

// explained reads the tables of docs/dependencies.md: the first cell of a row names modules, the last one who imports
// them, or "as above".
func explained(t *testing.T) map[string]dependency {
	t.Helper()
	found := make(map[string]dependency)
	var above []string
	for line := range strings.Lines(read(t, "docs/dependencies.md")) {
		if !strings.HasPrefix(line, "| ") {
			continue
		}
		cells := strings.Split(line, " | ")
		only := trees(cells[len(cells)-1])
		if strings.Contains(cells[len(cells)-1], "as above") {
			only = above
		}
		above = only
		for _, m := range modulePath.FindAllStringSubmatch(cells[0], -1) {
			d := found[m[1]]
			d.only, d.anyone = append(d.only, only...), d.anyone || len(only) == 0
			found[m[1]] = d
		}
	}
	return found
}

func trees(text string) (list []string) {
	if m := onlyTrees.FindStringSubmatch(text); m != nil {
		for _, q := range quoted.FindAllStringSubmatch(m[1], -1) {
			list = append(list, q[1])
		}
	}
	return list
}

// required are the direct requirements of all modules of ours.
func required(t *testing.T) (modules []string) {
	t.Helper()
	for _, path := range files(t) {
		if filepath.Base(path) != "go.mod" {
			continue
		}
		var mod struct {
			Require []struct {
				Path     string
				Indirect bool
			}
		}
		if err := json.Unmarshal(run(t, filepath.Dir(path), "mod", "edit", "-json"), &mod); err != nil {
			t.Fatal(err)
		}
		for _, r := range mod.Require {
			if !r.Indirect && !strings.HasPrefix(r.Path, module) && !slices.Contains(modules, r.Path) {
				modules = append(modules, r.Path)
			}
		}
	}
	return modules
}

func run(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "go", args...)
	c.Dir, c.Stderr = filepath.Join(root, dir), os.Stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("go %v: %v", args, err)
	}
	return out
}

func TestEveryDependencyIsExplainedAndEveryExplainedOneIsThere(t *testing.T) {
	explained, required := explained(t), required(t)
	if len(required) < 20 {
		t.Fatalf("found only %v", required)
	}
	for _, path := range required {
		if _, ok := explained[path]; !ok {
			t.Errorf("docs/dependencies.md does not explain %s", path)
		}
	}
	for path := range explained {
		if !slices.Contains(required, path) {
			t.Errorf("docs/dependencies.md explains %s, which no go.mod requires", path)
		}
	}
}

// The benchmarks import what they measure against.
func TestOnlyDocumentedPackagesImportADependency(t *testing.T) {
	packages := append(list(t, root, "./..."), list(t, filepath.Join(root, "sdk"), "./...")...)
	held := 0
	for path, d := range explained(t) {
		if d.anyone {
			continue
		}
		held++
		a := arrow{what: "docs/dependencies.md says who imports it", from: []string{""}, except: append(d.only, "test/bench"), to: []string{path}}
		for _, line := range a.broken(packages) {
			t.Error(line)
		}
		for _, tree := range d.only {
			if !slices.ContainsFunc(packages, func(p pkg) bool { return within(p.ImportPath, []string{tree}) }) {
				t.Errorf("docs/dependencies.md says that %s imports %s, and there is no such package", tree, path)
			}
		}
	}
	if held < 10 {
		t.Errorf("found only %d sentences of who imports what", held)
	}
}

func TestEveryPackageOfNodeIsExplained(t *testing.T) {
	text := read(t, "docs/dependencies.md")
	for _, path := range files(t) {
		if filepath.Base(path) != "package.json" {
			continue
		}
		var manifest struct {
			Dependencies    map[string]string `json:"dependencies"`
			DevDependencies map[string]string `json:"devDependencies"`
		}
		if err := json.Unmarshal([]byte(read(t, path)), &manifest); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, names := range []map[string]string{manifest.Dependencies, manifest.DevDependencies} {
			for name := range names {
				if !strings.Contains(text, "`"+name+"`") {
					t.Errorf("docs/dependencies.md does not explain %s of %s", name, path)
				}
			}
		}
	}
}

var tool = regexp.MustCompile(`(?m)^[A-Z_]+ +:= \S+/([a-z-]+)@v\S+$`)

func TestEveryToolIsListed(t *testing.T) {
	_, text, _ := strings.Cut(read(t, "docs/dependencies.md"), "## Tools")
	tools := tool.FindAllStringSubmatch(read(t, "Makefile"), -1)
	if len(tools) < 6 {
		t.Fatalf("found only %v", tools)
	}
	for _, m := range tools {
		if !strings.Contains(text, m[1]) {
			t.Errorf("docs/dependencies.md does not list the tool %s", m[1])
		}
	}
}

// The driver and its libc are one program in two modules.
func TestLibcIsTheOneThatTheDatabaseNames(t *testing.T) {
	const libc = "modernc.org/libc"
	ours := strings.TrimSpace(string(run(t, ".", "list", "-m", "-f", "{{.Version}}", libc)))
	mod := strings.TrimSpace(string(run(t, ".", "list", "-m", "-f", "{{.GoMod}}", "modernc.org/sqlite")))
	text, err := os.ReadFile(mod)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), libc+" "+ours+"\n") {
		t.Errorf("%s is at %s, and modernc.org/sqlite names another version", libc, ours)
	}
}
