// Command bench measures this library side by side with others and prints the
// tables of README.md:
//
//	go run ./bench        # from the repository's root
//	go -C bench run . -help
package main

// This file answers: which tables are printed?

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
)

// options are what the command line asks for.
type options struct {
	only, scenario string
	runs           int
}

type table struct {
	name  string
	print func(*testing.T, options)
}

func tables() []table {
	return []table{
		{"cost", func(_ *testing.T, o options) { costs(os.Stdout, o.runs) }},
		{"goodput", func(t *testing.T, o options) { goodput(t, os.Stdout, o.runs, o.scenario) }},
		{"harm", func(t *testing.T, _ options) { harms(t, os.Stdout, 9) }},
	}
}

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		os.Exit(2)
	}
	os.Args = os.Args[:1] // or package testing would read them as its own
	all := func(t *testing.T) {
		for _, table := range tables() {
			if o.only == "" || o.only == table.name {
				table.print(t, o)
			}
		}
	}
	// Only a test can have a fake clock, so that everything is one.
	testing.Main(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: "Tables", F: all}}, nil, nil)
}

// parse reads the command line, and writes what is wrong with it to out.
func parse(args []string, out io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Func("only", "print one `table`: cost, goodput or harm", func(name string) error {
		var names []string
		for _, t := range tables() {
			names = append(names, t.name)
		}
		if !slices.Contains(names, name) {
			return fmt.Errorf("the tables are %q", names)
		}
		o.only = name
		return nil
	})
	flags.Func("scenario", "goodput: only scenarios whose names contain this `text`", func(text string) error {
		var names []string
		for _, s := range scenarios() {
			names = append(names, s.name)
		}
		if !slices.ContainsFunc(names, func(name string) bool { return strings.Contains(name, text) }) {
			return fmt.Errorf("the scenarios are %q", names)
		}
		o.scenario = text
		return nil
	})
	flags.IntVar(&o.runs, "runs", 6, "medians of so many runs; at least 6 to compare")
	err = flags.Parse(args)
	return o, err
}
