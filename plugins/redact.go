package plugins

import (
	"slices"
	"strings"
	"sync"
)

const (
	// maxSecrets and maxSecretBytes limit what is kept for one provider; the oldest is dropped first.
	maxSecrets     = 1024
	maxSecretBytes = 256 << 10
	// maxSecret is how much of one is kept: no line that is searched is longer.
	maxSecret = lineBuffer
	// minSecret is the length in bytes from which a value is looked for in a line of output, and minSpoken from which a secret
	// is looked for in a sentence. Shorter ones would be found where they are not meant, and tell what was typed.
	minSecret = 4
	minSpoken = 8
	removed   = "[secret]"
)

// class says what a value is. Where one value is several things, the greatest holds.
type class int

const (
	// token: it came amid other values, and does not look like a word; see isPlain.
	token class = iota
	// private: an account, or what a person typed into an open field. It is not logged, and may stand in a sentence.
	private
	// secret: the installation or a person gave it as a secret, or it is a credential.
	secret
)

// known is a value that is looked for.
type known struct {
	text  string
	class class
	// word: a secret that is a word of the provider's own is none, and is not looked for.
	word bool
}

// redactor keeps the secrets that a provider received in this run out of what it writes. In a line of output a secret is
// replaced, as is what is private. A sentence for a person that holds a secret is not used at all: with a gap it could not be
// read, and would tell which of its words was typed. Safe for concurrent use.
type redactor struct {
	mu         sync.Mutex
	known      []known
	size       int
	vocabulary vocabulary
	forms      forms
	// inLines finds what a line must not hold, inSentences what a sentence must not; nil if something was added since.
	inLines, inSentences *finder
}

// add keeps secrets, each also line by line, and the members of one that is a JSON object. What is added last is dropped last.
func (r *redactor) add(values ...string) {
	for _, value := range values {
		r.keep(secret, value)
		r.keepLines(secret, value)
		for _, m := range membersOf(value) {
			if openMember().MatchString(m.name) || len(m.value) < minSpoken || strings.Contains(m.value, "://") {
				r.addTokens(m.value)
				continue
			}
			r.keep(token, m.value)
			r.keepLines(token, m.value)
		}
	}
}

// keepLines keeps the lines of a value that has several, but for the frame of a PEM file.
func (r *redactor) keepLines(as class, value string) {
	if !strings.Contains(value, "\n") {
		return
	}
	for line := range strings.Lines(value) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") {
			r.keep(as, line)
		}
	}
}

// addTokens keeps those values that do not look like words, addresses and the like, and what such addresses carry.
func (r *redactor) addTokens(values ...string) {
	for _, value := range values {
		for _, t := range tokensOf(value) {
			r.keep(token, t)
		}
	}
}

// addPrivate keeps what is private. A short word is left: many lines have it.
func (r *redactor) addPrivate(value string) {
	if len(value) >= minSpoken || !isLetters(value) {
		r.keep(private, value)
	}
}

// keep adds a value, or makes it the latest.
func (r *redactor) keep(as class, text string) {
	text = text[:min(len(text), maxSecret)]
	if len(text) < minSecret || as != private && len(text) < minSpoken && isLetters(text) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	k := known{text: text, class: as, word: r.vocabulary.has(text)}
	if at := slices.IndexFunc(r.known, func(k known) bool { return k.text == text }); at >= 0 {
		k.class = max(k.class, r.known[at].class)
		if k.class == r.known[at].class {
			r.known = append(slices.Delete(r.known, at, at+1), k)
			return
		}
		r.known, r.size = slices.Delete(r.known, at, at+1), r.size-len(text)
	}
	r.known, r.size = append(r.known, k), r.size+len(text)
	r.forget()
	r.inLines, r.inSentences = nil, nil
}

// forget drops the oldest beyond the limits; the caller holds the lock.
func (r *redactor) forget() {
	first := 0
	for len(r.known)-first > maxSecrets || r.size > maxSecretBytes {
		r.size -= len(r.known[first].text)
		first++
	}
	r.known = slices.Delete(r.known, 0, first)
}

// finders are those of what is known now.
func (r *redactor) finders() (inLines, inSentences *finder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.inLines == nil {
		var lines, sentences []string
		for _, k := range r.known {
			switch {
			case k.class == private:
				lines = append(lines, k.text)
			case k.word:
			case len(k.text) < minSpoken:
				lines = append(lines, k.text)
			default:
				lines, sentences = append(lines, k.text), append(sentences, k.text)
			}
		}
		r.inLines, r.inSentences = newFinder(lines), newFinder(sentences)
	}
	return r.inLines, r.inSentences
}

// clear returns a line without secrets and what is private, in whatever common spelling.
func (r *redactor) clear(text string) string {
	lines, _ := r.finders()
	return lines.remove(text)
}

// shown is a line that a provider wrote, without secrets, safe to show. It is cleared twice: a secret may contain what
// cleaning removes, and cleaning may join one that was written in pieces.
func (r *redactor) shown(text string, limit int) string {
	return clean(r.clear(clean(r.clear(text), limit)), limit)
}

// sentence is what a provider says to a person, safe to show; empty if it holds a secret.
func (r *redactor) sentence(text string, limit int) string {
	_, sentences := r.finders()
	if sentences.remove(text) != text {
		return ""
	}
	cleaned := clean(text, limit)
	if sentences.remove(cleaned) != cleaned {
		return ""
	}
	return cleaned
}
