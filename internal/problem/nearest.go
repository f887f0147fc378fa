package problem

// Nearest returns the candidate that word most likely means, or "" if none is near. Case is ignored. Of equally near ones the
// first wins.
func Nearest(word string, candidates []string) string {
	const longest = 64 // a longer word is not a typo, and the work grows with the square
	if len(word) > longest {
		return ""
	}
	best, bestDistance := "", maxTypos(word)+1
	for _, c := range candidates {
		if len(c) > longest {
			continue
		}
		d := distance(lower(word), lower(c))
		if d < bestDistance && d < max(len(word), len(c)) {
			best, bestDistance = c, d
		}
	}
	return best
}

// maxTypos is how many typos a word may have: in a short one, a second makes it another word.
func maxTypos(word string) int { return 1 + len(word)/6 }

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// distance counts the insertions, deletions, substitutions and swaps of neighbours that turn a into b (optimal string
// alignment).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
