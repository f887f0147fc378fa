package source

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/schema"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// CodeSchema: the JSON Schema that a provider declares for definitions is none that can be used.
const CodeSchema problem.Code = "source_definition_schema"

// Defined is what came of a definition of the config at its provider. The source is then as Description has it, whatever the
// provider says of it without the definition.
type Defined struct {
	// Description is the provider's answer: one source.
	Description sdk.Description
	// Problems are what is wrong with the definition, one line each; the source is then not there.
	Problems []string
	// Broken: the provider could not be asked, so that the source is not there.
	Broken bool
}

// Definition is what the config says the source is; nil for what its provider says.
func (s Source) Definition() *config.Definition { return s.config.Definition }

// CheckDefinition checks the definition of a source of the config against the schema of a provider; "" means that it takes none.
// It returns what is wrong, one line each with its place. An error has the code [CodeSchema].
func CheckDefinition(c config.Source, provider, text string) ([]string, error) {
	if text == "" {
		return []string{c.Definition.At.Exact() + "  sources: " + c.ID + "  definition  provider " + provider + " takes no definitions"}, nil
	}
	compiled, err := schema.Compile(text)
	if err != nil {
		return nil, problem.New(CodeSchema, "provider %s declares a schema for definitions that cannot be used", provider).
			Fact("%s", err).Fact("%s needs it", c.Definition.At.Exact()).Hint("report it to the provider's author, or remove the definition")
	}
	value, err := schema.Decode(c.Definition.JSON)
	if err != nil {
		return nil, fmt.Errorf("read a definition: %w", err) // the config has made it
	}
	problems := compiled.Check(value)
	slices.SortStableFunc(problems, func(a, b schema.Problem) int {
		_, first := c.Definition.Place(a.Pointer, a.Key)
		_, second := c.Definition.Place(b.Pointer, b.Key)
		return cmp.Or(cmp.Compare(first.Line, second.Line), cmp.Compare(first.Column, second.Column))
	})
	var lines []string
	for _, p := range problems {
		if key := beside(p.Pointer); p.Key && key != "" {
			p.Text = "does not belong in a definition; set " + key + " beside it"
		}
		lines = append(lines, definitionProblem(c, p.Pointer, p.Key, p.Text))
	}
	return lines, nil
}

// beside is the key of a source in the config that a key of a definition was meant to be, or "".
func beside(pointer string) string {
	switch name := strings.TrimPrefix(pointer, "/"); name {
	case "client_id":
		return "clientId"
	case "client_secret":
		return "clientSecret"
	case "id", "provider", "clientId", "clientSecret", "callbackUrl", "settings", "appliesTo":
		return name
	}
	return ""
}

// RefusedDefinition is what a provider has against a definition that its schema allows: the failure's setting, if it has one, is
// the JSON Pointer of what is wrong.
func RefusedDefinition(c config.Source, said *sdk.Error) []string {
	text := said.Message
	if text == "" {
		text = "is refused by the provider"
	}
	return []string{definitionProblem(c, said.Setting, false, text)}
}

func definitionProblem(c config.Source, pointer string, key bool, text string) string {
	path, at := c.Definition.Place(pointer, key)
	return at.Exact() + "  sources: " + c.ID + "  " + path + "  " + text
}

// Definer returns the provider that gets a definition of the config: the one that the config names, else the only one that
// claims the source; "" if neither is there.
func Definer(c config.Source, described []Described) string {
	var offering []string
	for _, d := range described {
		if c.Provider == d.Provider {
			return d.Provider
		}
		if slices.Contains(d.Claims, c.ID) {
			offering = append(offering, d.Provider)
		}
	}
	if c.Provider == "" && len(offering) == 1 {
		return offering[0]
	}
	return ""
}

// define puts the answer to a definition in the place of what its provider says without it.
func (l *loader) define(c config.Source, described []Described) {
	name := Definer(c, described)
	i := slices.IndexFunc(described, func(d Described) bool { return d.Provider == name })
	if i < 0 {
		return // unclaimed tells of it, or choose of a conflict
	}
	l.offers[c.ID] = slices.DeleteFunc(l.offers[c.ID], func(s Source) bool { return s.Provider == name })
	answer, asked := described[i].Defined[c.ID]
	at := slices.IndexFunc(answer.Description.Sources, func(s sdk.Source) bool { return s.ID == c.ID })
	switch {
	case len(answer.Problems) > 0:
		l.wrong = append(l.wrong, answer.Problems...)
	case !asked || answer.Broken || at < 0:
	default:
		l.offers[c.ID] = append(l.offers[c.ID], offered(described[i].Provider, answer.Description, answer.Description.Sources[at]))
		return
	}
	l.undescribed[c.ID] = true
	l.partial = l.partial || !asked || answer.Broken
}
