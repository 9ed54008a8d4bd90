// Package heal finds what is broken in a home and mends it, without a model.
//
// Detectors say that something is wrong: an app's files that do not parse or compile,
// its contract, rules of its data, an error that its window reports, settings that
// cannot be read, a contract that an app had and that is gone, a database that SQLite finds
// damaged, and the disk's own check of stored bytes. The Healer then climbs the ladder. For an app:
//
//  1. Localise: one check that fails is chosen, and the landings that touched the app
//     are searched for the first on which it fails: backwards in doubling steps to one
//     where it holds, then by halves. The contract of today judges all of them.
//  2. Take back the smallest part of that landing with which the check holds: whole
//     files, lines, then words (disk.Undo).
//  3. Where later work builds on it: the last good app, and the later landings done
//     again, one by one (disk.Replay).
//  4. Where nothing good is known: a file of a closed form is made readable (Mend).
//  5. An agent, if the owner asks for one.
//  6. Quarantine: what is wrong and the ways out, in words.
//
// Every repair is tried on a tree that has not landed: what failed holds, nothing fails
// that held, in none of the apps it touches, and no other landing has lost a hunk
// (disk.Lost). Then it lands as sys.ByHealer, through the checks of every landing, in one
// transaction with its row in the ledger. It is a landing as any: the owner takes it
// back with undo, and then it is not tried again.
//
// The owner's own edits are not undone unasked: if the landing that broke it is the
// owner's, the repair is proposed. The one exception is damage: bytes that no hand
// writes (cut short, or with blocks of zeros), see Damaged. It is found in files, too, that no
// check looks at; where nothing fails for bytes that are gone, their return is proposed, and so
// is that of a deleted file if the app is built to something else without it. That a deleted
// contract comes back is always proposed, whoever deleted it; and so is that a damaged
// database comes back from its newest sound copy, since what was entered after it is not in
// it. No landing is searched for that, and until the database is whole the app is not judged.
//
// A contract is never edited. The package asks no model, opens no listener, and runs
// no app itself: whoever makes a Healer hands it a Judge.
package heal
