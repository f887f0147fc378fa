package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/internal/problem"
)

func TestPlanOfAFileIsReadAsStrictlyAsThatOfTheConfig(t *testing.T) {
	path := write(t, "actions:\n  - connect: sandbox-clinic\n    answers: {username: demouser, password: {file: pw}}\n  - disconnect: withings\n")
	p, warnings, err := config.ReadPlan(path, os.Getuid())
	if err != nil || len(warnings) > 0 {
		t.Fatalf("%v %v %v", err, factsOf(err), warnings)
	}
	a := p.Actions[0]
	if a.Kind != config.Connect || a.Answers["username"].Text.Reveal() != "demouser" ||
		a.Answers["password"].Ref.File != filepath.Join(filepath.Dir(path), "pw") || p.Actions[1].Target != "withings" {
		t.Errorf("%+v", p)
	}
	for text, want := range map[string]string{
		"":                       "actions is missing",
		"actions: []":            "actions names no action",
		"plan: {actions: []}":    "plan unknown key",
		"actions: [{conect: a}]": `did you mean "connect"?`,
		"actions: [{connect: a, answers: {x: [1]}}]": "a list, where one value is expected",
		"actions: [": "not YAML",
	} {
		_, _, err := config.ReadPlan(write(t, text), os.Getuid())
		said := strings.Join(strings.Fields(strings.Join(factsOf(err), " ")), " ")
		if problem.CodeOf(err) != config.CodePlan || !strings.Contains(said, want) {
			t.Errorf("%q: %v %s", text, err, said)
		}
	}
}

func TestPlanThatOthersCanWriteIsRefused(t *testing.T) {
	path := write(t, "actions: [{connect: a}]")
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, _, err := config.ReadPlan(path, os.Getuid()); problem.CodeOf(err) != config.CodeMode {
		t.Errorf("%v", err)
	}
	if _, _, err := config.ReadPlan(path+".not", os.Getuid()); problem.CodeOf(err) != config.CodePlan {
		t.Errorf("%v", err)
	}
}
