package main

// This file answers: what do people read?

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/seed-922467ee/instagram"
)

// askForLogin is where your program writes a mail, or puts a banner on the
// account's page, with a link to the page that begins the login:
// client.BeginLogin(e.Options...). It may be told twice; e.ID is then the same.
func askForLogin(_ context.Context, out io.Writer, e instagram.LoginNeeded) error {
	fmt.Fprintln(out, loginLine(e))
	return nil
}

func loginLine(e instagram.LoginNeeded) string {
	who := strings.Join(e.AccountIDs, ", ")
	if e.Username != "" {
		who += " @" + e.Username
	}
	var must string
	switch e.State {
	case instagram.WaitingForPerson:
		must = "must act at Instagram or Facebook first"
	case instagram.Alive:
		must = "must confirm the access to data, by logging in again"
	default:
		must = "must log in again"
	}
	line := fmt.Sprintf("  → %s %s (%s).", who, must, e.Reason)
	if advice := instagram.ErrorAdvice(e.Err); advice.Text != "" {
		line += " " + advice.Text
	}
	return line
}

func progressLine(p instagram.Progress) string {
	s := fmt.Sprintf("  %4d renewed  %3d failed  %3d need their person  %4d due  %4.0f/s", p.Refreshed, p.Failed, p.Marked, p.Due, p.Rate)
	if p.Stopped != "" {
		s += "  stopped: " + p.Stopped
	}
	return s
}

func printPlan(ctx context.Context, out io.Writer, client *instagram.Client) error {
	for p, err := range client.Plan(ctx) {
		if err != nil {
			return err
		}
		when := "never"
		if !p.At.IsZero() {
			when = p.At.Local().Format(time.DateTime)
		}
		fmt.Fprintf(out, "%-24s  %-14s  %-19s  %-12s  %s\n", p.Key.AccountID, p.Status, when, p.Step, p.Reason)
	}
	return nil
}
