package seal_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/humanconnect/humanconnect/core/seal"
)

func key(b byte) []byte { return bytes.Repeat([]byte{b}, seal.KeySize) }

func ring(t testing.TB, primary []byte, older ...[]byte) *seal.Ring {
	t.Helper()
	r, err := seal.NewRing(primary, older...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantOpen(t *testing.T, r *seal.Ring, purpose, place string, sealed, want []byte) {
	t.Helper()
	got, err := r.Open(purpose, place, sealed)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("Open = %q, %v; want %q", got, err, want)
	}
}

func wantErr(t *testing.T, r *seal.Ring, purpose, place string, sealed []byte, want error) {
	t.Helper()
	got, err := r.Open(purpose, place, sealed)
	if !errors.Is(err, want) || got != nil {
		t.Fatalf("Open = %q, %v; want %v", got, err, want)
	}
}

func TestWhatIsSealedOpens(t *testing.T) {
	r := ring(t, key(1))
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.SliceOf(rapid.Byte()).Draw(rt, "value")
		purpose, place := rapid.String().Draw(rt, "purpose"), rapid.String().Draw(rt, "place")
		got, err := r.Open(purpose, place, r.Seal(purpose, place, value))
		if err != nil || !bytes.Equal(got, value) {
			rt.Fatalf("Open = %q, %v; want %q", got, err, value)
		}
	})
}

func TestLargeValuesSealAndOpen(t *testing.T) {
	r, value := ring(t, key(1)), bytes.Repeat([]byte("large"), 1<<18)
	wantOpen(t, r, "p", "x", r.Seal("p", "x", value), value)
}

func TestPurposesAndPlacesAreApart(t *testing.T) {
	r := ring(t, key(1))
	sealed := r.Seal("credential", "connection|con_1|credential", []byte("v"))
	wantErr(t, r, "account", "connection|con_1|credential", sealed, seal.ErrDamaged)
	wantErr(t, r, "credential", "connection|con_2|credential", sealed, seal.ErrDamaged)
	wantErr(t, r, "credential", "", sealed, seal.ErrDamaged)
	wantOpen(t, r, "credential", "connection|con_1|credential", sealed, []byte("v"))
}

func TestEqualValuesSealDifferently(t *testing.T) {
	r := ring(t, key(1))
	if bytes.Equal(r.Seal("p", "x", []byte("v")), r.Seal("p", "x", []byte("v"))) {
		t.Fatal("two seals of one value are equal")
	}
}

func TestEveryChangedBitIsFound(t *testing.T) {
	r := ring(t, key(1))
	sealed := r.Seal("p", "x", []byte("a value"))
	for i := range sealed {
		for bit := range 8 {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1 << bit
			want := seal.ErrDamaged
			if 1 <= i && i < 5 { // the key id
				want = seal.ErrKey
			}
			wantErr(t, r, "p", "x", changed, want)
		}
	}
}

func TestEveryCutIsFound(t *testing.T) {
	r := ring(t, key(1))
	sealed := r.Seal("p", "x", []byte("a value"))
	for n := range sealed {
		wantErr(t, r, "p", "x", sealed[:n:n], seal.ErrDamaged)
	}
	wantErr(t, r, "p", "x", append(sealed, 0), seal.ErrDamaged)
}

// The key id is four bytes: two keys may share it by chance, but never open each other's values.
func TestAKeyIDThatIsForgedDoesNotOpen(t *testing.T) {
	mine, other := ring(t, key(1)), ring(t, key(2))
	sealed := other.Seal("p", "x", []byte("v"))
	kid := mine.Primary()
	copy(sealed[1:], kid[:])
	wantErr(t, mine, "p", "x", sealed, seal.ErrDamaged)
}

func TestARotatedRingOpensOldAndSealsNew(t *testing.T) {
	before := ring(t, key(1))
	old := before.Seal("p", "x", []byte("old"))
	rotated := ring(t, key(2), key(1))
	wantOpen(t, rotated, "p", "x", old, []byte("old"))
	fresh := rotated.Seal("p", "x", []byte("new"))
	wantErr(t, before, "p", "x", fresh, seal.ErrKey)
	retired := ring(t, key(2))
	wantOpen(t, retired, "p", "x", fresh, []byte("new"))
	wantErr(t, retired, "p", "x", old, seal.ErrKey)
	if rotated.Primary() != seal.IDOf(key(2)) {
		t.Fatal("the primary is not the first key")
	}
}

func TestAKeyHasItsSize(t *testing.T) {
	for _, n := range []int{0, seal.KeySize - 1, seal.KeySize + 1} {
		if _, err := seal.NewRing(make([]byte, n)); err == nil {
			t.Errorf("a key of %d bytes was taken", n)
		}
		if _, err := seal.NewRing(key(1), make([]byte, n)); err == nil {
			t.Errorf("an older key of %d bytes was taken", n)
		}
	}
}

func TestTheRingKeepsItsOwnCopyOfAKey(t *testing.T) {
	secret := key(1)
	r := ring(t, secret)
	clear(secret)
	wantOpen(t, ring(t, key(1)), "p", "x", r.Seal("p", "x", []byte("v")), []byte("v"))
}

func TestMACDependsOnAllThatItIsGiven(t *testing.T) {
	r := ring(t, key(1))
	base := r.MAC("p", []byte("ab"), []byte("c"))
	if !bytes.Equal(base, r.MAC("p", []byte("ab"), []byte("c"))) {
		t.Fatal("not the same twice")
	}
	for name, other := range map[string][]byte{
		"purpose": r.MAC("q", []byte("ab"), []byte("c")),
		"cut":     r.MAC("p", []byte("a"), []byte("bc")),
		"joined":  r.MAC("p", []byte("abc")),
		"empty":   r.MAC("p", []byte("ab"), []byte("c"), nil),
		"key":     ring(t, key(2)).MAC("p", []byte("ab"), []byte("c")),
	} {
		if bytes.Equal(base, other) {
			t.Errorf("another %s has the same digest", name)
		}
	}
	if !bytes.Equal(base, ring(t, key(1), key(2)).MAC("p", []byte("ab"), []byte("c"))) {
		t.Error("older keys change the digest")
	}
}

func FuzzOpen(f *testing.F) {
	r := ring(f, key(1))
	f.Add([]byte{})
	f.Add(r.Seal("p", "elsewhere", []byte("v")))
	f.Add(r.Seal("p", "x", nil)[:20])
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if value, err := r.Open("p", "x", sealed); !errors.Is(err, seal.ErrDamaged) && !errors.Is(err, seal.ErrKey) || value != nil {
			t.Fatalf("forged: %q, %v", value, err)
		}
	})
}
