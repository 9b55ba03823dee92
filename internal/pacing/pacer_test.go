package pacing

// This file answers: how much memory does an idle account take?

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAnIdleAccountTakesFewerThan200Bytes(t *testing.T) {
	t.Parallel()
	const entry = 39 // of the map of a shard, when it has just grown
	assert.Less(t, int(reflect.TypeFor[Account]().Size())+entry, 200)

	var g Governor
	p := &Params{Window: 24 * 3600e9, MaxSlots: 512, FewSlots: 8}
	m, r := g.Take(p, 1e9, Ask{Cost: 1})
	assert.Equal(t, Free, r)
	g.Report(p, 2e9, Report{Mark: m, Cost: 1, Sent: true, Counted: true, Usage: 7})
	assert.Nil(t, g.worn, "nothing is remembered of an end that it was never near")
	assert.Nil(t, g.led.old)
}
