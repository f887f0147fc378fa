package command

import (
	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/core/id"
)

// ParseID reads an id that a person typed.
func ParseID[T id.Session | id.Connection | id.Event | id.Delivery](c *cobra.Command, arg string) (T, error) {
	parsed, err := id.Parse[T](arg)
	if err != nil {
		return parsed, Usage(c, "invalid id: %s", err)
	}
	return parsed, nil
}
