// Package contract holds what an app has to do, as its owner asked for it: the
// file contract.json beside an app's manifest. Scenarios say it in terms of a
// person at the window (fill a field by its label, press a button by its name, see
// a text); invariants say it of the data, as SQL that finds what must not be;
// properties tie what is shown to what is stored.
//
// The package reads and judges the file and the reports of runs. It runs nothing:
// scenarios are run by web/runtime/trial in a browser, SQL by package app.
package contract
