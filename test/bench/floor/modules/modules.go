// Package modules imports what humanconnect imports of others, and holds it against the linker, which drops what
// nobody calls.
package modules

import (
	"context"
	"database/sql"
	"io"

	"github.com/gofrs/flock"
	"github.com/google/uuid"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/spf13/cobra"
	"github.com/spf13/viper"
	yaml "go.yaml.in/yaml/v3"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
	"google.golang.org/grpc"
	_ "modernc.org/sqlite" // the driver of database/sql

	"github.com/humanconnect/humanconnect/sdk/proto/providerv1"
)

// Use calls into every module. It is never called for what it does.
func Use() error {
	root := &cobra.Command{Use: "floor"}
	settings := viper.New()
	client := plugin.NewClient(&plugin.ClientConfig{Logger: hclog.New(&hclog.LoggerOptions{Output: io.Discard})})
	defer client.Kill()
	server := grpc.NewServer()
	providerv1.RegisterProviderServer(server, providerv1.UnimplementedProviderServer{})
	db, err := sql.Open("sqlite", "file::memory:")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if term.IsTerminal(unix.Stdin) {
		return flock.New(uuid.NewString()).Unlock()
	}
	if err := yaml.Unmarshal([]byte("a: 1"), &yaml.Node{}); err != nil {
		return err
	}
	return root.ExecuteContext(context.WithValue(context.Background(), settings, server))
}
