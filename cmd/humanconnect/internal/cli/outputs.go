package cli

import (
	"slices"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/completion"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/config"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/connection"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/delivery"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/doctor"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/event"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/help"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/hook"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/open"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/provider"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/sandbox"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/session"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/source"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/token"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/version"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
)

// Outputs returns a sample of what each command prints as JSON, for the schemas of docs/schema. The program does not call it.
func Outputs() []command.Output {
	return slices.Concat(
		open.Outputs(), source.Outputs(), token.Outputs(), connection.Outputs(), delivery.Outputs(), event.Outputs(), session.Outputs(),
		completion.Outputs(), config.Outputs(), doctor.Outputs(), hook.Outputs(), provider.Outputs(), sandbox.Outputs(), version.Outputs(),
		help.Outputs(),
	)
}
