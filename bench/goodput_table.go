package main

// This file answers: how is the table of goodput printed?

import (
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
)

// goodput prints the table of the scenarios whose names contain a text.
func goodput(t *testing.T, out io.Writer, runs int, text string) {
	t.Helper()
	fmt.Fprintf(out, "\n## Goodput\n\nTime ÷ the ideal's, refused calls in percent of calls, failed calls. %d workers with work, %.1f windows' worth of calls, %v round trip, medians of %d, of %d at 20,000 an hour.\n\n",
		workers, worth, roundTrip, runs, max(1, runs/6))
	fmt.Fprint(out, "| scenario | quota")
	contenders := []contender{us}
	fmt.Fprint(out, " | instagram")
	for _, p := range peers() {
		if p.name != "instagram" && p.name != "x/oauth2" { // which signs only: as net/http
			contenders = append(contenders, theirs(p))
			fmt.Fprintf(out, " | %s", p.name)
		}
	}
	fmt.Fprintln(out, " |\n| --- | ---"+strings.Repeat(" | ---", len(contenders))+" |")
	for _, kind := range scenarios() {
		for _, q := range quotas() {
			s, ok := kind.with(q)
			if !ok || !strings.Contains(s.name, text) {
				continue
			}
			fmt.Fprintf(out, "| %s | %d in %.0f h", s.name, s.limit, s.window.Hours())
			for _, score := range match(t, s, seeds(s, runs), contenders...) {
				fmt.Fprintf(out, " | %s", score.cell(s))
			}
			fmt.Fprintln(out, " |")
		}
	}
}

// seeds is how many runs each contender gets.
func seeds(s scenario, runs int) int {
	if s.limit > 10_000 { // among so many calls chance evens out
		return max(1, runs/6)
	}
	return runs
}

func (c score) cell(s scenario) string {
	text := fmt.Sprintf("%.3f, %.2f %%, %.0f", c.ratio, c.refused, c.failed)
	if math.IsInf(c.ratio, 1) {
		text = fmt.Sprintf("did not finish (%.0f %% done), %.0f %%, %.0f", c.done, c.refused, c.failed)
	}
	switch {
	case s.person:
		text += fmt.Sprintf("; person at once %.1f %%", c.others)
	case s.crowd && math.IsInf(c.others, 1):
		text += "; cold accounts did not finish"
	case s.crowd:
		text += fmt.Sprintf("; cold %.3f", c.others)
	}
	return text
}
