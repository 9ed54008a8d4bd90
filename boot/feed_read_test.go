package boot

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"matrixos/matrix/talk"
)

// A feed that should have begun is read three times at most while it seems empty, and no
// longer than its reader waits; what is there, or fails, or may be empty, is read once.
func TestAFeedIsReadPatiently(t *testing.T) {
	some, broken := talk.Page{Messages: []talk.Message{{Body: "Hello"}}}, errors.New("the homeserver is gone")
	for what, c := range map[string]struct {
		begun  bool
		comes  int // with which reading there is something; 0 is never
		fails  int // with which reading it fails
		within time.Duration
		reads  int
		took   time.Duration
		err    error
	}{
		"what is there":              {begun: true, comes: 1, reads: 1},
		"what comes soon":            {begun: true, comes: 2, reads: 2, took: time.Second},
		"what comes late":            {begun: true, comes: 3, reads: 3, took: 4 * time.Second},
		"what never comes":           {begun: true, reads: 3, took: 4 * time.Second},
		"a feed of one's own":        {reads: 1},
		"a failure":                  {begun: true, fails: 2, reads: 2, took: time.Second, err: broken},
		"a reader who does not wait": {begun: true, within: 2 * time.Second, reads: 2, took: 2 * time.Second, err: context.DeadlineExceeded},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := t.Context(), func() {}
			if c.within > 0 {
				ctx, cancel = context.WithTimeout(ctx, c.within)
			}
			defer cancel()
			began, reads := time.Now(), 0
			page, err := readPatiently(ctx, c.begun, func() (talk.Page, error) {
				reads++
				switch reads {
				case c.fails:
					return talk.Page{}, broken
				case c.comes:
					return some, nil
				}
				return talk.Page{}, nil
			})
			if took := time.Since(began); reads != c.reads || took != c.took || !errors.Is(err, c.err) || (len(page.Messages) > 0) != (c.comes > 0) {
				t.Errorf("%s: %d readings in %s, %+v, %v", what, reads, took, page, err)
			}
		})
	}
}
