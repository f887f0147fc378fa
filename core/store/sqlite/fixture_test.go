package sqlite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// plainTable is a table that can be read with its sealed columns opened.
type plainTable interface {
	// plain returns the name of the table, and its rows by their key: each is what stands in its columns.
	plain(tx *tx) (string, []map[string]any, error)
	// sealedColumns lists the columns that are sealed.
	sealedColumns() []string
}

func (t table[T]) plain(tx *tx) (string, []map[string]any, error) {
	_, name, _ := strings.Cut(t.selectSQL, ` FROM "`)
	list, err := t.list(tx, "ORDER BY 1, 2")
	rows := make([]map[string]any, len(list))
	for i := range list {
		rows[i] = make(map[string]any)
		for _, f := range t.fields(&list[i]) {
			rows[i][f.column] = plainValue(f.value)
		}
	}
	return strings.TrimSuffix(name, `" `), rows, err
}

func (t table[T]) sealedColumns() (columns []string) {
	var row T
	for _, f := range t.fields(&row) {
		switch f.value.(type) {
		case sealed, sealedText:
			columns = append(columns, f.column)
		}
	}
	return columns
}

// plainValue is what would stand in a column if nothing were sealed, with bytes that are no text in hex.
func plainValue(value any) any {
	switch v := value.(type) {
	case sealed:
		return plainValue(maybeBytes{v.into})
	case sealedText:
		return *v.into
	case driver.Valuer:
		value, _ = v.Value() // what was read can be written
	default:
		value = reflect.ValueOf(value).Elem().Interface()
	}
	b, ok := value.([]byte)
	switch {
	case !ok:
		return value
	case utf8.Valid(b):
		return string(b)
	}
	return "hex " + hex.EncodeToString(b)
}

// plainState is what a state holds: rows by table, each by column.
type plainState map[string][]map[string]any

