package disk

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"matrixos/sys"
)

// appliedFile says up to which landing the live files have been brought. It is
// written after each landing and never synced: it need outlive this process
// only, not the machine. Without it, an owner who puts a file back as it was
// before the last landing could not be told from that landing not having
// reached the file, and recovery would do it again over theirs.
const appliedFile = "applied"

// setAppliedLocked notes that all landings up to id are in the live files.
func (d *Disk) setAppliedLocked(id sys.LandingID) {
	d.applied = id
	if _, err := d.appliedFD.WriteAt(fmt.Appendf(nil, "%20d\n", int64(id)), 0); err != nil {
		d.log.Warn("cannot note what is applied; the redo record says it with the next landing", "error", err)
	}
}

// openApplied opens the file for setAppliedLocked.
func (d *Disk) openApplied() (err error) {
	d.appliedFD, err = os.OpenFile(d.store(appliedFile), os.O_RDWR|os.O_CREATE, 0o600)
	return err
}

// readApplied returns what setAppliedLocked last noted; 0 if that is nothing. It
// means something only while the machine has not started anew since.
func (d *Disk) readApplied() sys.LandingID {
	b := make([]byte, 21)
	n, err := d.appliedFD.ReadAt(b, 0)
	if n != len(b) || err != nil {
		return 0
	}
	id, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		return 0
	}
	return sys.LandingID(id)
}
