package redirect

import (
	"net/url"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/sdk"
)

// What source show gives a person to register is what an attempt then has.
func TestRedirectURIToRegisterIsTheOneThatIsUsed(t *testing.T) {
	src := source.Source{Source: sdk.Source{Methods: []sdk.Method{sdk.MethodBrowser}}}
	for _, callback := range []config.Callback{
		{},
		{Listen: DefaultListen},
		{Listen: "127.0.0.1:" + freePort(t)},
		{Listen: "localhost:" + freePort(t)},
		{URL: "https://connect.example.com/callback"},
		{URL: "http://127.0.0.1:" + freePort(t) + "/back"},
		{URL: "http://localhost:" + freePort(t) + "/back"},
	} {
		shown := src.Redirect(callback)
		l := New(Options{Listen: callback.Listen, URL: callback.URL, Engine: &engine{}})
		used, err := l.Bind(t.Context(), src, "")
		l.Close()
		if err != nil {
			t.Errorf("%+v: %v", callback, err)
			continue
		}
		if want := shown.URI; !shown.Fixed {
			u, err := url.Parse(used)
			if err != nil {
				t.Fatal(err)
			}
			used = strings.Replace(used, ":"+u.Port()+"/", ":PORT/", 1)
			if used != want {
				t.Errorf("%+v: %s is shown, and %s used", callback, want, used)
			}
		} else if used != want {
			t.Errorf("%+v: %s is shown, and %s used", callback, want, used)
		}
	}
}
