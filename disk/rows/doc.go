// Package rows copies, compares and changes SQLite databases while other programs
// use them, row by row.
//
// A Changeset says how one state of a database became another: the statements that
// change its schema, and the rows that were added, changed and removed, each with
// its values before and after. Diff makes one of two files. Apply brings it into a
// third, the live database, that has changed since by itself: a row or a column
// that only one side has changed takes that side's value; where both have changed
// the same value, that is a Conflict and nothing is done.
//
// # Rows
//
// A row is known by the primary key of its table. A table without one (or with
// NULLs in it) is a bag: a row is its content, an update is a removal and an
// addition, and no two such rows are told apart. Values are compared by type and
// byte, whatever the collation. Tables of a virtual table are rows like others; the
// virtual table itself has none.
//
// # Schema
//
// Added, dropped and renamed columns and tables become ALTER statements where
// SQLite has one and the result is provably the wanted schema; else the table is
// built anew with the columns that both have. A column counts as renamed if its
// definition and its place are the same.
//
// Names that begin with _disk_ are the system's: no changeset has them, and apps
// never see them. Triggers do not fire while rows are applied, as what they did is
// part of the difference, and foreign keys are checked at the end.
//
// The package knows nothing of landings, of files around the database, and of who
// asks.
package rows
