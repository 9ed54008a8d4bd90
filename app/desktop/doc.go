// Package desktop plays the scenarios of contracts in an open desktop of the owner, for
// machines that have no browser of their own (package app/browser is for those that do).
// The desktop opens a hidden window of the app, with the same runner in it.
//
// The home keeps the say. It offers a job to all open desktops, and the first to take it
// gets a nonce: with that alone it may call as the window does, and say how it ended. The
// window has data of its own, never the owner's. A desktop that gives no sign of life, or
// gives the job back, loses it; another may take it then, on fresh data and with another
// nonce, and what the first says later is not heard. Each job has one outcome, which has
// to be of the version of the app that was handed out, and what is green in it is worked
// out here. Rules of the data are asked of the data.
//
// A desktop is believed, as it is the owner's own, signed in, and shows whatever it wants
// to them anyway; the app in the window is not. It has no way to these calls, and the port
// by which the runner is reached is kept from it (web/runtime/trial/frame.ts).
//
// This package must not know of sessions or HTTP, and never waits without an end: no
// desktop, or none that answers, is sys.Unavailable.
package desktop
