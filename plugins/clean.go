package plugins

import (
	"strings"

	"github.com/humanconnect/humanconnect/sdk/host"
)

// clean makes text of a provider fit to show on one line; see host.CleanText.
func clean(text string, limit int) string { return strings.TrimSpace(host.CleanText(text, limit)) }

// cleanText is clean for a paragraph: it keeps line feeds.
func cleanText(text string, limit int) string {
	lines := strings.Split(cut(text, limit), "\n")
	for i, line := range lines {
		lines[i] = host.CleanText(line, limit)
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// cut shortens text to a number of characters.
func cut(text string, limit int) string {
	count := 0
	for at := range text {
		if count == limit {
			return text[:at] + "…"
		}
		count++
	}
	return text
}
