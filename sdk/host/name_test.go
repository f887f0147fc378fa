package host

import (
	"strings"
	"testing"
)

func TestIDsAreOfTheLettersOfTheProtocol(t *testing.T) {
	long := strings.Repeat("a", maxID)
	for s, want := range map[string][2]bool{
		"": {false, false}, "a": {true, true}, "7": {true, false}, "-a": {false, false}, "a-": {true, false}, "_a": {false, false},
		"a_b": {false, true}, "a-b": {true, false}, "A": {false, false}, "a b": {false, false}, "ä": {false, false},
		"a\n": {false, false}, "aXb": {false, false}, long: {true, true}, long + "a": {false, false},
	} {
		if ValidID(s) != want[0] || ValidFieldID(s) != want[1] {
			t.Errorf("%q: ValidID %v, ValidFieldID %v, want %v", s, ValidID(s), ValidFieldID(s), want)
		}
	}
}
