package providertest

import (
	"net/url"
	"regexp"
	"slices"
	"sync"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

var hostPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(\*\.)?[A-Za-z0-9\[][A-Za-z0-9.:\-\[\]]*$`) })

func (e *examination) checkDescription() {
	if !host.ValidID(e.description.Name) {
		e.fail("describe: the name %q is none", e.description.Name)
	}
	if !host.ValidVersion(e.description.Version) {
		e.fail("describe: the version %q is not like 1.0.0", e.description.Version)
	}
	if len(e.description.Sources) == 0 {
		e.fail("describe: there is no source")
	}
	e.checkFields("the settings", e.description.Settings)
	var ids []string
	for _, s := range e.description.Sources {
		if !host.ValidID(s.ID) || slices.Contains(ids, s.ID) {
			e.fail("describe: the source id %q is invalid, or a duplicate", s.ID)
		}
		ids = append(ids, s.ID)
		if s.Name == "" {
			e.fail("describe: %s has no name", s.ID)
		}
		for _, h := range s.Hosts {
			if !hostPattern().MatchString(h) {
				e.fail("describe: %s: the host %q is none", s.ID, h)
			}
		}
		if len(s.Fields) > 0 && !slices.Contains(s.Methods, sdk.MethodForm) {
			e.fail("describe: %s has fields, and a form is not among its methods", s.ID)
		}
		e.checkFields(s.ID, s.Fields)
		e.checkFields(s.ID, s.Settings)
	}
}

func (e *examination) checkFields(whose string, fields []sdk.Field) {
	var ids []string
	for _, f := range fields {
		if !host.ValidFieldID(f.ID) || slices.Contains(ids, f.ID) {
			e.fail("describe: %s: the field id %q is invalid, or a duplicate", whose, f.ID)
		}
		ids = append(ids, f.ID)
		if f.Label == "" {
			e.fail("describe: %s: the field %s has no label", whose, f.ID)
		}
		if f.Kind == sdk.KindChoice && len(f.Choices) == 0 {
			e.fail("describe: %s: the field %s has no choices", whose, f.ID)
		}
	}
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
