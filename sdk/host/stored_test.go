package host_test

import (
	"encoding/hex"
	"reflect"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// The bytes are those that the first version wrote.
func TestWhatAnEarlierVersionStoredIsRead(t *testing.T) {
	until := time.Date(2026, 12, 1, 2, 3, 4, 0, time.UTC)
	for stored, want := range map[string]sdk.Step{
		"0a0172120b0a0175120608d8d5b8d806": sdk.OpenURL{URL: "u", ExpiresAt: until, Resume: []byte("r")},
		"0a01721a1d0a01741201781a150a0166120146180420012a016832060a0176120156": sdk.Form{
			Title: "t", Text: "x", Resume: []byte("r"), Fields: []sdk.Field{{
				ID: "f", Label: "F", Kind: sdk.KindChoice, Required: true, Help: "h", Choices: []sdk.Choice{{Value: "v", Label: "V"}},
			}},
		},
		"22150a01631201751a0177220208012a0608d8d5b8d806": sdk.ShowCode{
			UserCode: "c", VerificationURI: "u", VerificationURIComplete: "w", PollAfter: time.Second, ExpiresAt: until,
		},
		"2a0f0a0177120208011a0608d8d5b8d806": sdk.Wait{Text: "w", PollAfter: time.Second, ExpiresAt: until},
		"321b0a060a0161120141120e0a016412016d1a0608d8d5b8d8061a0173": sdk.Connected{
			Account: sdk.Account{ID: "a", Label: "A"}, Scopes: []string{"s"},
			Credential: sdk.Credential{Data: "d", MediaType: "m", ExpiresAt: until},
		},
	} {
		data, err := hex.DecodeString(stored)
		noError(t, err)
		got, err := host.UnmarshalStep(data)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is read as %+v (%v), want %+v", stored, got, err, want)
		}
	}
	data, err := hex.DecodeString("0a0a0a0573746174651201730a090a04636f6465120163")
	noError(t, err)
	callback, err := host.UnmarshalCallback(data)
	noError(t, err)
	same(t, "callback", callback, sdk.Callback{Parameters: []sdk.Parameter{{Name: "state", Value: "s"}, {Name: "code", Value: "c"}}})
}
