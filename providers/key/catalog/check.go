package catalog

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/providers/internal/endpoint"
)

// check holds a source to what the schema cannot say: which fields need each other, that an address leads to one host
// whatever a person types, and that no secret becomes a name.
func (s *Source) check() error {
	var wrong []error
	if s.ID == "" || s.Name == "" || s.Group == "" || s.Confidence == "" || len(s.Inputs) == 0 || len(s.Credentials) == 0 {
		wrong = append(wrong, errors.New("id, name, group, confidence, inputs and credentials are needed"))
	}
	for i, in := range s.Inputs {
		wrong = append(wrong, in.check(slices.ContainsFunc(s.Inputs[:i], func(other Input) bool { return other.ID == in.ID })))
	}
	for i, c := range s.Credentials {
		if err := s.checkCredential(c); err != nil {
			wrong = append(wrong, fmt.Errorf("credentials[%d]: %w", i, err))
		}
	}
	return errors.Join(append(wrong, s.checkRules(s.Errors))...)
}

func (in Input) check(twice bool) error {
	_, err := regexp.Compile(in.Pattern)
	switch {
	case in.ID == "" || in.Label == "" || err != nil:
		return fmt.Errorf("input %s: it needs an id, a label and a pattern that can be read", in.ID)
	case twice || in.ID == endpoint.SettingTestServer || in.ID == endpoint.SettingAllowedHosts:
		return fmt.Errorf("input %s: there is another one of that id", in.ID)
	case !slices.Contains([]string{"", KindText, KindSecret, KindURL, KindChoice}, in.Kind):
		return fmt.Errorf("input %s: there is no kind %s", in.ID, in.Kind)
	case (in.Kind == KindChoice) != (len(in.Choices) > 0):
		return fmt.Errorf("input %s: choices are of the kind choice", in.ID)
	}
	return nil
}

func (s *Source) checkCredential(c Credential) error {
	var wrong []error
	if len(c.Needs) == 0 || c.Check.URL == "" || c.Account.From == "" {
		wrong = append(wrong, errors.New("needs, check.url and account.from are needed"))
	}
	for _, id := range c.Needs {
		if _, ok := s.Input(id); !ok {
			wrong = append(wrong, fmt.Errorf("there is no input %s", id))
		}
	}
	calls := []Call{c.Check}
	if c.Revocation != nil {
		calls = append(calls, *c.Revocation)
	}
	for _, call := range calls {
		if err := s.checkAddress(call.URL, c); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", call.URL, err))
		}
	}
	for _, template := range c.templates(calls) {
		for _, m := range placeholder().FindAllStringSubmatch(template, -1) {
			if !slices.Contains(c.Needs, m[1]) || function(m[2]) == nil {
				wrong = append(wrong, fmt.Errorf("%s is no input that is needed, or has no such function", m[0]))
			}
		}
	}
	return errors.Join(append(wrong, s.checkAccount(c), s.checkRules(c.Errors))...)
}

// templates are all of a credential that are not addresses.
func (c Credential) templates(calls []Call) []string {
	all := []string{c.Send.Bearer}
	if c.Send.Basic != nil {
		all = append(all, c.Send.Basic.Username, c.Send.Basic.Password)
	}
	parts := []map[string]string{c.Send.Headers, c.Send.Query}
	for _, call := range calls {
		parts = append(parts, call.Headers, call.Query, call.Form, call.JSON)
	}
	for _, m := range parts {
		for _, template := range m {
			all = append(all, template)
		}
	}
	return all
}

func (s *Source) checkAccount(c Credential) error {
	a := c.Account
	isName := func(id string) bool {
		in, ok := s.Input(id)
		return ok && in.Kind != KindSecret && slices.Contains(c.Needs, id)
	}
	switch {
	case !slices.Contains([]string{FromAnswer, FromInput, FromNothing}, a.From):
		return errors.New("account.from is answer, input or nothing")
	case (a.From == FromNothing) != (a.ID == ""):
		return errors.New("account.id is needed, unless accounts cannot be distinguished")
	case a.From == FromInput && !isName(a.ID) || a.Authority != "" && !isName(a.Authority):
		return errors.New("an account is known by an input that is needed and no secret")
	case a.From != FromAnswer && len(a.Label) > 0:
		return errors.New("account.label has paths in the answer")
	}
	return nil
}

func (s *Source) checkRules(rules []Rule) error {
	for _, r := range rules {
		_, field := s.Input(r.Field)
		switch {
		case len(r.Status) == 0 && len(r.Where) == 0 && !r.Unexpected:
			return errors.New("a rule of errors needs a status, where or unexpected")
		case (r.Code == "invalid_input") != field:
			return errors.New("invalid_input, and nothing else, has a field, which is an input")
		}
	}
	return nil
}

// checkAddress lets an address be https with a host that is fixed but for choices, or begin with an input that is a whole
// URL. A path may have inputs of other kinds.
func (s *Source) checkAddress(address string, c Credential) error {
	for i, id := range endpoint.Placeholders(address) {
		in, ok := s.Input(id)
		first := i == 0 && strings.HasPrefix(address, "{")
		if !ok || !slices.Contains(c.Needs, id) || (in.Kind == KindURL) != first {
			return fmt.Errorf("{%s} is no input that may be there", id)
		}
	}
	if strings.ContainsAny(address, "?#") {
		return errors.New("a query has a place of its own")
	}
	if strings.HasPrefix(address, "{") {
		return nil
	}
	for _, host := range s.hostsOf(address) {
		u, err := url.Parse("https://" + host)
		if err != nil || !strings.HasPrefix(address, "https://") || u.Host != host || u.Hostname() == "" || strings.ContainsAny(host, "{}@?#*") {
			return errors.New("it is no https URL, or its host has an input that is no choice")
		}
	}
	return nil
}

// hostsOf are the hosts that an address can have: one for each choice in it.
func (s *Source) hostsOf(address string) []string {
	rest, fixed := strings.CutPrefix(address, "https://")
	if !fixed {
		return []string{""}
	}
	host, _, _ := strings.Cut(rest, "/")
	hosts := []string{host}
	for _, id := range endpoint.Placeholders(host) {
		in, _ := s.Input(id)
		var filled []string
		for _, h := range hosts {
			for _, choice := range in.Choices {
				filled = append(filled, strings.ReplaceAll(h, "{"+id+"}", choice.Value))
			}
		}
		if len(filled) > 0 {
			hosts = filled
		}
	}
	return hosts
}

// Hosts of all addresses that do not begin with what a person types.
func (s *Source) Hosts() []string {
	seen := make(map[string]bool)
	for _, call := range s.calls() {
		if !strings.HasPrefix(call.URL, "{") {
			for _, host := range s.hostsOf(call.URL) {
				seen[host] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
