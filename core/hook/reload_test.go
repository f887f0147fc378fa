package hook

import (
	"errors"
	"testing"
)

// changing is a config of hooks that a test changes.
type changing struct {
	hooks   []Hook
	wrong   error
	changed bool
	loads   int
	failed  []error
}

func (c *changing) reload() Reload {
	return Reload{
		Changed: func() bool { was := c.changed; c.changed = false; return was },
		Load:    func() ([]Hook, error) { c.loads++; return c.hooks, c.wrong },
		Failed:  func(err error) { c.failed = append(c.failed, err) },
	}
}

func (c *changing) change(name string, wrong error) {
	c.hooks, c.wrong, c.changed = []Hook{{Name: name}}, wrong, true
}

func TestHooksAreReadAgainWhenTheConfigHasChanged(t *testing.T) {
	c := &changing{}
	r := NewReloaded([]Hook{{Name: "first"}}, c.reload())
	check := func(want string, loads, failed int) {
		t.Helper()
		if got := r.Hooks(); len(got) != 1 || got[0].Name != want || c.loads != loads || len(c.failed) != failed {
			t.Errorf("%+v after %d loads, failed: %v", got, c.loads, c.failed)
		}
	}
	check("first", 0, 0)
	c.change("second", nil)
	check("second", 1, 0)
	check("second", 1, 0)                                   // it has not changed since
	for i, wrong := range []string{"one flaw", "another"} { // of several in a row the first is reported
		c.change("nonsense", errors.New(wrong))
		check("second", 2+i, 1)
	}
	c.change("third", nil)
	check("third", 4, 1)
	c.change("nonsense", errors.New("a flaw again"))
	check("third", 5, 2)
}
