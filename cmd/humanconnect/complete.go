package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/seal"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
)

// completed ends a completion: ids are all there is to choose from.
const completed = cobra.ShellCompDirectiveNoFileComp

// completeTime is how long a person waits for a completion.
const completeTime = 2 * time.Second

// completion completes an argument, or the value of a flag.
type completion = func(c *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective)

// complete gives every command and flag below c a completion: what it has, what its kind says, or nothing, so that a
// shell offers files only where a file is wanted.
func (a *App) complete(c *cobra.Command) {
	switch {
	case c.ValidArgsFunction == nil && len(c.ValidArgs) == 0 && !strings.Contains(c.Use, "FILE"):
		c.ValidArgsFunction = cobra.NoFileCompletions
	case c.ValidArgsFunction != nil && !strings.ContainsAny(c.Use, "…|"):
		c.ValidArgsFunction = once(c.ValidArgsFunction)
	}
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		_, has := c.GetFlagCompletionFunc(f.Name)
		if complete := a.completionOf(f); !has && complete != nil {
			_ = c.RegisterFlagCompletionFunc(f.Name, complete) // fails only where there is one
		}
	})
	for _, sub := range c.Commands() {
		a.complete(sub)
	}
}

// completionOf is how the value of a flag is completed; nil for one that may name a file.
func (a *App) completionOf(f *pflag.Flag) completion {
	if c, ok := f.Value.(*choice); ok {
		return cobra.FixedCompletions(c.of, completed)
	}
	switch f.Name {
	case "session":
		return a.completeSessions
	case "hook":
		return a.completeHooks
	case "answer":
		return a.completeAnswers
	}
	if wantsPath(f) || strings.Contains(f.Usage, "@FILE") {
		return nil
	}
	return cobra.NoFileCompletions
}

// plainUsage takes away the marks around what a flag wants, which a shell would show.
func plainUsage(c *cobra.Command) {
	c.Flags().VisitAll(func(f *pflag.Flag) { f.Usage = strings.ReplaceAll(f.Usage, "`", "") })
	c.PersistentFlags().VisitAll(func(f *pflag.Flag) { f.Usage = strings.ReplaceAll(f.Usage, "`", "") })
	for _, sub := range c.Commands() {
		plainUsage(sub)
	}
}

// once completes the first argument alone.
func once(f completion) completion {
	return func(c *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, completed
		}
		return f(c, args, toComplete)
	}
}

// prepareCompletion is prepare for a completion: it says nothing, and goes by the flags that the line has so far.
func (a *App) prepareCompletion(c *cobra.Command) (*state, error) {
	if err := a.beQuiet(c); err != nil {
		return nil, err
	}
	return a.prepare()
}

func (a *App) beQuiet(c *cobra.Command) error {
	a.global.quiet = true
	return a.readFlags(c)
}

// completeSources completes ids of sources.
func (a *App) completeSources(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	var out []string
	a.eachSource(c, func(s source.Source) { out = append(out, cobra.CompletionWithDesc(s.ID, clean(s.Name))) })
	return out, completed
}

// completeAnswers completes the fields of the forms of sources.
func (a *App) completeAnswers(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	var out []string
	a.eachSource(c, func(s source.Source) {
		for _, f := range s.Fields {
			out = append(out, cobra.CompletionWithDesc(s.ID+"."+f.ID+"=", clean(f.Label)))
		}
	})
	return out, completed | cobra.ShellCompDirectiveNoSpace
}

// eachSource calls do with the sources that are known soon.
func (a *App) eachSource(c *cobra.Command, do func(source.Source)) {
	st, err := a.prepareCompletion(c)
	if err != nil {
		return
	}
	defer st.Close()
	ctx, cancel := context.WithTimeout(c.Context(), completeTime)
	defer cancel()
	st.sources.describe(ctx, st.sources.host.Names()...)
	catalog, err := st.sources.merge()
	if err != nil {
		return
	}
	for _, s := range catalog.All() {
		do(s)
	}
}

