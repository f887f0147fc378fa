package plugins

import (
	"bytes"
	"encoding/hex"
	"html"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// escapes are the kinds of escapes, by what they begin with: of URLs; of JSON, Go and C; of HTML; and of forms, which
	// are those of URLs and a plus for a space.
	escapes = `%\&+`
	// maxLayers is how many of them a secret may be under: JSON in JSON in a URL.
	maxLayers = 3
)

// finder finds secrets in a text, however they are encoded there: as they are; with some or all of their characters escaped
// as in URLs, forms, JSON, Go, C and HTML, up to three times over; in hex; in base64, alone or amid other bytes, as a password
// is in HTTP Basic. It is immutable.
type finder struct {
	// heads has the secrets by their first bytes, the longest first; pairs rules out most positions quickly.
	heads map[[minSecret]byte][]string
	pairs [1 << 16 / 64]uint64
	// spaced: a secret has a space, which a URL may spell as a plus.
	spaced bool
}

// newFinder makes a finder of secrets, none of which is shorter than minSecret.
func newFinder(secrets []string) *finder {
	f := &finder{heads: make(map[[minSecret]byte][]string, len(secrets))}
	for _, s := range secrets {
		head := [minSecret]byte([]byte(s))
		f.heads[head] = append(f.heads[head], s)
		pair := uint(s[0])<<8 | uint(s[1])
		f.pairs[pair/64] |= 1 << (pair % 64)
		f.spaced = f.spaced || strings.Contains(s, " ")
	}
	for _, same := range f.heads {
		slices.SortFunc(same, func(a, b string) int { return len(b) - len(a) })
	}
	return f
}

// remove returns the text without the secrets.
func (f *finder) remove(text string) string {
	if len(f.heads) == 0 {
		return text
	}
	found := f.find(nil, reading{text: []byte(text)}, maxLayers)
	if len(found) == 0 {
		return text
	}
	slices.SortFunc(found, func(a, b span) int { return a.from - b.from })
	var out strings.Builder
	end := -1
	for _, s := range found {
		if s.from > end {
			out.WriteString(text[max(end, 0):s.from] + removed)
		}
		end = max(end, s.to)
	}
	out.WriteString(text[end:])
	return out.String()
}

// span is a part of a text, by bytes.
type span struct{ from, to int }

// find adds where secrets are in a reading, and in what it is after some layers are unescaped, in no order. Two kinds of
// escapes in one layer take two.
func (f *finder) find(found []span, r reading, layers int) []span {
	found = f.search(found, r)
	if layers == 0 {
		return found
	}
	for _, kind := range []byte(escapes) {
		if kind == '+' && !f.spaced {
			continue
		}
		if plain, escaped := r.unescape(kind); escaped {
			found = f.find(found, plain, layers-1)
		}
	}
	return found
}

// search adds the secrets in one reading: as they are, in base64 and in hex.
func (f *finder) search(found []span, r reading) []span {
	found = f.match(found, r.text, r.origin)
	for _, run := range runsOf(r.text, isBase64, (minSecret*8+5)/6) {
		for phase := range 4 {
			found = f.searchBase64(found, r, span{run.from + phase, run.to})
		}
	}
	for _, run := range runsOf(r.text, isHex, 2*minSecret) {
		for phase := range 2 {
			first := run.from + phase
			found = f.match(found, hexBytes(r.text[first:run.to]), func(from, to int) span {
				return r.origin(first+2*from, first+2*to)
			})
		}
	}
	return found
}

// searchBase64 adds the secrets in a run of base64 whose first digit begins a byte. The padding after its end belongs to its
// last byte.
func (f *finder) searchBase64(found []span, r reading, run span) []span {
	padded := run.to
	for padded < min(len(r.text), run.to+2) && r.text[padded] == '=' {
		padded++
	}
	return f.match(found, base64Bytes(r.text[run.from:run.to]), func(from, to int) span {
		end := run.from + (to*8+5)/6
		if end == run.to {
			end = padded
		}
		return r.origin(run.from+from*8/6, end)
	})
}

// match adds the secrets that are in a text as they are; origin says what of the original text a part of it came from.
func (f *finder) match(found []span, text []byte, origin func(from, to int) span) []span {
	for i := 0; i+minSecret <= len(text); i++ {
		pair := uint(text[i])<<8 | uint(text[i+1])
		if f.pairs[pair/64]&(1<<(pair%64)) == 0 {
			continue
		}
		for _, secret := range f.heads[[minSecret]byte(text[i:])] {
			if bytes.HasPrefix(text[i:], []byte(secret)) {
				found = append(found, origin(i, i+len(secret)))
				break
			}
		}
	}
	return found
}

// reading is a text after something in it was decoded. It records where each byte came from.
type reading struct {
	text []byte
	// origins has for each byte the part of the original text that it came from; nil: byte by byte the same.
	origins []span
}

// origin is the part of the original text that a part of the reading came from.
func (r reading) origin(from, to int) span {
	if r.origins == nil {
		return span{from, to}
	}
	return span{r.origins[from].from, r.origins[to-1].to}
}

// add adds bytes that a part of another reading of the same text was decoded to.
func (r *reading) add(of reading, from, to int, decoded ...byte) {
	origin := of.origin(from, to)
	for _, b := range decoded {
		r.text, r.origins = append(r.text, b), append(r.origins, origin)
	}
}

