package syscalls

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"matrixos/audit"
	"matrixos/kernel"
	"matrixos/sys"
)

// Audit looks at the home's safety; *audit.Auditor is one.
type Audit interface {
	Report(ctx context.Context) (audit.Report, error)
}

func securityAudit(o Options) kernel.Syscall {
	return define("security_audit", true, nil, ``,
		func(struct{}) string { return "Looking at how safe this home is" },
		func(ctx context.Context, c *kernel.Call, _ struct{}) (string, error) {
			if o.Audit == nil {
				return "", &sys.Error{Op: "audit", Kind: sys.Unavailable, Err: errors.New("this system cannot look at itself")}
			}
			c.Shows()
			c.Reads(sys.Label{Confidentiality: sys.OwnerOnly})
			r, err := o.Audit.Report(ctx)
			if err != nil {
				return "", err
			}
			if r.Outside {
				c.Reads(outside)
			}
			var b strings.Builder
			fmt.Fprintf(&b, "The worst is: %s.\n", r.Worst)
			for _, f := range r.Findings {
				fmt.Fprintf(&b, "%-7s  %s: %s", f.Level, f.Check, f.Text)
				if f.Hint != "" {
					fmt.Fprintf(&b, " (%s)", f.Hint)
				}
				b.WriteByte('\n')
			}
			return b.String(), nil
		})
}
