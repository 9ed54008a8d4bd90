// Loaded before an app's own code: the first port that it listens on becomes the
// socket by which the desktop reaches it. There is no other way in.
"use strict";
const net = require("node:net");
const { listen, address } = net.Server.prototype;
let taken = null;
net.Server.prototype.listen = function (...args) {
  const first = args[0];
  const port = Number(first !== null && typeof first === "object" ? first.port : first);
  if (taken || !(port > 0)) return listen.apply(this, args);
  taken = { server: this, port };
  const then = args.find((a) => typeof a === "function");
  return then ? listen.call(this, process.env.MATRIXOS_SOCKET, then) : listen.call(this, process.env.MATRIXOS_SOCKET);
};
net.Server.prototype.address = function () {
  return taken?.server === this && this.listening ? { address: "127.0.0.1", family: "IPv4", port: taken.port } : address.call(this);
};
