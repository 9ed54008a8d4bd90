package model

import (
	_ "embed" // the table below is data, so that a price change touches no code
	"encoding/json"
	"strings"
	"sync"

	"matrixos/sys"
)

//go:embed prices.json
var pricesJSON []byte

// Facts is what is known of one model in advance. Prices are in US dollars per
// million tokens; there are five of them because a cache read is not always a
// tenth of the input price, and a cache entry that lives an hour costs more to
// write than one that lives five minutes.
type Facts struct {
	Input     float64  `json:"input"`
	Write5m   float64  `json:"write_5m"`
	Write1h   float64  `json:"write_1h"`
	Read      float64  `json:"read"`
	Output    float64  `json:"output"`
	Context   int64    `json:"context"`    // tokens, input and output together
	MaxOutput int64    `json:"max_output"` // tokens
	Adaptive  bool     `json:"adaptive"`   // thinks as much as it finds right, and takes an effort
	Betas     []string `json:"betas"`      // provider features that it needs switched on
}

var facts = sync.OnceValue(func() map[string]Facts {
	var all map[string]Facts
	if err := json.Unmarshal(pricesJSON, &all); err != nil {
		panic("model: prices.json: " + err.Error()) // embedded, and read by a test
	}
	return all
})

// Lookup finds what is known of a model. A dated id ("claude-haiku-4-5-20251001")
// and a routed one ("anthropic/claude-haiku-4-5") mean the model they name.
func Lookup(id string) (Facts, bool) {
	id = id[strings.LastIndexByte(id, '/')+1:]
	if f, ok := facts()[id]; ok {
		return f, true
	}
	cut := strings.LastIndexByte(id, '-')
	if cut < 0 || len(id)-cut != len("-20251001") || strings.Trim(id[cut+1:], "0123456789") != "" {
		return Facts{}, false
	}
	f, ok := facts()[id[:cut]]
	return f, ok
}

// USD is the price of one request. Cached tokens are not part of input.
func (f Facts) USD(input, write5m, write1h, read, output int64) float64 {
	return (float64(input)*f.Input + float64(write5m)*f.Write5m + float64(write1h)*f.Write1h +
		float64(read)*f.Read + float64(output)*f.Output) / 1e6
}

// Price estimates what cost amounts to on a model, taking all cache writes as
// five-minute ones. Adapters know better and fill in sys.Cost.USD themselves;
// Price is for whoever has only the tokens. It reports false for a model that
// the table does not list.
func Price(id string, cost sys.Cost) (usd float64, known bool) {
	f, ok := Lookup(id)
	return f.USD(cost.Input, cost.CacheWrite, 0, cost.CacheRead, cost.Output), ok
}
