package storetest

import (
	"github.com/humanconnect/humanconnect/core/store"
)

func hookTests() map[string]func(*suite) {
	return map[string]func(*suite){
		"RoundTrip":            disabledHookRoundTrip,
		"MissingIsErrNotFound": missingDisabledHooks,
		"PausesRoundTrip":      pauseRoundTrip,
	}
}

func disabledHookRoundTrip(s *suite) {
	first := store.DisabledHook{Hook: "notify", Target: digest("one"), At: at(1), Error: "HTTP 410"}
	second := store.DisabledHook{Hook: "notify", Target: digest("two"), At: at(2), Error: "gone"}
	other := store.DisabledHook{Hook: "hok_x", Target: digest("one"), At: at(3), Error: "e"}
	complete(s, first)
	for _, h := range []store.DisabledHook{first, other, second} {
		s.update(func(tx store.Tx) error { return tx.SaveDisabledHook(h) })
	}
	s.view(func(tx store.Tx) error {
		got, err := tx.DisabledHook("notify")
		same(s, "saved again", got, second)
		untouched, err2 := tx.DisabledHook("hok_x")
		same(s, "another", untouched, other)
		return must(err, err2)
	})
	s.update(func(tx store.Tx) error { return tx.DeleteDisabledHook("notify") })
	s.missing(map[string]func(store.Tx) error{
		"deleted": func(tx store.Tx) error { return drop(tx.DisabledHook("notify")) },
	})
}

func missingDisabledHooks(s *suite) {
	s.missing(map[string]func(store.Tx) error{
		"find": func(tx store.Tx) error { return drop(tx.DisabledHook("none")) },
	})
	s.update(func(tx store.Tx) error {
		wantErr(s, "delete", tx.DeleteDisabledHook("none"), store.ErrNotFound)
		return nil
	})
}

func secretTests() map[string]func(*suite) {
	return map[string]func(*suite){
		"RoundTrip":            secretRoundTrip,
		"MissingIsErrNotFound": missingSecrets,
	}
}

func secretRoundTrip(s *suite) {
	row := store.Secret{Name: "hook", Value: []byte("whsec_x"), CreatedAt: at(1)}
	complete(s, row)
	s.update(func(tx store.Tx) error {
		err := tx.InsertSecret(row)
		wantErr(s, "again", tx.InsertSecret(row), store.ErrExists)
		return err
	})
	s.view(func(tx store.Tx) error {
		got, err := tx.Secret("hook")
		same(s, "secret", got, row)
		return err
	})
}

func missingSecrets(s *suite) {
	s.missing(map[string]func(store.Tx) error{
		"find": func(tx store.Tx) error { return drop(tx.Secret("none")) },
	})
}

func pauseRoundTrip(s *suite) {
	full := store.HookPause{Target: digest("one"), Hangs: 5, At: at(1), Until: at(9)}
	again := store.HookPause{Target: digest("one"), Hangs: 6, At: at(3)}
	other := store.HookPause{Target: digest("two"), Hangs: 1, At: at(2)}
	complete(s, full)
	want := func(what string, p store.HookPause) {
		s.view(func(tx store.Tx) error {
			got, err := tx.HookPause(p.Target)
			same(s, what, got, p)
			return err
		})
	}
	s.update(func(tx store.Tx) error { return must(tx.SaveHookPause(full), tx.SaveHookPause(other)) })
	want("saved", full)
	s.update(func(tx store.Tx) error { return tx.SaveHookPause(again) })
	want("saved again", again)
	s.update(func(tx store.Tx) error { return tx.DeleteHookPauses(at(3)) })
	want("not older", again)
	s.missing(map[string]func(store.Tx) error{"older": func(tx store.Tx) error { return drop(tx.HookPause(other.Target)) }})
	s.update(func(tx store.Tx) error { return tx.DeleteHookPause(again.Target) })
	s.update(func(tx store.Tx) error {
		wantErr(s, "delete again", tx.DeleteHookPause(again.Target), store.ErrNotFound)
		return nil
	})
}