// completeProviders completes names of providers.
func (a *App) completeProviders(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	st, err := a.prepareCompletion(c)
	if err != nil {
		return nil, completed
	}
	defer st.Close()
	return st.sources.host.Names(), completed
}

// completeConnections completes ids of connections that are not disconnected, as the newest events tell of them.
func (a *App) completeConnections(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return a.completeIDs(c, func(tx store.Tx) (out []string, err error) {
		events, err := tx.Events(store.EventFilter{Type: string(event.SourceConnected), Limit: maxCompleted})
		for _, e := range events {
			var told event.Event
			if json.Unmarshal(e.Body, &told) != nil || told.Source == nil {
				continue
			}
			row, err := tx.Connection(told.Source.ConnectionID)
			id := string(told.Source.ConnectionID)
			if err == nil && row.State != store.ConnectionDisconnected && !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
		return out, err
	})
}

// completeSessions completes ids of sessions, the newest first.
func (a *App) completeSessions(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return a.completeIDs(c, func(tx store.Tx) (out []string, err error) {
		list, err := tx.Sessions(store.SessionFilter{Limit: maxCompleted})
		for _, s := range list {
			out = append(out, string(s.ID))
		}
		return out, err
	})
}

// completeDeliveries completes ids of deliveries, the newest first.
func (a *App) completeDeliveries(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return a.completeIDs(c, func(tx store.Tx) (out []string, err error) {
		list, err := tx.Deliveries(store.DeliveryFilter{Limit: maxCompleted})
		for _, d := range list {
			out = append(out, string(d.ID))
		}
		return out, err
	})
}

// completeEvents completes ids of events, the newest first.
func (a *App) completeEvents(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return a.completeIDs(c, func(tx store.Tx) (out []string, err error) {
		list, err := tx.Events(store.EventFilter{Limit: maxCompleted})
		for _, e := range list {
			out = append(out, string(e.ID))
		}
		return out, err
	})
}

// maxCompleted is how many ids a completion offers.
const maxCompleted = 50

// completeIDs lists ids out of the state as it is: a key that was pressed by chance makes none, and closes no session.
func (a *App) completeIDs(c *cobra.Command, list func(store.Tx) ([]string, error)) ([]string, cobra.ShellCompDirective) {
	if err := a.beQuiet(c); err != nil {
		return nil, completed
	}
	ctx, cancel := context.WithTimeout(c.Context(), completeTime)
	defer cancel()
	out, err := a.readIDs(ctx, list)
	if err != nil {
		return nil, completed
	}
	return out, cobra.ShellCompDirectiveKeepOrder | completed
}

func (a *App) readIDs(ctx context.Context, list func(store.Tx) ([]string, error)) (out []string, err error) {
	cfg, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	o := a.storeOptions(cfg)
	o.ReadOnly, o.BusyLimit = true, completeTime
	s, err := sqlite.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }() // only read
	err = s.View(ctx, func(tx store.Tx) (err error) {
		out, err = list(tx)
		return err
	})
	return out, err
}

// parseID reads an id that a person typed.
func parseID[T id.Session | id.Connection | id.Event | id.Delivery](c *cobra.Command, arg string) (T, error) {
	parsed, err := id.Parse[T](arg)
	if err != nil {
		return parsed, usage(c, "that is no such id: %s", err)
	}
	return parsed, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// decodeKey reads a master key as a person or a vault keeps it: its bytes, their base64, or their hex.
func decodeKey(text string) ([]byte, error) {
	if len(text) == seal.KeySize {
		return []byte(text), nil
	}
	if key, err := hex.DecodeString(text); err == nil && len(key) == seal.KeySize {
		return key, nil
	}
	for _, form := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if key, err := form.DecodeString(text); err == nil && len(key) == seal.KeySize {
			return key, nil
		}
	}
	return nil, fmt.Errorf("it is neither %d bytes nor their base64 or hex", seal.KeySize)
}
