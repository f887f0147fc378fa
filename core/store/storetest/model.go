package storetest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

// runModels compares random histories with the plainest model that there is: lists. A history is one transaction, since
// each commit waits for the disk; it is looked at after every step, and once more when it is committed.
func runModels(t *testing.T, open func(testing.TB) store.Store) {
	t.Run("Connections", func(t *testing.T) {
		s := newSuite(t, open)
		rapid.Check(t, func(t *rapid.T) {
			m := &connectionModel{user: id.NewHuman()}
			walk(t, s, func(tx store.Tx) {
				user := store.User{HumanID: m.user, ClientID: "client", ClientUserID: string(m.user)}
				if err := tx.InsertUser(user); err != nil {
					t.Fatal(err)
				}
				m.tx = tx
				t.Repeat(map[string]func(*rapid.T){"connect": m.connect, "disconnect": m.disconnect, "": m.check})
			}, func(tx store.Tx) { m.tx = tx; m.check(t) })
		})
	})
	t.Run("Deliveries", func(t *testing.T) {
		s := newSuite(t, open)
		user := s.addUser("u")
		var others []*deliveryModel // earlier histories whose deliveries are still pending
		rapid.Check(t, func(t *rapid.T) {
			ses := session(user)
			m := &deliveryModel{session: ses.ID}
			walk(t, s, func(tx store.Tx) {
				if err := tx.InsertSession(ses); err != nil {
					t.Fatal(err)
				}
				if len(others) > maxOthers {
					others[0].endAll(t, tx)
					others = others[1:]
				}
				m.tx = tx
				t.Repeat(map[string]func(*rapid.T){"record": m.record, "end": m.end, "put off": m.putOff, "": m.check})
			}, func(tx store.Tx) { m.tx = tx; m.check(t) })
			others = append(others, m)
		})
	})
}

// maxOthers is how many histories leave deliveries that are due among those of the next one. They fill some pages; with
// those of all earlier histories, each look would be longer than the one before.
const maxOthers = 4

// walk runs a history in an update, and a last look at it in a view.
func walk(t *rapid.T, s *suite, history, look func(store.Tx)) {
	err := errors.Join(
		s.store.Update(context.Background(), func(tx store.Tx) error { history(tx); return nil }),
		s.store.View(context.Background(), func(tx store.Tx) error { look(tx); return nil }),
	)
	if err != nil {
		t.Fatal(err)
	}
}

type connectionModel struct {
	tx   store.Tx
	user id.Human
	all  []store.Connection
}

func (m *connectionModel) active(source string, key []byte) int {
	return slices.IndexFunc(m.all, func(c store.Connection) bool {
		return c.State == store.ConnectionActive && c.Source == source && string(c.AccountKey) == string(key)
	})
}

func (m *connectionModel) draw(t *rapid.T) store.Connection {
	c := connection(m.user, rapid.SampledFrom([]string{"withings", "epic"}).Draw(t, "source"), nil)
	if n := rapid.IntRange(0, 2).Draw(t, "account"); n > 0 {
		c.AccountKey = digest(m.user, n)
	}
	c.ConnectedSince = at(rapid.IntRange(0, 3).Draw(t, "since"))
	c.Credential = rapid.SliceOf(rapid.Byte()).Draw(t, "credential")
	return c
}

func (m *connectionModel) connect(t *rapid.T) {
	c := m.draw(t)
	err := m.tx.InsertConnection(c)
	if held := m.active(c.Source, c.AccountKey) >= 0; held != errors.Is(err, store.ErrExists) || !held && err != nil {
		t.Fatalf("held %v, insert: %v", held, err)
	} else if !held {
		m.all = append(m.all, c)
	}
}

func (m *connectionModel) disconnect(t *rapid.T) {
	if len(m.all) == 0 {
		return
	}
	c := rapid.SampledFrom(m.all).Draw(t, "connection")
	c.State, c.Credential, c.DisconnectedAt = store.ConnectionDisconnected, nil, at(9)
	if err := m.tx.SaveConnection(c); err != nil {
		t.Fatal(err)
	}
	m.all[slices.IndexFunc(m.all, func(o store.Connection) bool { return o.ID == c.ID })] = c
}

