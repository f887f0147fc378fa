package oauth2_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
)

// in says whether an instant is so far away; 0 is none.
func in(at time.Time, seconds int) bool {
	want := time.Now().Add(time.Duration(seconds) * time.Second)
	return at.IsZero() == (seconds == 0) && (seconds == 0 || !at.After(want.Add(2*time.Second)) && !at.Before(want.Add(-time.Minute)))
}

func TestEndOfARefreshTokenIsWhenThePersonReconnects(t *testing.T) {
	for answer, seconds := range map[string]int{
		`,"refresh_token_expires_in":7776000`:   7776000,
		`,"refresh_token_expires_in":"7776000"`: 7776000,
		`,"refresh_token_expires_in":1e99`:      100 * 365 * 24 * 60 * 60,
		`,"refresh_token_expires_in":0`:         0,
		`,"refresh_token_expires_in":-5`:        0,
		`,"refresh_token_expires_in":"never"`:   0,
		`,"refresh_token_expires_in":{}`:        0,
		`,"refresh_token_expires_in":null`:      0,
		``:                                      0,
	} {
		b := newBent(t)
		b.responds("/token", 200, `{"access_token":"a","refresh_token":"r","token_type":"bearer"`+answer+`}`)
		step, err := callback(t, &oauth2.Source{Endpoint: at(b)}, ownClient, "code", "c")
		done, ok := step.(sdk.Connected)
		if !ok {
			t.Errorf("%s: %+v, %v", answer, step, err)
			continue
		}
		if !in(done.Credential.ReconnectBy, seconds) {
			t.Errorf("%s: reconnect by %v, want in %d s", answer, done.Credential.ReconnectBy, seconds)
		}
	}
}

// TestAccountThatIsAskedForLaterDoesNotMoveTheEnd: the time counts from the token response.
func TestAccountThatIsAskedForLaterDoesNotMoveTheEnd(t *testing.T) {
	b := newBent(t)
	b.responds("/token", 200, `{"access_token":"a","refresh_token":"r","token_type":"bearer","refresh_token_expires_in":600}`)
	tries := 0
	b.mux.HandleFunc("/me", func(w http.ResponseWriter, _ *http.Request) {
		if tries++; tries == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte(`{"id":"7"}`))
	})
	c, req, step, err := granted(t, accounts(b), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, step, err = waits(t, c, req, step)
	done, ok := step.(sdk.Connected)
	if !ok || !in(done.Credential.ReconnectBy, 600) {
		t.Errorf("%+v, %v", step, err)
	}
}

func TestRefreshKeepsTheEndOfTheSameRefreshToken(t *testing.T) {
	known := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	for _, c := range []struct {
		answer string
		keeps  bool
		// seconds until the new end, where it is not kept.
		seconds int
	}{
		{`{"access_token":"a","token_type":"bearer"}`, true, 0},
		{`{"access_token":"a","refresh_token":"refresh-1","token_type":"bearer"}`, true, 0},
		{`{"access_token":"a","refresh_token":"refresh-2","token_type":"bearer"}`, false, 0},
		{`{"access_token":"a","refresh_token":"refresh-2","token_type":"bearer","refresh_token_expires_in":600}`, false, 600},
		{`{"access_token":"a","token_type":"bearer","refresh_token_expires_in":600}`, false, 600},
	} {
		b := newBent(t)
		b.responds("/token", 200, c.answer)
		old := credential(good)
		old.ReconnectBy = known
		refreshed, err := (&oauth2.Source{Endpoint: at(b), ClientID: "us"}).Refresh(t.Context(), &sdk.CredentialRequest{Credential: old})
		if err != nil {
			t.Fatal(err)
		}
		got := refreshed.Credential.ReconnectBy
		if c.keeps != got.Equal(known) || !c.keeps && !in(got, c.seconds) {
			t.Errorf("%s: reconnect by %v, known is %v", c.answer, got, known)
		}
	}
}
