package oauth2

import (
	"errors"
	"net/http"
	"testing"
)

// TEST-NET-1 (RFC 5737) stands for what a name of this machine may lead to.
func TestPlainHTTPDialsThisMachineAlone(t *testing.T) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://192.0.2.1:9/", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, client := range map[string]*http.Client{"anyone's": (&Source{}).limited(), "authorized": (&Source{}).authorized("s3cret")} {
		resp, err := client.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		if !errors.Is(err, errElsewhere) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if plain().Proxy != nil {
		t.Error("plain http is given to a proxy")
	}
}
