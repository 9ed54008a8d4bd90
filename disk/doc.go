// Package disk is the versioned home: a folder whose every change, by an agent
// or by hand, is a landing with provenance that can be shown and undone.
//
// # The store
//
// A home keeps its store in .disk:
//
//	repo.git    the history, in git's format; the home's .git file points here
//	kernel.db   the journal: head, redo records, landings table; the commit point
//	lock        the flock of the one process that writes; it names its pid
//	ws/ID       the folders of running transactions (package workspace)
//	gen-N       the immutable checkout on which those stand
//	layers/N    what landed since, as layers above it
//	stage       new contents on their way into the live files
//	applied     the newest landing that is in the live files
//	quarantine  objects on their way into the repository
//	views/L12   past landings that were asked for as folders, read-only
//	data        packs of chunks: copies of app databases (package chunk)
//	private     what transactions' copies of databases started from
//	displaced   bytes of hand edits that had no other place to go
//	ballast     space given up when the disk is full, to finish what was decided
//
// History is linear, on main; each commit is one landing, its trailers say who,
// why and at what cost (provenance.go). Main belongs to the disk: what an owner
// commits by hand is captured from the files, and their commit is kept under
// refs/owner.
//
// # A landing, step by step
//
// A process works in a folder with the newest landing (txn.go), which package
// workspace makes as the machine allows: a mount over immutable layers, a snapshot,
// or a copy. None shows what happens elsewhere later. Land, Write, Edit and Undo
// make a set of changes, from an old to a new state of each file, and go through
// the same door (land.go), one at a time under Disk.mu, the lander:
//
//  1. Capture (capture.go): edits by hand of the files in question become a
//     landing by the owner first.
//  2. Merge (conflict.go, package merge): each change is joined with what landed
//     since. Any conflict refuses the whole as a *ConflictError. The refused work is
//     kept under refs/tx and in a table (refused.go), with its rows (refused_rows.go), and
//     so is what another device wanted (join_refused.go); its process tries on the newest
//     landing (again.go), or the owner decides (resolve.go).
//  3. Check: the merged tree passes the checks. They run beside other landings; if
//     the head has moved meanwhile so that the merged tree is another, again.
//  4. Prepare (commit.go): all that can fail. New contents are staged on the live
//     file system and synced; large objects are synced in the quarantine.
//     Copies of the databases of apps that the landing touches are made durable
//     (data_copy.go); changes of rows are merged into the live databases, each in a
//     transaction that stays open (data_land.go): what is wrong with them is found
//     here, by row checks too (rows_check.go), and no app can write to them until the
//     landing is decided.
//  5. Decide: one SQLite transaction with the redo record (redo.go), the head, the
//     landings table, the event, and what the caller wants to happen with it.
//     This is the commit point: before it nothing has changed, after it the
//     landing has happened, whatever happens to the process.
//     Then the open transactions of databases are committed, each with the landing's
//     number in its table _disk_applied.
//  6. Publish (publish.go): each staged file is exchanged with the live one, and
//     what comes out is looked at. If it is not what was expected, the owner has
//     saved this instant: theirs goes back, and the next capture records it on
//     top. If somebody still has it open for writing, it goes to displaced. Live
//     folders are reached without following links.
//  7. History (history.go): objects and main are written beside further landings,
//     from memory, as is git's index. Checkpoint (tidy.go): now and then everything
//     is synced, and redo records before that are forgotten.
//
// Edit (edit.go) is how settings change: it makes new contents from what is in the files,
// with the owner's edits of this moment, and begins again if they change meanwhile.
//
// # Garbage
//
// GC (gc.go) packs loose objects and drops what nothing needs any more: refused
// work after 30 days, commits by hand that main does not have after 90, displaced
// bytes and unneeded objects after 30. A pack is durable and read back whole before
// its objects go elsewhere; what is dropped is looked up again while no landing
// can come to need it.
//
// # Scrub
//
// Scrub (scrub.go) compares everything stored with its name or sum: objects, packs,
// indexes, refs, the landings table, and live files whose state says that nobody
// has touched them since their content was known. What is damaged is restored
// from another copy, and the damaged bytes of a live file go to displaced, with a
// landing that says so. The states that a scrub has seen are kept, so that
// damage while nothing ran is not taken for an edit. In idle time (care.go) it
// runs once a week, slowly, and goes on where it was interrupted.
//
// # A full or failing disk
//
// With less free than a reserve (room.go), or after a write that failed because the
// disk is full or its device fails, the home is read-only for landings: they get an
// error of kind NoSpace, or Unavailable, that names what to delete. Reading, the
// history, GC, work that only reads, and deleting by the owner go on. Edits by hand stay in the files
// and are captured later. What was decided is finished with the ballast. The
// state ends by itself once a probe can write and the ballast is there again.
//
// # Recovery
//
// Open finishes what was decided (recover.go); it can itself be interrupted at any
// point and run again. For each redo record: objects that the repository lacks
// are written; main is moved; what is in the stage is dropped if the history knows
// it and else kept in displaced; live files that still have a state which the
// recorded landings replaced get the newest one. Live content that no such landing
// knows is the owner's: it stays, and is captured. If the machine has started
// anew since (the boot id differs), nothing that was not synced is trusted: objects
// are written again, and files that are cut short or zeroed are replaced.
//
// Rows of a landing that a database does not have in _disk_applied are applied again.
// What has been changed in the database since then stays as it is.
//
// Then Open captures edits made while nothing ran, and the watcher (watch.go)
// those to come.
//
// # What is promised, and what not
//
// History, and readers of a View, see a landing whole or not at all. The live files
// are brought to it one by one: a program that reads them during a landing may see
// some old and some new. What Land has acknowledged survives kill and power loss.
// Every completed save of the owner is live, in the history, or in displaced; a
// save in the very instant of a landing may win over the landed version of that
// file, which stays in the history.
//
// # App databases
//
// data/SLUG/*.sqlite are not versioned like files: apps write to them all the time,
// outside of landings. A transaction that asks gets a consistent copy (txn_data.go);
// what is different in it at the end lands as changes of rows and schema with the
// files, both or neither, also after a crash (package rows has the merge). Writes of
// the app in the meantime stay. Where both have changed the same value of a row, or a
// constraint forbids the result, nothing lands and the *ConflictError names the row.
// A copy is kept of each database of an app before a landing touches the app, for the
// time that Kept says; a landing by hand that finds a database above 8 MB changed
// goes without, and one that only changes keys of an app (data/SLUG/*.json) has none.
// Deleting a database file in a workspace changes nothing. Not promised: that
// a program which reads files and rows in the same instant sees both new.
//
// Ignored files (ignore.go) are left alone.
//
// # Locks
//
// Lock order: Txn.mu, Disk.caring (scrub and GC), Disk.mu (the lander), Disk.publishing, room.mu, then the journal's
// and the repository's own, and dirtyMu, which nobody holds while taking another.
// Checks run with Txn.mu held, and on a busy home with Disk.mu: they may read
// views and the journal, and must not land.
package disk
