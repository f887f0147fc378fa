package command

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/query"
)

// Page is what the flags of a list select: a page of the rows that the filters let through. Add the flags that the list
// has, call [Page.Read] when it runs, and use its fields.
type Page struct {
	// Limit is how many rows to find: one more than are shown, which says that some are left out; 0 for all.
	Limit int
	// Since is when a row was made, or later; zero for any time.
	Since time.Time
	// Source id, or "".
	Source string
	// Session id, or "".
	Session id.Session

	what, first                 string
	limit                       int
	after, since, session, user string
	byUser                      bool
}

// NewPage adds --limit and --after to a list of things, what in the plural, whose first ones are called so, as "newest".
func NewPage(c *cobra.Command, what, first string) *Page {
	p := &Page{what: what, first: first}
	f := c.Flags()
	f.IntVar(&p.limit, "limit", defaultLimit, "maximum number of rows; 0 means all")
	f.StringVar(&p.after, "after", "", "the rows that come after this `ID`: the next page")
	return p
}

// SinceFlag adds --since.
func (p *Page) SinceFlag(c *cobra.Command) {
	c.Flags().StringVar(&p.since, "since", "", "only "+p.what+" since a `TIME`: 2026-01-31, 2026-01-31T08:00:00Z, or ago: 36h, 7d")
}

// UserFlags adds --client-user-id and --client-id.
func (p *Page) UserFlags(c *cobra.Command) {
	c.Flags().StringVar(&p.user, "client-user-id", "", "only "+p.what+" of this user `ID` of your application, or @FILE")
	c.Flags().String("client-id", "", "client `ID` of the user; default: clientId of the config")
	SetsConfig(c.Flags(), "client-id", "clientId")
}

// SourceFlag adds --source.
func (p *Page) SourceFlag(c *cobra.Command, a *app.App) {
	c.Flags().StringVar(&p.Source, "source", "", "only "+p.what+" of this `SOURCE`")
	_ = c.RegisterFlagCompletionFunc("source", Sources(a)) // fails only where there is one
}

// SessionFlag adds --session.
func (p *Page) SessionFlag(c *cobra.Command) {
	c.Flags().StringVar(&p.session, "session", "", "only "+p.what+" of this session `ID`")
}

// Read checks the flags and sets the fields.
func (p *Page) Read(a *app.App, c *cobra.Command) (err error) {
	if err := CheckLimit(c, p.limit); err != nil {
		return err
	}
	if p.limit > 0 {
		p.Limit = p.limit + 1
	}
	p.byUser = c.Flags().Changed("client-user-id")
	if !p.byUser && c.Flags().Changed("client-id") {
		return Usage(c, "--client-id needs --client-user-id")
	}
	if p.byUser {
		if p.user, err = UserID(c.Context(), a, c, p.user); err != nil {
			return err
		}
		if p.user == "" { // no user has this id: a variable of the calling script is not set
			return Usage(c, "--client-user-id is empty")
		}
	}
	for _, name := range []string{"after", "since", "source", "session"} {
		if f := c.Flags().Lookup(name); f != nil && f.Changed && f.Value.String() == "" {
			return Usage(c, "--%s is empty", name)
		}
	}
	if p.session != "" {
		if p.Session, err = ParseID[id.Session](c, p.session); err != nil {
			return err
		}
	}
	if p.since != "" {
		var ok bool
		if p.Since, ok = sinceOf(p.since, a.Clock.Now()); !ok {
			return Usage(c, "--since: must be a time, such as 2026-01-31 or 2026-01-31T08:00:00Z, or how long ago, such as 36h or 7d")
		}
	}
	return nil
}

// After reads --after; "" if it is not given.
func After[T id.Session | id.Connection | id.Event | id.Delivery](c *cobra.Command, p *Page) (T, error) {
	if p.after == "" {
		return "", nil
	}
	return ParseID[T](c, p.after)
}

// User returns the user that the flags name, or "" for all. It says false for one that is not known: nothing is theirs.
func (p *Page) User(ctx context.Context, st *app.State) (user id.Human, known bool, err error) {
	if !p.byUser {
		return "", true, nil
	}
	return query.UserID(ctx, st.Store, st.Config.ClientID, p.user)
}

const day = 24 * time.Hour

// sinceOf reads a time, a day in UTC, or how long ago.
func sinceOf(text string, now time.Time) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), true
		}
	}
	if count, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(count)
		if err != nil || n < 0 || n > 1e5 {
			return time.Time{}, false
		}
		return now.Add(-time.Duration(n) * day), true
	}
	ago, err := time.ParseDuration(text)
	if err != nil || ago < 0 {
		return time.Time{}, false
	}
	return now.Add(-ago), true
}