// readAll reads a state, and wants no sealed column to be empty in all rows.
func readAll(t *testing.T, s *Store) plainState {
	t.Helper()
	all := make(plainState)
	err := s.View(context.Background(), func(storeTx store.Tx) error {
		tx := storeTx.(*tx)
		for _, table := range tx.tables.all() {
			table := table.(plainTable)
			name, rows, err := table.plain(tx)
			if err != nil {
				return err
			}
			all[name] = rows
			for _, column := range table.sealedColumns() {
				if !filled(rows, column) {
					t.Errorf("%s of %s is empty in all rows", column, name)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return asJSON(t, all)
}

func filled(rows []map[string]any, column string) bool {
	for _, row := range rows {
		if row[column] != nil && row[column] != "" {
			return true
		}
	}
	return false
}

// asJSON gives values the types that they have when they are read from a file.
func asJSON(t *testing.T, all plainState) (out plainState) {
	t.Helper()
	text, err := json.Marshal(all)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// version4 copies the state of version 4 and returns its directory, and what is in it.
func version4(t *testing.T) (dir string, was plainState) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{fileDB, fileKey} {
		b, err := os.ReadFile(filepath.Join("testdata", "v4", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join("testdata", "v4", "rows.json"))
	if err == nil {
		err = json.Unmarshal(text, &was)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, was
}

func TestNoValueOfAStateOfVersion4IsLost(t *testing.T) {
	dir, want := version4(t)
	s, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	got := readAll(t, s)
	wantTokens(t, want, got)
	for _, row := range want["session"] {
		row["cut"] = map[any]string{16.0: "time_limit", 130.0: "interrupt", 143.0: "terminate"}[row["exit_code"]]
		delete(row, "exit_code")
	}
	for _, row := range want["action"] {
		row["documentation_url"] = ""
	}
	for _, row := range want["connection"] {
		maps.Copy(row, newOfConnection(row))
	}
	newOfDeliveries(want)
	delete(want, "token")
	delete(got, "token")
	delete(got, "verified_token")
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-was +is):\n%s", d)
	}
	if _, err := s.Check(t.Context(), true); err != nil {
		t.Error(err)
	}
}

// newOfDeliveries adds what deliveries and events have since version 8: the event of a session is its user's, and what has not
// ended well leads to its hook alone.
func newOfDeliveries(was plainState) {
	users := make(map[any]any)
	for _, row := range was["session"] {
		users[row["id"]] = row["human_id"]
	}
	for _, row := range was["event"] {
		row["human_id"], row["source"] = users[row["session_id"]], nil
	}
	for _, row := range was["delivery"] {
		row["hung"], row["redelivered"], row["target"] = 0.0, false, row["hook"]
		if row["state"] == "delivered" {
			row["target"] = ""
		}
	}
	was["hook_pause"] = []map[string]any{}
}

// newOfConnection is what a connection has since version 7: a credential that is issued with the connect, which is due a
// minute or a tenth of its life before it expires.
func newOfConnection(row map[string]any) map[string]any {
	out := map[string]any{
		"version": 1.0, "credential_at": nil, "reconnect_by": nil, "can_refresh": true, "can_check": true, "reason": "",
		"needs_reconnect_at": nil, "refresh_at": nil, "refresh_owner": "", "refresh_lease_until": nil, "refresh_begun_at": nil,
		"refresh_tries": 0.0, "refresh_next_at": nil, "refresh_error": "",
	}
	if row["state"] == "active" {
		out["credential_at"] = row["renewed_at"]
	}
	if end, expires := row["credential_expires_at"].(float64); expires && row["state"] == "active" {
		out["refresh_at"] = end - math.Floor(min(60_000, (end-row["renewed_at"].(float64))/10))
	}
	return out
}

// wantTokens wants each token in the table of its kind, as it was, and in that of the other only where nothing in the
// row tells which one it is.
func wantTokens(t *testing.T, was, is plainState) {
	t.Helper()
	local, unsure := make(map[any]bool), make(map[any]bool)
	for name, token := range readTokens(t) {
		hash := sha256.Sum256([]byte(token))
		local[plainValue(maybeBytes{new(hash[:])})] = strings.HasPrefix(token, "hcs_")
		unsure[plainValue(maybeBytes{new(hash[:])})] = name == "valid" || name == "expired"
	}
	ours, verified := byHash(is["token"]), byHash(is["verified_token"])
	for _, row := range was["token"] {
		hash := row["hash"]
		other := maps.Clone(row)
		other["verified_at"] = row["issued_at"]
		delete(other, "issued_at")
		delete(other, "revoked_at")
		hourly := row["expires_at"].(float64)-row["issued_at"].(float64) == float64(time.Hour.Milliseconds())
		wantRow(t, "token", row, ours[hash], local[hash] || hourly)
		wantRow(t, "verified_token", other, verified[hash], !local[hash] || unsure[hash])
	}
}

func wantRow(t *testing.T, table string, want, got map[string]any, there bool) {
	t.Helper()
	if !there {
		want = nil
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("row of %s (-want +got):\n%s", table, d)
	}
}

func byHash(rows []map[string]any) map[any]map[string]any {
	out := make(map[any]map[string]any)
	for _, row := range rows {
		out[row["hash"]] = row
	}
	return out
}

func readTokens(t *testing.T) (tokens map[string]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "v4", "tokens.json"))
	if err == nil {
		err = json.Unmarshal(text, &tokens)
	}
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

// A doctor changes nothing: it says that the state is older.
func TestAStateOfVersion4IsNotBroughtForwardForReading(t *testing.T) {
	dir, _ := version4(t)
	for range 2 {
		_, err := Open(t.Context(), Options{Dir: dir, ReadOnly: true})
		if problem.CodeOf(err) != CodeOlder {
			t.Errorf("got %v", err)
		}
	}
	before, err := os.ReadFile(filepath.Join("testdata", "v4", fileDB))
	after, err2 := os.ReadFile(filepath.Join(dir, fileDB))
	if err != nil || err2 != nil || !bytes.Equal(before, after) {
		t.Errorf("reading has changed it: %v, %v", err, err2)
	}
}

// A command that runs while the state is brought forward goes on with the program that it began with, and writes what that
// knew.
func TestAnOlderProgramThatRunsStillClosesItsSessions(t *testing.T) {
	dir, was := version4(t)
	s, c := connect(t, dir)
	open := was["session"][0]["id"]
	for exit, want := range map[int]string{0: "", 3: "", 4: "", 16: "time_limit", 130: "interrupt", 143: "terminate"} {
		if _, err := c.exec("UPDATE session SET status = 'SUCCESS', exit_code = ? WHERE id = ?", exit, open); err != nil {
			t.Fatal(err)
		}
		for _, row := range readAll(t, s)["session"] {
			if row["id"] == open && row["cut"] != want {
				t.Errorf("exit code %d became %q", exit, row["cut"])
			}
		}
	}
	_, err := c.exec(`INSERT INTO session (id, token_key, human_id, opened_at, ends_at, end_reason, owner, epoch, sequence, script_run, status, exit_code)
		VALUES ('ses_x', x'00', ?, 0, 0, 'expired', '', 1, 0, 1, '', 0)`, was["user"][0]["human_id"])
	if err != nil {
		t.Error(err)
	}
}
