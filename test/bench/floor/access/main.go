// Command access is the least that any program could do that prints an access token which is kept sealed: it imports what
// humanconnect imports, opens the database of a state, reads one row, and unseals it. With an issuer it refreshes the token
// first by golang.org/x/oauth2, in the same process, and commits the new one with synchronous=FULL.
//
//	access STATE CONNECTION [ISSUER CLIENT-ID]
//	access store STATE CONNECTION
//
// With store it reads the row by humanconnect's own store instead.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/oauth2"
	"modernc.org/sqlite"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/seal"
	"github.com/humanconnect/humanconnect/core/store"
	statedb "github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/test/bench/floor/modules"
)

const limit = time.Minute

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	err := run(ctx, os.Args[1:])
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	if len(args) > 100 { // never, and the linker cannot know
		return modules.Use()
	}
	if len(args) == 3 && args[0] == "store" {
		return printStored(ctx, args[1], id.Connection(args[2]))
	}
	if len(args) != 2 && len(args) != 4 {
		return errors.New("usage: access [store] STATE CONNECTION [ISSUER CLIENT-ID]")
	}
	key, err := os.ReadFile(filepath.Join(args[0], "state.key"))
	if err != nil {
		return err
	}
	ring, err := seal.NewRing(key)
	if err != nil {
		return err
	}
	db, err := open(ctx, filepath.Join(args[0], "state.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	k := keeper{db: db, ring: ring, id: args[1]}
	t, err := k.read(ctx)
	if err == nil && len(args) == 4 {
		if t, err = refreshed(ctx, t, args[2], args[3]); err == nil {
			err = k.write(ctx, t)
		}
	}
	if err != nil {
		return err
	}
	_, err = fmt.Println(t.Access)
	return err
}

// printStored reads by the store.
func printStored(ctx context.Context, dir string, connection id.Connection) (err error) {
	st, err := statedb.Open(ctx, statedb.Options{Dir: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	var t token
	err = st.View(ctx, func(tx store.Tx) error {
		row, err := tx.Connection(connection)
		if err != nil {
			return err
		}
		return json.Unmarshal(row.Credential, &t)
	})
	if err != nil {
		return err
	}
	_, err = fmt.Println(t.Access)
	return err
}

// open opens a database with one connection, whose end leaves the -wal file for the next process.
func open(ctx context.Context, path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	c, err := db.Conn(ctx)
	if err == nil {
		err = errors.Join(c.Raw(keepWAL), c.Close())
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func keepWAL(driverConn any) error {
	control, ok := driverConn.(sqlite.FileControl)
	if !ok {
		return fmt.Errorf("the connection is a %T", driverConn)
	}
	_, err := control.FileControlPersistWAL("main", 1)
	return err
}

// token is what is sealed.
type token struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// keeper has the row of one connection.
type keeper struct {
	db   *sql.DB
	ring *seal.Ring
	id   string
}

const purpose = "credential"

func (k keeper) place() string { return "connection|" + k.id + "|credential" }

func (k keeper) read(ctx context.Context) (t token, err error) {
	var sealed []byte
	if err := k.db.QueryRowContext(ctx, "SELECT credential FROM connection WHERE id = ?", k.id).Scan(&sealed); err != nil {
		return t, err
	}
	open, err := k.ring.Open(purpose, k.place(), sealed)
	if err != nil {
		return t, err
	}
	return t, json.Unmarshal(open, &t)
}

func (k keeper) write(ctx context.Context, t token) error {
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	_, err = k.db.ExecContext(ctx, "UPDATE connection SET credential = ? WHERE id = ?", k.ring.Seal(purpose, k.place(), data), k.id)
	return err
}

func refreshed(ctx context.Context, t token, issuer, client string) (token, error) {
	var server struct {
		Token string `json:"token_endpoint"`
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, issuer+"/.well-known/openid-configuration", nil)
	if err != nil {
		return t, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return t, err
	}
	err = errors.Join(json.NewDecoder(resp.Body).Decode(&server), resp.Body.Close())
	if err != nil {
		return t, err
	}
	config := oauth2.Config{ClientID: client, Endpoint: oauth2.Endpoint{TokenURL: server.Token, AuthStyle: oauth2.AuthStyleInParams}}
	got, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: t.Refresh}).Token()
	if err != nil {
		return t, err
	}
	return token{Access: got.AccessToken, Refresh: got.RefreshToken}, nil
}
