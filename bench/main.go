// Command bench measures this library side by side with others and prints the
// tables of README.md:
//
//	go run ./bench        # from the repository's root
//	go -C bench run . -help
package main

// This file answers: which tables are printed?

import (
	"flag"
	"os"
	"testing"
)

func main() {
	testing.Init()
	only := flag.String("only", "", "print one table: cost, goodput or harm")
	scenario := flag.String("scenario", "", "goodput: only scenarios whose names contain this")
	runs := flag.Int("runs", 6, "medians of so many runs; at least 6 to compare")
	flag.Parse()
	tables := func(t *testing.T) {
		for _, table := range []struct {
			name  string
			print func()
		}{
			{"cost", func() { costs(os.Stdout, *runs) }},
			{"goodput", func() { goodput(t, os.Stdout, *runs, *scenario) }},
			{"harm", func() { harms(t, os.Stdout, 9) }},
		} {
			if *only == "" || *only == table.name {
				table.print()
			}
		}
	}
	// Only a test can have a fake clock, so that everything is one.
	testing.Main(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: "Tables", F: tables}}, nil, nil)
}
