package main

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/seal"
	"github.com/humanconnect/humanconnect/core/store"
)

// completed ends a completion: ids are all there is to choose from.
const completed = cobra.ShellCompDirectiveNoFileComp

// completeSources completes ids of sources.
func (a *App) completeSources(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	a.global.quiet = true
	st, err := a.prepare()
	if err != nil {
		return nil, completed
	}
	defer st.Close()
	catalog, err := st.sources.catalog(c.Context())
	if err != nil {
		return nil, completed
	}
	var out []string
	for _, s := range catalog.All() {
		out = append(out, s.ID+"\t"+clean(s.Name))
	}
	return out, completed
}

// completeProviders completes names of providers.
func (a *App) completeProviders(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	a.global.quiet = true
	st, err := a.prepare()
	if err != nil {
		return nil, completed
	}
	defer st.Close()
	return st.sources.host.Names(), completed
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

func (a *App) completeIDs(c *cobra.Command, list func(store.Tx) ([]string, error)) ([]string, cobra.ShellCompDirective) {
	a.global.quiet = true
	var out []string
	err := a.view(c.Context(), func(tx store.Tx) (err error) {
		out, err = list(tx)
		return err
	})
	if err != nil {
		return nil, completed
	}
	return out, cobra.ShellCompDirectiveKeepOrder | completed
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
