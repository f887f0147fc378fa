package catalog

import "testing"

func TestEveryShippedSourceIsReadStrictly(t *testing.T) {
	ids := IDs()
	if len(ids) < 57 {
		t.Errorf("the catalogue has %d sources", len(ids))
	}
	for _, id := range ids {
		s, err := Load(id)
		if err != nil {
			t.Error(err)
			continue
		}
		if s.ID != id {
			t.Errorf("%s.yaml has the id %s", id, s.ID)
		}
	}
}

// RFC 9700 §2.1.2 and §2.4: codes alone, no implicit grant and no password of the person.
func TestNoSourceUsesAGrantThatIsForbidden(t *testing.T) {
	for _, id := range IDs() {
		s, err := Load(id)
		if err != nil {
			t.Fatal(err)
		}
		entries := []*Entry{&s.Entry}
		for name := range s.Variants {
			v, err := s.Variant(name)
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, v)
		}
		for _, e := range entries {
			if kind := e.Authorization.Extra["response_type"]; kind != "" && kind != "code" {
				t.Errorf("%s asks for the response type %s", id, kind)
			}
			for _, request := range []TokenRequest{e.TokenRequest, e.Refresh.TokenRequest} {
				if grant := request.Extra["grant_type"]; grant != "" && grant != "authorization_code" && grant != "refresh_token" {
					t.Errorf("%s uses the grant type %s", id, grant)
				}
				if request.Extra["password"] != "" {
					t.Errorf("%s sends a password", id)
				}
			}
		}
	}
}
