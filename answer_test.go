package instagram

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestLossOfAStream: net/http repeats a refused stream some times by itself, and
// then it is known all the same that nothing was done.
func TestLossOfAStream(t *testing.T) {
	t.Parallel()
	assert.True(t, lossOf(fmt.Errorf("x: %w", streamError{Code: refusedStream})).unsent)
	assert.False(t, lossOf(streamError{Code: 0x2}).unsent, "an internal error may come after the work")
	assert.Equal(t, loss{}, lossOf(errors.New("x")))
}
