// Package ipc is how processes of a home work together and reach the outside:
// tasks, mail and the outbox, as tables in kernel.db.
//
// Everything here is written through a *journal.Tx. Within a landing's
// transaction (the disk's Landing.Update) it happens if and only if the files
// land; within Journal.Update it is a transaction of its own. Nothing is visible
// to others before that transaction has committed, and nothing is kept in
// memory: after kill -9 the tables are as of the last commit. Each change also
// appends an event (sys.EventTask, sys.EventMail, sys.EventEffect) in the same
// transaction.
//
// # Tasks
//
// A task is claimed by one process at a time (task_claim.go). A claim has a lease
// and an epoch, which grows with each claim of that task. Completing and failing
// need all three: the state claimed, the owner, the newest epoch. So a process
// that was thought dead and comes back late is refused, and the work of whoever
// took over stands. Expire hands back claims whose lease has run out; it may
// be called at any time, by anybody, twice. After mostExpired lost leases a task
// fails, so that work which kills its worker does not do so for ever.
//
// A task with dependencies is blocked until all of them are done. If one fails
// or is cancelled, it fails too, with that reason. Dependencies exist before
// what depends on them: there are no circles.
//
// # Mail
//
// Mail goes to a process, or to a program: then the first process of that program
// to read takes it. The guarantee, exactly: each message is handed to one reader,
// and until that reader confirms it, again to the same reader and no other, under
// the same receipt. A reader that confirms in the transaction which also holds
// what it made of the mail has used each message exactly once. One that dies
// between reading and confirming finds the same messages when it reads again; if it
// never comes back, Release gives what was sent to its program to the next
// reader. What nobody reads in time expires.
//
// # Outbox
//
// An effect on the outside world is queued in the transaction that decides it, with
// an idempotency key, and carried out afterwards by a Courier: in order per kind and
// target, with pauses that grow, at most mostAttempts times, then it is a dead
// letter that the owner is told of, can revive or discard. The guarantee: at
// least once, if the target can be reached at all, and every attempt carries
// the same key; the other side must use it to make that exactly once. A crash
// between the act and noting it means one more attempt.
//
// The package decides nothing about who may do what: that is policy's, above it.
// It starts no goroutine and reads no clock but the one it is given.
package ipc
