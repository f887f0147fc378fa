package event_test

import (
	"slices"
	"testing"

	"github.com/humanconnect/humanconnect/core/event"
)

func TestEachMomentHasATypeOfItsOwnAndEachTypeAMoment(t *testing.T) {
	var types []event.Type
	for _, on := range event.Ons() {
		types = append(types, on.Type())
	}
	if !slices.Equal(types, event.Types) {
		t.Errorf("the moments are of %v, not %v", types, event.Types)
	}
	if got := event.On("onOpen").Type(); got != "" {
		t.Errorf("a word that is no moment is of %q", got)
	}
}