func (m *connectionModel) check(t *rapid.T) {
	var want []store.Connection
	for _, c := range m.all {
		if c.State == store.ConnectionActive {
			want = append(want, c)
		}
	}
	slices.SortFunc(want, func(a, b store.Connection) int {
		return cmp.Or(a.ConnectedSince.Compare(b.ConnectedSince), cmp.Compare(a.ID, b.ID))
	})
	got, err := m.tx.Connections(m.user)
	same(t, "connections", got, want)
	for _, c := range m.all {
		held, err2 := m.tx.AccountHeld(c.Source, nil, m.user)
		same(t, "held", held, slices.ContainsFunc(want, func(o store.Connection) bool { return o.Source == c.Source }))
		one, err3 := m.tx.Connection(c.ID)
		same(t, "connection", one, c)
		err = errors.Join(err, err2, err3)
	}
	if err != nil {
		t.Fatal(err)
	}
}

type deliveryModel struct {
	tx      store.Tx
	session id.Session
	events  int64
	all     []store.Delivery
}

func (m *deliveryModel) record(t *rapid.T) {
	m.events++
	e := event(m.session, m.events)
	hooks := rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.ID[string]).Draw(t, "hooks")
	var made []store.Delivery
	for _, h := range hooks {
		d := delivery(e, h)
		d.NextAt = at(rapid.IntRange(0, 5).Draw(t, "next"))
		made = append(made, d)
	}
	err := m.tx.InsertEvent(e)
	for _, d := range made {
		err = errors.Join(err, m.tx.InsertDelivery(d))
	}
	if err != nil {
		t.Fatal(err)
	}
	m.all = append(m.all, made...)
}

func (m *deliveryModel) change(t *rapid.T, f func(*store.Delivery)) {
	if len(m.all) == 0 {
		return
	}
	i := rapid.IntRange(0, len(m.all)-1).Draw(t, "delivery")
	f(&m.all[i])
	if err := m.tx.SaveDelivery(m.all[i]); err != nil {
		t.Fatal(err)
	}
}

func (m *deliveryModel) end(t *rapid.T) {
	m.change(t, func(d *store.Delivery) {
		d.State = rapid.SampledFrom([]store.DeliveryState{store.DeliveryDelivered, store.DeliveryDead, store.DeliveryPending}).Draw(t, "state")
	})
}

func (m *deliveryModel) putOff(t *rapid.T) {
	m.change(t, func(d *store.Delivery) { d.Tries, d.NextAt = d.Tries+1, at(rapid.IntRange(0, 9).Draw(t, "next")) })
}

// endAll leaves nothing pending.
func (m *deliveryModel) endAll(t *rapid.T, tx store.Tx) {
	for _, d := range m.all {
		d.State = store.DeliveryDead
		if err := tx.SaveDelivery(d); err != nil {
			t.Fatal(err)
		}
	}
}

func (m *deliveryModel) check(t *rapid.T) {
	heads := make(map[string]store.Delivery)
	for _, d := range m.all { // in the order of their sequence
		if _, held := heads[d.Hook]; !held && d.State == store.DeliveryPending {
			heads[d.Hook] = d
		}
	}
	got, err := m.tx.HeadDeliveries(m.session)
	sorted := slices.IsSortedFunc(got, func(a, b store.Delivery) int { return a.NextAt.Compare(b.NextAt) })
	if err != nil || len(got) != len(heads) || !sorted {
		t.Fatalf("%v, %d heads, want %d; in order: %v", err, len(got), len(heads), sorted)
	}
	for _, d := range got {
		same(t, "head", d, heads[d.Hook])
	}
	m.checkDue(t, got)
}

// checkDue compares what is due, page by page, with the heads, which are in the order of their NextAt.
func (m *deliveryModel) checkDue(t *rapid.T, heads []store.Delivery) {
	f := store.DueFilter{Now: at(rapid.IntRange(0, 9).Draw(t, "now")), Target: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "target"), Limit: 3}
	var want []store.Delivery
	for _, d := range heads {
		if (f.Target == "" || f.Target == d.Hook) && !d.NextAt.After(f.Now) {
			want = append(want, d)
		}
	}
	slices.SortFunc(want, func(a, b store.Delivery) int {
		return cmp.Or(a.NextAt.Compare(b.NextAt), cmp.Compare(a.ID, b.ID))
	})
	var got []store.Delivery
	for {
		page, err := m.tx.DueDeliveries(f)
		if err != nil || len(page) > f.Limit {
			t.Fatalf("%v, %d in a page", err, len(page))
		}
		for _, d := range page {
			f.After = &d
			if d.Session == m.session { // those of other histories are due too
				got = append(got, d)
			}
		}
		if len(page) < f.Limit {
			break
		}
	}
	same(t, "due", deliveryIDs(got), deliveryIDs(want))
}
