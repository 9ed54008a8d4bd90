package kernel

import "context"

// FireDue is one look at the schedule.
func (k *Kernel) FireDue(ctx context.Context) error {
	_, err := k.fireDue(ctx)
	return err
}
