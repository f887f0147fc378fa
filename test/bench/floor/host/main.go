// Command host is the least that any program could do that opens a session with a provider process and a durable
// state: it imports what humanconnect imports, starts go-plugin's way the smallest plugin there is, makes one call, and
// commits one row to a SQLite database with synchronous=FULL.
//
//	host PLUGIN DATABASE
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/humanconnect/humanconnect/test/bench/floor/kv"
	"github.com/humanconnect/humanconnect/test/bench/floor/modules"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 100 { // never, and the linker cannot know
		return modules.Use()
	}
	if len(args) != 2 {
		return errors.New("usage: host PLUGIN DATABASE")
	}
	value, err := call(ctx, args[0])
	if err != nil {
		return err
	}
	return commit(ctx, args[1], value)
}

func call(ctx context.Context, path string) ([]byte, error) {
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: kv.Handshake(), Plugins: kv.Plugins(), Cmd: exec.CommandContext(ctx, path),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, Logger: hclog.NewNullLogger(),
	})
	defer client.Kill()
	conn, err := client.Client()
	if err != nil {
		return nil, err
	}
	got, err := conn.Dispense("kv")
	if err != nil {
		return nil, err
	}
	store, ok := got.(*kv.Client)
	if !ok {
		return nil, fmt.Errorf("dispensed %T", got)
	}
	return store.Get(ctx, "key")
}

func commit(ctx context.Context, path string, value []byte) (err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS kv(id INTEGER PRIMARY KEY, value BLOB) STRICT"); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "INSERT INTO kv(value) VALUES(?)", value)
	return err
}
