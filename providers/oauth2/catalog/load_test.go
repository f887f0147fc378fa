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
