package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/source"
	key "github.com/humanconnect/humanconnect/providers/key/catalog"
	oauth2 "github.com/humanconnect/humanconnect/providers/oauth2/catalog"
	"github.com/humanconnect/humanconnect/sdk"
)

// shipped are the sources that are released, by their providers.
func shipped(t *testing.T) []source.Described {
	t.Helper()
	var oauth, keys sdk.Description
	for _, id := range oauth2.IDs() {
		s, err := oauth2.Load(id)
		if err != nil {
			t.Fatal(err)
		}
		oauth.Sources = append(oauth.Sources, s.Describe())
	}
	for _, id := range key.IDs() {
		s, err := key.Load(id)
		if err != nil {
			t.Fatal(err)
		}
		keys.Sources = append(keys.Sources, s.Describe())
	}
	return []source.Described{{Provider: "oauth2", Description: oauth}, {Provider: "key", Description: keys}}
}

// loaded reads lines below a version as a config file, and the sources that it sets up.
func loaded(t *testing.T, described []source.Described, lines string) (*source.Catalog, []config.Source, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte("version: 1\n"+lines), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, warnings, err := config.Load(config.Options{Path: path, Home: "/home/a", UID: os.Getuid()})
	if err != nil {
		return nil, nil, err
	}
	for _, w := range warnings {
		t.Errorf("%+v", w)
	}
	catalog, err := source.Load(cfg.Sources, described)
	return catalog, cfg.Sources, err
}

func TestConfigLinesOfEveryShippedSourceSetItUp(t *testing.T) {
	described := shipped(t)
	all, _, err := loaded(t, described, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all.All() {
		lines := s.ConfigLines()
		if lines == "" { // nothing is required
			if !s.Ready(nil) && !s.Retired() {
				t.Errorf("%s is not ready, and has no lines", s.ID)
			}
			continue
		}
		catalog, configured, err := loaded(t, described, lines)
		if err != nil || len(configured) != 1 || configured[0].ID != s.ID {
			t.Errorf("%s: %v\n%s", s.ID, err, lines)
			continue
		}
		set, err := catalog.Find(s.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range set.SettingsIn(nil) {
			if x.Required && !x.Set && x.Kind != sdk.KindSecret { // the file of a secret is not there
				t.Errorf("%s: %s is not set by\n%s", s.ID, x.Key, lines)
			}
		}
		// What is a comment is a valid setting too.
		if _, _, err := loaded(t, described, strings.ReplaceAll(lines, "# ", "")); err != nil {
			t.Errorf("%s: %v\n%s", s.ID, err, lines)
		}
	}
}
