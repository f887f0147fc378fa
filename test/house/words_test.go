package house_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rule forbids a word or a phrase in documents and messages, because the field has another one, or because it is hard to
// read for somebody whose first language is not English.
type rule struct {
	// pattern has a blank where white space may be; it starts and ends at the edge of a word.
	pattern string
	// unless allows a match that it matches too.
	unless string
	why    string
	better string
	// examples are found, and fine is not.
	examples []string
	fine     string
}

// The reasons.
const (
	archaic  = "reads as if translated"
	vague    = "says nothing exact"
	theField = "the field has a word for it"
	oneWord  = "one word has one meaning"
)

// rules are the words that no document and no message may use.
func rules() []rule {
	return slices.Concat(phraseRules(), termRules())
}

// phraseRules are about plain English.
func phraseRules() []rule {
	return []rule{
		{`told`, ``, archaic, "receives, gets; reports", []string{"the hooks were not told"}, "tolders"},
		{`tell(?:s|ing)?(?: \S+){0,5}`, `\bapart\b`, archaic, "reports, shows, says", []string{"Tell what is known of it", "the event tells of a change", "telling the sources"}, "cannot tell two accounts apart"},
		{`anew`, ``, archaic, "again", []string{"read anew"}, "a new one"},
		{`who(?:so)?ever`, ``, archaic, "anyone who; the user that", []string{"Whoever has the key"}, "who ever"},
		{`wants? no more`, ``, vague, "HTTP 410: unsubscribed", []string{"it wants no more"}, "wants more"},
		{`sa(?:y|ys|id) (?:no|nothing)`, ``, vague, "denied, rejected; did not respond; no output", []string{"the source said no", "says no with", "the server says nothing"}, "says that no token is left"},
		{`(?:com(?:e|es|ing)|came) back`, ``, theField, "returns; the redirect URI, the redirect", []string{"the address that the browser comes back to"}, "comes in the background"},
		{`of which`, ``, archaic, "two short sentences", []string{"five sources, of which one is connected"}, "which of them"},
		{`(?:by|of) (?:itself|themselves)`, ``, archaic, "automatically; on its own", []string{"It goes on by itself.", "what it says of itself"}, "the provider itself"},
		{`look(?:s|ed|ing)? at`, ``, vague, "list, show, check, read", []string{"Look at hooks", "what was looked at"}, "look up a name at the source"},
		{`(?:leads?|led) to`, ``, vague, "URL, destination; cannot be read", []string{"leads to no secret", "where a URL may lead to", "led to"}, "lead time"},
		{`nobody (?:answers?|is asked|waits)`, ``, vague, "connection refused; prompts are off; no pending authorization", []string{"Nobody answers", "nobody is asked", "nobody waits for that address"}, "readable by nobody"},
		{`no such thing`, ``, vague, "not found", []string{"there is no such thing"}, "no such connection"},
		{`in the end`, ``, archaic, "at exit, finally", []string{"how long to wait in the end"}, "in the endpoint"},
		{`so far as`, ``, archaic, "if, where", []string{"so far as it is known"}, "the results so far"},
		{`st(?:ands?|ood)(?: \S+)?`, `\bfor\b`, vague, "is, applies, overrides", []string{"a flag stands before the file", "the grant stands at the source", "secrets stand in no file"}, "… stands for a value on standard input"},
		{`(?:is|are|was|were) to be`, ``, archaic, "must be, will be", []string{"a connection that was to be renewed"}, "to be revoked"},
		{`that there (?:is|are)`, ``, archaic, "every; all", []string{"every key that there is"}, "see that their files are there"},
		{`any ?more`, ``, archaic, "no longer", []string{"is not valid any more"}, "many more"},
		{`that cannot be(?:[.,;]|$)`, ``, vague, "invalid", []string{"has a port that cannot be"}, "that cannot be read"},
		{`for want of`, ``, archaic, "out of; because there is no", []string{"killed for want of memory"}, "if you want"},
		{`as (?:it|they) should`, ``, vague, "the exact failure: TLS handshake failed", []string{"does not speak TLS as it should"}, "as it is"},
		{`in vain`, ``, archaic, "failed", []string{"that it was in vain"}, "invalid"},
		{`for ever`, ``, archaic, "permanently", []string{"invalid for ever"}, "for every source"},
		{`makes? no sense`, ``, vague, "invalid", []string{"an answer that makes no sense"}, "it makes no request"},
		{`sees? to (?:it|them|this)`, ``, archaic, "ensures; handles", []string{"until somebody sees to it"}, "see the output"},
	}
}

