package simulate

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestTrace(t *testing.T) {
	e := os.Getenv("TRACE")
	if e == "" {
		t.Skip()
	}
	var name string
	var limit, seed int
	var mult float64
	name, rest, _ := strings.Cut(e, ":")
	fmt.Sscanf(rest, "%d:%f:%d", &limit, &mult, &seed)
	w, acct := time.Hour, false
	if limit == 4800 {
		w, acct = 24*time.Hour, true
	}
	sc := Scenario{Limit: limit, Window: w, Account: acct, Calls: int(float64(limit) * mult), Workers: 32, RTT: 150 * time.Millisecond, Jitter: .2, Seed: uint64(seed), HintRounding: Up}
	for _, m := range mods {
		if m.name == name {
			m.f(&sc)
		}
	}
	fmt.Println(Ideal(sc))
	sc.Trace = func(l string) { fmt.Println(l) }
	fmt.Println(Paced(sc))
}
