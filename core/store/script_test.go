package store_test

import (
	"testing"

	"github.com/humanconnect/humanconnect/core/store"
)

func TestOnlyWhatAScriptAskedForIsScripted(t *testing.T) {
	for p, want := range map[store.ScriptPosition]bool{
		{}: true, {Run: 2, No: 4}: true, {No: store.NoScript}: false, {Run: 2, No: store.NoScript}: false,
	} {
		if p.Scripted() != want {
			t.Errorf("%+v is scripted: %t", p, !want)
		}
	}
}
