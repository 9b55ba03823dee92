package pacing

// This file answers: what does a bucket remember of its end?

import "time"

// wear is what a bucket has to remember once it was full, refused a call, or
// was found to have a shorter window. Most accounts' never are.
type wear struct {
	blocked time.Duration // no call before this
	retry   time.Duration // when others use the bucket too: no look before this
	fullAt  time.Duration // when the bucket was full last
	probeAt time.Duration // when the running probe was sent; 0: none

	freed   float32   // calls a second that others' calls leave us while the bucket is full; 0: not known
	since   uint32    // calls let through since it was full last
	learnt  uint32    // slots in the window, where it was found to be shorter than documented; 0: not
	block   uint32    // sent, when the bucket was blocked last
	hundred uint32    // sent, when the header first said 100
	refs    [3]uint16 // calls refused, by half windows
	half    uint16    // the last half window
	over    uint8     // calls let through since the header first said 100
	strikes uint8     // refusals in a row
}

//nolint:gochecknoglobals // stands for the wear of all buckets that have none, and is never written
var noWear wear

// wear returns what is remembered, for reading only.
func (g *Governor) wear() *wear {
	if g.worn == nil {
		return &noWear
	}
	return g.worn
}

// wearing is wear for writing.
func (g *Governor) wearing(slot uint32) *wear {
	if g.worn == nil {
		g.worn = &wear{half: g.halfOf(slot)}
	}
	return g.worn
}

// halfOf returns the number of the half window of a slot.
func (g *Governor) halfOf(slot uint32) uint16 {
	return uint16(slot / (g.span() / 2)) // #nosec G115 -- compared by difference only
}
