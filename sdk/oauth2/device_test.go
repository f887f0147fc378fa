package oauth2_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
)

func TestAPollIsNeverPutOffForLong(t *testing.T) {
	b := newBent(t)
	b.responds("/device", 200, `{"device_code":"d","user_code":"U","verification_uri":"https://x.example/v","interval":2}`)
	closed := true
	b.mux.HandleFunc("/token", func(w http.ResponseWriter, _ *http.Request) {
		if closed {
			w.Header().Set("Retry-After", "86400")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"authorization_pending"}`))
	})
	c, req, step, err := attempt(t, &oauth2.Source{Endpoint: at(b), Methods: []sdk.Method{sdk.MethodCode}}, ownClient)
	for _, want := range []time.Duration{time.Minute, 4 * time.Second} {
		if err != nil {
			t.Fatal(err)
		}
		req.Reply, req.Resume = sdk.TimePassed{}, host.ResumeOf(step)
		step, err = c.Connect(t.Context(), req)
		if got := step.(sdk.ShowCode).PollAfter; got != want {
			t.Errorf("asks again after %v, want %v", got, want)
		}
		closed = false
	}
}

func TestDeviceAnswerWithoutACodeOrAnAddressIsNone(t *testing.T) {
	for _, body := range []string{
		`{}`, `{"user_code":"U","verification_uri":"https://x.example/v"}`, `{"device_code":"d","verification_uri":"https://x.example/v"}`,
		`{"device_code":"d","user_code":"U"}`, `{"device_code":"d","user_code":"U","verification_uri":"http://x.example/v"}`,
		`{"device_code":"d","user_code":"U","verification_uri":"javascript:alert(1)"}`, `{"device_code":"d","user_code":"U","verification_uri":"https://a@x.example/v"}`,
	} {
		b := newBent(t)
		b.responds("/device", 200, body)
		_, _, _, err := attempt(t, &oauth2.Source{Endpoint: at(b), Methods: []sdk.Method{sdk.MethodCode}}, ownClient)
		wants(t, err, sdk.SourceError, "")
	}
	b := newBent(t)
	b.responds("/device", 200, `{"device_code":"d","user_code":"U","verification_uri":"https://x.example/v","verification_uri_complete":"http://x.example/v?u=U"}`)
	_, _, step, err := attempt(t, &oauth2.Source{Endpoint: at(b), Methods: []sdk.Method{sdk.MethodCode}}, ownClient)
	if shown, ok := step.(sdk.ShowCode); !ok || shown.VerificationURIComplete != "" {
		t.Errorf("%+v, %v", step, err)
	}
}
