package app

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"matrixos/app/contract"
	"matrixos/sys"
)

// Print names what a window of the trial runs and is given in s, and what is asked of it
// there: of two trials with one print, the scenario holds in both or in neither. What
// sources are built to counts, not what they say: a comment makes no difference to a
// window. It is "" if nothing can be built, or for an app whose server runs the sources as
// they are.
func (t *Trial) Print(s contract.Scenario) (string, error) {
	if len(t.Faults) > 0 || t.result == nil || t.app.Manifest.Runtime == RuntimeNode {
		return "", nil
	}
	fail := func(err error) (string, error) {
		return "", &sys.Error{Op: "name the build of", Path: string(t.Slug()), Kind: sys.Internal, Err: err}
	}
	said, err := json.Marshal([]any{t.app.Manifest, t.result.Entry, t.result.Modules, t.result.Icons, t.result.Page, t.Contract.Properties, t.Contract.Invariants, s})
	if err != nil {
		return fail(err)
	}
	sum := sha256.New()
	fmt.Fprintln(sum, t.r.libs.Hash, len(t.r.libs.TrialFrame), len(said))
	sum.Write(said)
	for _, name := range slices.Sorted(maps.Keys(t.result.Files)) {
		fmt.Fprintf(sum, "%q %d\n", name, len(t.result.Files[name]))
		sum.Write(t.result.Files[name])
	}
	return hex.EncodeToString(sum.Sum(nil)[:16]), nil
}
