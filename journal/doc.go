// Package journal keeps what happened in a home and the small tables of its
// kernel, in one SQLite file (kernel.db: write-ahead log, synchronous=FULL).
//
// Three promises:
//
//   - What Append or Update has acknowledged survives the death of the process
//     and of the machine. The commit of that one SQLite transaction is the
//     commit point of everything in a home, a landing of files included.
//   - Events are numbered from 1 without gaps, in commit order.
//   - A Subscription sees every durable event after its starting point once, in
//     order, however slowly it reads: it reads again from the table what the
//     short memory of recent events no longer holds. Ephemeral events come
//     between the durable ones where they were published, and are dropped,
//     oldest first, for a reader that does not keep up.
//
// There is one writer connection, used under a lock, and a few read-only ones
// which see the last committed state. Update must not be called from within
// an Update, and its function must not wait for a subscriber.
//
// Lock order: Journal.writing, then Journal.mu. Neither is held while a caller
// of Next waits.
//
// The journal knows no landings, processes or apps: packages above bring their
// own tables (Migrate) and their own events.
package journal
