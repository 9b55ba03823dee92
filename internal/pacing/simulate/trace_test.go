package simulate

import (
	"fmt"
	"os"
	"testing"
	"time"
)

func TestTrace(t *testing.T) {
	if os.Getenv("TRACE") == "" {
		t.Skip()
	}
	sc := Scenario{Limit: 200, Window: time.Hour, Calls: 600, Workers: 32, RTT: 150 * time.Millisecond, Jitter: .2, HintRounding: Up, Trace: func(l string) { fmt.Println(l) }}
	switch os.Getenv("TRACE") {
	case "restart2":
		sc.StartUsed = .9
		sc.StartSpread = time.Hour
		sc.Limit = 2000
		sc.Calls = 6000
	case "restart3":
		sc.StartUsed = .9
		sc.StartSpread = time.Hour
		sc.Limit = 20000
		sc.Calls = 70000
	case "stubborn3":
		sc.Limit = 20000
		sc.Calls = 60000
		sc.Foreign = 1. / 3
		sc.ForeignStubborn = true
	case "restart":
		sc.StartUsed = .9
		sc.StartSpread = time.Hour
	case "stubborn":
		sc.Limit = 2000
		sc.Calls = 6000
		sc.Foreign = 1. / 3
		sc.ForeignStubborn = true
	}
	fmt.Println(Paced(sc))
}
