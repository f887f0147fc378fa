package id_test

import (
	"encoding/base32"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/humanconnect/humanconnect/core/id"
)

func TestIDsTellTheirKindAndParse(t *testing.T) {
	kind[id.Session](t, "ses_")
	kind[id.Connection](t, "con_")
	kind[id.Attempt](t, "att_")
	kind[id.Event](t, "evt_")
	kind[id.Delivery](t, "dlv_")
	kind[id.Revocation](t, "rev_")
	kind[id.SessionHook](t, "hok_")
	kind[id.Process](t, "prc_")
}

func kind[T id.Session | id.Connection | id.Attempt | id.Event | id.Delivery | id.Revocation | id.SessionHook | id.Process](t *testing.T, prefix string) {
	t.Helper()
	made := id.New[T]()
	if !strings.HasPrefix(string(made), prefix) {
		t.Errorf("%s does not start with %s", made, prefix)
	}
	if got, err := id.Parse[T](string(made)); got != made || err != nil {
		t.Errorf("Parse(%s) = %s, %v", made, got, err)
	}
}

func TestIDsSortByTheTimeTheyWereMade(t *testing.T) {
	var made []id.Event
	for range 10_000 {
		made = append(made, id.New[id.Event]())
	}
	if !slices.IsSorted(made) || len(slices.Compact(made)) != 10_000 {
		t.Error("ids made one after the other do not ascend")
	}
}

// decode is the reverse of the encoding, by the standard library: two bits go before the 128 of the UUID.
func decode(t *testing.T, s string) uuid.UUID {
	t.Helper()
	crockford := base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)
	b, err := crockford.DecodeString("000000" + s) // 30 bits more make 160, which are whole bytes
	if err != nil {
		t.Fatal(err)
	}
	return uuid.UUID(b[4:])
}

func TestAnIDHoldsAUUIDv7(t *testing.T) {
	for range 1000 {
		made := id.New[id.Session]()
		u := decode(t, strings.TrimPrefix(string(made), "ses_"))
		if u.Version() != 7 || u.Variant() != uuid.RFC4122 {
			t.Fatalf("%s holds %s: version %d, variant %s", made, u, u.Version(), u.Variant())
		}
	}
}

func TestWhatIsNoIDIsRefused(t *testing.T) {
	good := string(id.New[id.Session]())
	for name, s := range map[string]string{
		"empty": "", "prefix alone": "ses_", "another kind": "con_" + good[4:], "no prefix": good[4:], "cut": good[:len(good)-1],
		"long": good + "0", "upper case": strings.ToUpper(good), "space": " " + good, "newline": good[:len(good)-1] + "\n",
		"a letter that is not in the alphabet": good[:len(good)-1] + "u", "in the middle": good[:10] + "i" + good[11:],
		"path": "ses_../../../../../etc/passwd.", "not UTF-8": good[:len(good)-1] + "\xff", "more than 128 bits": "ses_8" + good[5:],
	} {
		if got, err := id.Parse[id.Session](s); err == nil || got != "" {
			t.Errorf("%s: Parse(%q) = %q, %v", name, s, got, err)
		}
	}
}

func TestHumanIDsAreRandomHex(t *testing.T) {
	seen := make(map[id.Human]bool)
	for range 1000 {
		h := id.NewHuman()
		if len(h) != 32 || strings.Trim(string(h), "0123456789abcdef") != "" || seen[h] {
			t.Fatalf("human id %q", h)
		}
		seen[h] = true
	}
}

func FuzzParse(f *testing.F) {
	f.Add(string(id.New[id.Session]()))
	f.Add("ses_")
	f.Add("ses_zzzzzzzzzzzzzzzzzzzzzzzzzz")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := id.Parse[id.Session](s)
		if (err == nil) != (string(got) == s && s != "") {
			t.Fatalf("Parse(%q) = %q, %v", s, got, err)
		}
		if err == nil && len(s) != len("ses_")+26 {
			t.Fatalf("%q was taken", s)
		}
	})
}
