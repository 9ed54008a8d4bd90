package talk

import (
	"context"
	"sync"
	"time"

	"maunium.net/go/mautrix/crypto/verificationhelper"
	"maunium.net/go/mautrix/id"
)

// transactions are the verifications under way. They are kept in memory: after a
// restart one begins anew.
type transactions struct {
	mu   sync.Mutex
	list map[id.VerificationTransactionID]verificationhelper.VerificationTransaction
}

var _ verificationhelper.VerificationStore = (*transactions)(nil)

// DeleteVerification implements verificationhelper.VerificationStore.
func (t *transactions) DeleteVerification(_ context.Context, txn id.VerificationTransactionID) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.list[txn]; !ok {
		return verificationhelper.ErrUnknownVerificationTransaction
	}
	delete(t.list, txn)
	return nil
}

// GetVerificationTransaction implements verificationhelper.VerificationStore.
func (t *transactions) GetVerificationTransaction(_ context.Context, txn id.VerificationTransactionID) (verificationhelper.VerificationTransaction, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	one, ok := t.list[txn]
	if !ok {
		return one, verificationhelper.ErrUnknownVerificationTransaction
	}
	return one, nil
}

// SaveVerificationTransaction implements verificationhelper.VerificationStore.
func (t *transactions) SaveVerificationTransaction(_ context.Context, txn verificationhelper.VerificationTransaction) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list[txn.TransactionID] = txn
	return nil
}

// FindVerificationTransactionForUserDevice implements verificationhelper.VerificationStore.
func (t *transactions) FindVerificationTransactionForUserDevice(_ context.Context, who id.UserID, device id.DeviceID) (verificationhelper.VerificationTransaction, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, one := range t.list {
		if one.TheirUserID == who && one.TheirDeviceID == device {
			return one, nil
		}
	}
	return verificationhelper.VerificationTransaction{}, verificationhelper.ErrUnknownVerificationTransaction
}

// GetAllVerificationTransactions implements verificationhelper.VerificationStore.
func (t *transactions) GetAllVerificationTransactions(context.Context) (out []verificationhelper.VerificationTransaction, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, one := range t.list {
		out = append(out, one)
	}
	return out, nil
}

// count is how many are open; those that nobody has gone on with are forgotten.
func (t *transactions) count(now time.Time) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	for txn, one := range t.list {
		if now.After(one.ExpirationTime.Time) {
			delete(t.list, txn)
		}
	}
	return len(t.list)
}

func (t *transactions) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.list)
}
