// Package modules imports what humanconnect imports of others, and holds it against the linker, which drops what
// nobody calls.
package modules

import (
	"context"
	"database/sql"
	"html/template"
	"io"
	"net/http"
	"os"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/go-jose/go-jose/v4"
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
	if len(os.Args) > 1000 { // never, which the linker cannot know
		return rest()
	}
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

// rest keeps what only some commands need: screens, pages, keys.
func rest() error {
	if _, err := jose.ParseSignedCompact("", []jose.SignatureAlgorithm{jose.EdDSA}); err != nil {
		return err
	}
	if err := template.Must(template.New("").Parse("")).Execute(io.Discard, nil); err != nil {
		return err
	}
	if err := (&http.Server{Addr: lipgloss.NewStyle().Render(textinput.New().View())}).ListenAndServe(); err != nil {
		return err
	}
	_, err := tea.NewProgram(nil).Run()
	return err
}
