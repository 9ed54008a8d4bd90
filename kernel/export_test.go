package kernel

import "context"

// FireDue is one look at the schedule.
func (k *Kernel) FireDue(ctx context.Context) error {
	_, err := k.fireDue(ctx)
	return err
}

// Beat is one look around.
func (k *Kernel) Beat(ctx context.Context) (bool, error) { return k.beat(ctx) }