// termRules are about the field's terms: OAuth, webhooks, plugins, command lines, queues.
func termRules() []rule {
	return []rule{
		{`it worked`, ``, theField, "success", []string{"it worked"}, "if the token worked"},
		{`wrong use`, ``, theField, "usage error", []string{"wrong use, or an answer is missing"}, "wrong user"},
		{`it took too long`, ``, theField, "timeout", []string{"it took too long"}, "a call took too long"},
		{`(?:could not|cannot) be asked`, ``, theField, "is unreachable", []string{"the service could not be asked"}, "a person cannot be found"},
		{`(?:could not|cannot) be kept`, ``, theField, "could not store", []string{"the access could not be kept"}, "is kept"},
		{`somebody killed`, ``, theField, "killed by SIGKILL, often the kernel's OOM killer", []string{"somebody killed it"}, "killed by SIGKILL"},
		{`hung up`, ``, theField, "connection closed without a response", []string{"it hung up without an answer"}, "hang-up"},
		{`answer(?:s|ed)? wrongly`, ``, theField, "invalid response", []string{"answered wrongly"}, "answered"},
		{`did not say (?:its|the|a) handshake`, ``, theField, "did not complete the go-plugin handshake", []string{"did not say its handshake within 10 s"}, "the handshake"},
		{`judge[sd]?`, ``, theField, "verified, verifies", []string{"the session token is not judged"}, "judgement"},
		{`clos(?:es|ed|ing) (?:it )?to others`, ``, theField, "restricting permissions", []string{"closing to others"}, "others"},
		{`grants?(?:-type)?`, `-type`, oneWord, "credential; allows (in OAuth it is something else)", []string{"the grant was revoked", "revoke all grants"}, "invalid_grant, oauth:grant-type:device_code: scopes that were granted"},
		{`(?:delivery|hook) attempts?|attempts? (?:of|at) (?:a|the) (?:delivery|hook)|attempts? to deliver|HUMANCONNECT_ATTEMPT|humanconnect-attempt`, ``, oneWord, "delivery try (an attempt is a try to connect a source); HUMANCONNECT_DELIVERY_TRY, humanconnect-delivery-try", []string{"3 delivery attempts", "attempts to deliver", "HUMANCONNECT_ATTEMPT=1", "humanconnect-attempt"}, "attempts to connect"},
		{`ways? (?:of connecting|to connect|that a source connects)`, ``, oneWord, "method", []string{"ways of connecting"}, "connects always"},
		{`redirect address(?:es)?|address(?:es)? that (?:the browser|browsers?|a redirect|redirects|it) (?:ends?|comes?)`, ``, theField, "redirect URI; the full redirect URL", []string{"the redirect address", "paste the address that the browser ends at"}, "the address of the server"},
		{`ousted|buried|burials?|glance[sd]?|chores?|sittings?`, ``, vague, "taken over; marked dead; scan; background work; session", []string{"the ousted one", "background chores"}, "session"},
	}
}

// finder returns a function that finds where a rule is broken.
func (r rule) finder() func(body string) [][]int {
	pattern := regexp.MustCompile(`(?im)\b(?:` + strings.ReplaceAll(r.pattern, " ", `\s+`) + `)(?:\b|$)`)
	unless := regexp.MustCompile(`(?i)` + r.unless)
	return func(body string) [][]int {
		return slices.DeleteFunc(pattern.FindAllStringIndex(body, -1), func(at []int) bool {
			return r.unless != "" && unless.MatchString(body[at[0]:at[1]])
		})
	}
}

// exception lets a file use a phrase.
type exception struct{ path, phrase, reason string }

// exceptions are few: a word of a spec, or a value that is stored or sent and cannot change.
func exceptions() []exception {
	return nil
}

// broken lists where texts break a rule, one line each, and which exceptions are not needed.
func broken(all []text, rules []rule, exceptions []exception) (lines []string) {
	unused := slices.Clone(exceptions)
	for _, r := range rules {
		find := r.finder()
		for _, x := range all {
			for _, at := range find(x.body) {
				phrase := strings.Join(strings.Fields(x.body[at[0]:at[1]]), " ")
				is := func(e exception) bool { return e.path == x.path && strings.EqualFold(e.phrase, phrase) }
				if slices.ContainsFunc(exceptions, is) {
					unused = slices.DeleteFunc(unused, is)
					continue
				}
				lines = append(lines, fmt.Sprintf("%s:%d: %q: %s; better: %s", x.path, x.at(at[0]), phrase, r.why, r.better))
			}
		}
	}
	for _, e := range unused {
		lines = append(lines, fmt.Sprintf("%s does not use %q: remove the exception", e.path, e.phrase))
	}
	return lines
}

func TestDocumentsAndMessagesUseTheWordsOfTheField(t *testing.T) {
	all := texts(t)
	if len(all) < 2000 {
		t.Fatalf("found only %d texts", len(all))
	}
	for _, e := range exceptions() {
		if e.reason == "" {
			t.Errorf("the exception %q of %s has no reason", e.phrase, e.path)
		}
	}
	for _, line := range broken(all, rules(), exceptions()) {
		t.Error(line)
	}
}

func TestExceptionIsForOneFileAndForWhatItUses(t *testing.T) {
	all := []text{{"a.md", 1, "One.\nIt is read\nanew."}, {"b.go", 7, "made anew"}}
	let := []exception{{"b.go", "Anew", "a test"}, {"c.md", "anew", "a test"}}
	got := broken(all, rules(), let)
	want := []string{`a.md:3: "anew": reads as if translated; better: again`, `c.md does not use "anew": remove the exception`}
	if !slices.Equal(got, want) {
		t.Errorf("the lines are %q, not %q", got, want)
	}
}

func TestEveryWordRuleFindsItsExamplesAndNothingElse(t *testing.T) {
	for _, r := range rules() {
		t.Run(r.pattern, func(t *testing.T) {
			if len(r.examples) == 0 || r.fine == "" || r.why == "" || r.better == "" {
				t.Fatal("a rule has a reason, a better word, examples, and what it does not find")
			}
			find := r.finder()
			for _, example := range r.examples {
				if len(find(example)) == 0 || len(find(fmt.Sprintf("So %s\nand", strings.ReplaceAll(example, " ", "\n")))) == 0 {
					t.Errorf("%q is not found", example)
				}
			}
			if len(find(r.fine)) > 0 {
				t.Errorf("%q is found", r.fine)
			}
			if len(find(r.better)) > 0 {
				t.Errorf("the better word %q breaks the rule", r.better)
			}
		})
	}
}
