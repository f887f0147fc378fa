package sqlite

import "github.com/humanconnect/humanconnect/core/store"

func (t *tx) ClockMark() (m store.ClockMark, err error) {
	err = store.ErrNotFound
	readErr := t.query("SELECT at, since FROM clock", nil, func(scan func(...any) error) error {
		err = nil
		return scan(instant{&m.At}, instant{&m.Since})
	})
	if readErr != nil {
		return m, readErr
	}
	return m, err
}

func (t *tx) SaveClockMark(m store.ClockMark) error {
	_, err := t.exec("INSERT OR REPLACE INTO clock (id, at, since) VALUES (1, ?, ?)", instant{&m.At}, instant{&m.Since})
	return err
}
