package instagram

// This file answers: what do the usage headers of an answer say?

import "time"

// Usage is what the usage headers of one answer say. The zero value means that
// there were none.
type Usage struct{}

// Max returns the highest percentage of all.
func (u Usage) Max() float64 { return 0 }

// RegainAccess returns the longest wait that the headers state.
func (u Usage) RegainAccess() time.Duration { return 0 }
