package source

import (
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/sdk"
)

// Filter selects sources; the zero value selects all.
type Filter struct {
	// Query is as for [Catalog.Search].
	Query string
	// Group is a whole heading, whatever the case; "" for any.
	Group string
	// Method is one by which the source may connect; "" for any.
	Method sdk.Method
	// Ready selects what this installation can connect; see [Source.Ready].
	Ready bool
}

// Select returns the sources that a filter selects, in the order of All. References are looked for in env and in files.
func (c *Catalog) Select(f Filter, env config.Environment) []Source {
	return slices.DeleteFunc(c.Search(f.Query), func(s Source) bool {
		return f.Group != "" && !strings.EqualFold(s.Group, f.Group) ||
			f.Method != "" && !slices.Contains(s.Methods, f.Method) ||
			f.Ready && !s.Ready(env)
	})
}

// HasGroup says whether a source has that heading, whatever the case.
func (c *Catalog) HasGroup(name string) bool {
	return slices.ContainsFunc(c.Groups(), func(g string) bool { return strings.EqualFold(g, name) })
}

// Groups returns the headings of all sources, in the order of All.
func (c *Catalog) Groups() (groups []string) {
	for _, s := range c.All() {
		if s.Group != "" && !slices.ContainsFunc(groups, func(g string) bool { return strings.EqualFold(g, s.Group) }) {
			groups = append(groups, s.Group)
		}
	}
	return groups
}
