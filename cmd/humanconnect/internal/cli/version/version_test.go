package version

import (
	"runtime/debug"
	"testing"
)

func TestVersionFallsBackToWhatTheCompilerNoted(t *testing.T) {
	info := &debug.BuildInfo{Main: debug.Module{Version: "v1.4.0"}, Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}}}
	if b := buildOf("", "", info); b.Version != "v1.4.0" || b.Commit != "abc" {
		t.Errorf("got %+v", b)
	}
	if b := buildOf("2.0.0", "def", info); b.Version != "2.0.0" || b.Commit != "def" {
		t.Errorf("the stamp does not win: %+v", b)
	}
	if b := buildOf("", "", nil); b.Version != "devel" || b.Commit != "unknown" || b.Protocol == 0 {
		t.Errorf("got %+v", b)
	}
}
