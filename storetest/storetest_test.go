package storetest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/storetest"
)

func TestSuitesPassThePlainestStore(t *testing.T) {
	t.Parallel()
	runSuites(t, "")
}

func runSuites(t *testing.T, fault string) {
	t.Helper()
	storetest.Tokens(t, func(*testing.T) instagram.TokenStore { return newNaive(fault) }, storetest.InBubble())
	storetest.States(t, func(*testing.T) instagram.StateStore { return newNaive(fault) }, storetest.InBubble())
}

// TestSuitesFindEveryFault runs the suites against stores with one fault each,
// in a process of its own, because they must fail.
func TestSuitesFindEveryFault(t *testing.T) {
	t.Parallel()
	const asked = "STORETEST_FAULTS"
	if os.Getenv(asked) != "" {
		for _, fault := range faults() {
			t.Run(fault, func(t *testing.T) {
				t.Parallel()
				runSuites(t, fault)
			})
		}
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSuitesFindEveryFault$", "-test.v=true")
	cmd.Env = append(os.Environ(), asked+"=1")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	for _, fault := range faults() {
		name := strings.ReplaceAll(fault, " ", "_")
		assert.Contains(t, string(out), "--- FAIL: TestSuitesFindEveryFault/"+name+" ", "the suites pass a store that %s", fault)
	}
	assert.NotContains(t, string(out), "panic:")
}

// plain can do nothing beyond a TokenStore, decorated answers for abilities that it lacks.
type plain struct{ instagram.TokenStore }

func TestSuiteOfAPlainStore(t *testing.T) {
	t.Parallel()
	storetest.Tokens(t, func(*testing.T) instagram.TokenStore { return plain{newNaive("")} }, storetest.InBubble())
}
