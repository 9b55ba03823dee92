// How much may an app or an account ask? Nothing is limited yet.

package instagramtest

// gate is asked before a call is served.
func (p *Platform) gate(*call) *GraphError { return nil }

// count is told what became of a call.
func (p *Platform) count(*call, *reply) {}
