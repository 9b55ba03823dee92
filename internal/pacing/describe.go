package pacing

// This file answers: what does the pacer believe? It is for traces of simulations.

import "fmt"

// Describe prints what is known of the app's and the account's bucket of a ticket.
func (p *Pacer) Describe(t Ticket) string {
	sh := p.shard(t.account.hash)
	sh.mu.Lock()
	own := t.account.gov.describe()
	sh.mu.Unlock()
	app := t.account.app
	app.mu.Lock()
	defer app.mu.Unlock()
	return fmt.Sprintf("app %s wait=%d | account %s", app.gov.describe(), app.line.waiting, own)
}

func (g *Governor) describe() string {
	return fmt.Sprintf("n=%d fly=%.0f k=%.1f l=%.1f u=%.0f flags=%06b strikes=%d refs=%.0f over=%d freed=%.3f retry=%.1f anchor=%v learnt=%d",
		g.led.total(), g.inFlight(), g.k, g.l, g.last.u, g.flags, g.wear().strikes, g.refusals(), g.wear().over, g.wear().freed, (g.wear().retry - 30*3600e9).Seconds(), g.anchor, g.wear().learnt)
}
