package providertest

import (
	"net/url"
	"regexp"
	"slices"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

var (
	semver      = regexp.MustCompile(`^\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$`)
	hostPattern = regexp.MustCompile(`^(\*\.)?[A-Za-z0-9\[][A-Za-z0-9.:\-\[\]]*$`)
)

func (e *examination) checksDescription() {
	if !host.ValidID(e.said.Name) {
		e.wrong("describe: the name %q is none", e.said.Name)
	}
	if !semver.MatchString(e.said.Version) {
		e.wrong("describe: the version %q is not like 1.0.0", e.said.Version)
	}
	if len(e.said.Sources) == 0 {
		e.wrong("describe: there is no source")
	}
	e.checksFields("the settings", e.said.Settings)
	var ids []string
	for _, s := range e.said.Sources {
		if !host.ValidID(s.ID) || slices.Contains(ids, s.ID) {
			e.wrong("describe: the source id %q is invalid, or a duplicate", s.ID)
		}
		ids = append(ids, s.ID)
		if s.Name == "" {
			e.wrong("describe: %s has no name", s.ID)
		}
		for _, h := range s.Hosts {
			if !hostPattern.MatchString(h) {
				e.wrong("describe: %s: the host %q is none", s.ID, h)
			}
		}
		if len(s.Fields) > 0 && !slices.Contains(s.Methods, sdk.MethodForm) {
			e.wrong("describe: %s has fields, and a form is not among its methods", s.ID)
		}
		e.checksFields(s.ID, s.Fields)
		e.checksFields(s.ID, s.Settings)
	}
}

func (e *examination) checksFields(whose string, fields []sdk.Field) {
	var ids []string
	for _, f := range fields {
		if !host.ValidFieldID(f.ID) || slices.Contains(ids, f.ID) {
			e.wrong("describe: %s: the field id %q is invalid, or a duplicate", whose, f.ID)
		}
		ids = append(ids, f.ID)
		if f.Label == "" {
			e.wrong("describe: %s: the field %s has no label", whose, f.ID)
		}
		if f.Kind == sdk.KindChoice && len(f.Choices) == 0 {
			e.wrong("describe: %s: the field %s has no choices", whose, f.ID)
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