// unescape decodes all escapes of a kind, and says whether there were any.
func (r reading) unescape(kind byte) (plain reading, escaped bool) {
	if bytes.IndexByte(r.text, kind) < 0 {
		return r, false
	}
	plain = reading{text: make([]byte, 0, len(r.text)), origins: make([]span, 0, len(r.text))}
	for i := 0; i < len(r.text); {
		decoded, n := escapeAt(r.text[i:], kind)
		if n == 0 {
			plain.add(r, i, i+1, r.text[i])
			i++
			continue
		}
		escaped = true
		plain.add(r, i, i+n, decoded...)
		i += n
	}
	return plain, escaped
}

// escapeAt decodes the escape of a kind that a text starts with, and returns its length; 0 if there is none.
func escapeAt(text []byte, kind byte) (decoded []byte, n int) {
	switch {
	case text[0] == '+' && kind == '+':
		return []byte{' '}, 1
	case text[0] == '%' && kind == '+':
		return hexAt(text, 1, 2)
	case text[0] != kind:
		return nil, 0
	case kind == '%':
		return hexAt(text, 1, 2)
	case kind == '&':
		return entityAt(text)
	}
	return backslashAt(text)
}

// entityAt decodes an entity of HTML.
func entityAt(text []byte) (decoded []byte, n int) {
	end := bytes.IndexByte(text[:min(len(text), len("&#x10ffff;"))], ';')
	entity := string(text[:end+1])
	plain := html.UnescapeString(entity)
	if plain == entity {
		return nil, 0
	}
	return []byte(plain), end + 1
}

// backslashAt decodes an escape of JSON, Go or C.
func backslashAt(text []byte) (decoded []byte, n int) {
	if len(text) < 2 {
		return nil, 0
	}
	switch c := text[1]; c {
	case 'x':
		return hexAt(text, 2, 2)
	case 'u':
		return utf16At(text)
	case 'U':
		return runeAt(text, 2, 8)
	case '"', '\'', '`', '/', '\\':
		return []byte{c}, 2
	default:
		if at := strings.IndexByte("abfnrtv", c); at >= 0 {
			return []byte("\a\b\f\n\r\t\v"[at : at+1]), 2
		}
	}
	if len(text) >= 4 {
		if octal, err := strconv.ParseUint(string(text[1:4]), 8, 8); err == nil {
			return []byte{byte(octal)}, 4
		}
	}
	return nil, 0
}

// hexAt decodes the byte that digits spell after the first bytes of a text.
func hexAt(text []byte, after, digits int) (decoded []byte, n int) {
	if len(text) < after+digits {
		return nil, 0
	}
	decoded, err := hex.DecodeString(string(text[after : after+digits]))
	if err != nil {
		return nil, 0
	}
	return decoded, after + digits
}

// runeAt decodes the character whose number digits spell after the first bytes of a text.
func runeAt(text []byte, after, digits int) (decoded []byte, n int) {
	if len(text) < after+digits {
		return nil, 0
	}
	number, err := strconv.ParseUint(string(text[after:after+digits]), 16, 31)
	if err != nil {
		return nil, 0
	}
	return utf8.AppendRune(nil, rune(number)), after + digits
}

// utf16At decodes \uXXXX, or two of them that are one character.
func utf16At(text []byte) (decoded []byte, n int) {
	const length = len(`\uXXXX`)
	if len(text) >= 2*length && bytes.HasPrefix(text[length:], []byte(`\u`)) {
		high, errHigh := strconv.ParseUint(string(text[2:length]), 16, 16)
		low, errLow := strconv.ParseUint(string(text[length+2:2*length]), 16, 16)
		if both := utf16.DecodeRune(rune(high), rune(low)); errHigh == nil && errLow == nil && both != utf8.RuneError {
			return utf8.AppendRune(nil, both), 2 * length
		}
	}
	return runeAt(text, 2, 4)
}

// runsOf lists the parts of a text, at least so long, all of whose bytes are of a kind.
func runsOf(text []byte, is func(byte) bool, length int) []span {
	var runs []span
	for i := 0; i < len(text); i++ {
		from := i
		for i < len(text) && is(text[i]) {
			i++
		}
		if i-from >= length {
			runs = append(runs, span{from, i})
		}
	}
	return runs
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func isBase64(c byte) bool { return sextet(c) >= 0 }

// sextet is the value of a digit of base64, whose last two differ in URLs; else -1.
func sextet(c byte) int {
	switch {
	case 'A' <= c && c <= 'Z':
		return int(c - 'A')
	case 'a' <= c && c <= 'z':
		return int(c-'a') + 26
	case '0' <= c && c <= '9':
		return int(c-'0') + 52
	case c == '+' || c == '-':
		return 62
	case c == '/' || c == '_':
		return 63
	}
	return -1
}

// hexBytes decodes a run of hex digits.
func hexBytes(digits []byte) []byte {
	out := make([]byte, len(digits)/2)
	_, _ = hex.Decode(out, digits[:2*len(out)]) // they are hex digits
	return out
}

// base64Bytes decodes a run of base64, of whatever length.
func base64Bytes(digits []byte) []byte {
	out := make([]byte, 0, len(digits)*6/8)
	bits, have := 0, 0
	for _, c := range digits {
		bits, have = bits<<6|sextet(c), have+6
		if have >= 8 {
			have -= 8
			out = append(out, byte(bits>>have))
			bits &= 1<<have - 1
		}
	}
	return out
}
