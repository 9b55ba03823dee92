package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	o, err := parse([]string{"-only", "goodput", "-scenario", "restart", "-runs", "12"}, &out)
	require.NoError(t, err)
	assert.Equal(t, options{only: "goodput", scenario: "restart", runs: 12}, o)
	assert.Empty(t, out.String())

	_, err = parse([]string{"-only", "foo"}, &out)
	require.ErrorContains(t, err, `["cost" "goodput" "harm"]`)
	_, err = parse([]string{"-scenario", "nosuch"}, &out)
	require.ErrorContains(t, err, `"restart with 90 % used"`)

	out.Reset()
	_, err = parse([]string{"-h"}, &out)
	require.Error(t, err)
	assert.Contains(t, out.String(), "-only")
	assert.NotContains(t, out.String(), "test.", "flags of package testing")
}
