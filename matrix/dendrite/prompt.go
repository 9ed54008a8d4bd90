package dendrite

import (
	"context"
	"time"

	"github.com/matrix-org/gomatrixserverlib"
	"github.com/matrix-org/gomatrixserverlib/fclient"
)

// longestSend is how long a transaction to another server may be under way.
const longestSend = 30 * time.Second

// prompt gives up a transaction that hangs. Dendrite waits five minutes for its answer,
// and until then sends that server nothing: after a cut of the network a dead connection
// would hold up all that was said since. It is sent again, and a server
// knows events that it has had.
type prompt struct{ fclient.FederationClient }

func (p prompt) SendTransaction(ctx context.Context, t gomatrixserverlib.Transaction) (fclient.RespSend, error) {
	ctx, cancel := context.WithTimeout(ctx, longestSend)
	defer cancel()
	return p.FederationClient.SendTransaction(ctx, t)
}
