package sqlite_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/core/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t testing.TB) store.Store {
		s, err := sqlite.Open(context.Background(), sqlite.Options{Dir: filepath.Join(t.TempDir(), "state")})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
