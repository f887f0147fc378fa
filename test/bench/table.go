package main

import (
	"fmt"
	"io"
	"time"
)

// row is one line of the table.
type row struct {
	comparison
	// aim is the ratio that we want to keep, or 0.
	aim float64
	// rate adds how often a second that is.
	rate bool
}

func writeTable(w io.Writer, rows []row) error {
	const head = "| what | median (min–max) | beside | median (min–max) | ratio, pair by pair | aim | max RSS |\n| --- | --- | --- | --- | --- | --- | --- |\n"
	if _, err := io.WriteString(w, head); err != nil {
		return err
	}
	for _, r := range rows {
		if r.a[0].wall == 0 { // memory alone
			if _, err := fmt.Fprintf(w, "| %s | | %s | | | | %s |\n", r.what, r.floor, memory(r.comparison)); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprintf(w, "| %s | %s | %s | %s | %.2f | %s | %s |\n",
			r.what, r.spread(r.a), r.floor, r.spread(r.b), r.ratio(), aim(r.aim), memory(r.comparison)); err != nil {
			return err
		}
	}
	return nil
}

func (r row) spread(samples []sample) string {
	all := walls(samples)
	text := fmt.Sprintf("%s (%s–%s)", short(median(all)), short(all[0]), short(all[len(all)-1]))
	if r.rate {
		text += fmt.Sprintf(", %.0f a second", float64(time.Second)/float64(median(all)))
	}
	return text
}

// short writes a duration in ms, or µs where it is below one.
func short(d time.Duration) string {
	if d < time.Millisecond {
		return fmt.Sprintf("%.0f µs", float64(d)/float64(time.Microsecond))
	}
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

func aim(limit float64) string {
	if limit == 0 {
		return ""
	}
	return fmt.Sprintf("≤ %.2f", limit)
}

func memory(c comparison) string {
	a, b := c.maxRSS()
	if a == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f / %.1f MiB", float64(a)/(1<<20), float64(b)/(1<<20))
}
