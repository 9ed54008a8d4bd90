// A person on matrix-js-sdk, with its Rust cryptography: makes a room with each peer, plain
// and encrypted, says something as soon as the peer has joined, and waits for the echo.
//   talk.mjs SDK HOMESERVER USER PASSWORD sync|sliding PEER…
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

Promise.withResolvers ??= () => {
  let resolve, reject;
  const promise = new Promise((a, b) => ((resolve = a), (reject = b)));
  return { promise, resolve, reject };
};
const [, , folder, baseUrl, user, password, mode, ...peers] = process.argv;
const require = createRequire(folder + "/");
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const log = console.log;
for (const k of ["log", "info", "debug", "warn", "trace"]) console[k] = () => {};
const sdk = await load("matrix-js-sdk");

const login = await sdk.createClient({ baseUrl }).loginRequest({ type: "m.login.password", identifier: { type: "m.id.user", user }, password });
const client = sdk.createClient({ baseUrl, userId: login.user_id, deviceId: login.device_id, accessToken: login.access_token });
await client.initRustCrypto({ useIndexedDB: false });

const heard = new Set();
const hear = (e) => e.getType() === "m.room.message" && e.getSender() !== login.user_id && heard.add(e.getContent().body);
client.on("Room.timeline", (e) => hear(e));
client.on("Event.decrypted", (e) => hear(e));
const until = async (what, ok) => {
  for (let i = 0; i < 600; i++) {
    if (await ok()) return;
    await new Promise((r) => setTimeout(r, 100));
  }
  throw new Error("waited in vain: " + what);
};
const options = {};
if (mode === "sliding") {
  const { SlidingSync } = await load("matrix-js-sdk/lib/sliding-sync.js");
  const all = { ranges: [[0, 99]], sort: ["by_recency"], timeline_limit: 20, required_state: [["*", "*"]] };
  options.slidingSync = new SlidingSync(baseUrl, new Map([["all", all]]), { timeline_limit: 20, required_state: [["*", "*"]] }, client, 20000);
}
await client.startClient(options);
await new Promise((r) => client.once("sync", r));
for (const peer of peers) {
  for (const how of ["plain", "encrypted"]) {
    const room = { preset: "private_chat", invite: [peer], name: how };
    if (how === "encrypted") room.initial_state = [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }];
    const { room_id } = await client.createRoom(room);
    await until(`${peer} joins`, () => client.getRoom(room_id)?.getMember(peer)?.membership === "join");
    const text = `${mode} ${how} to ${peer}`;
    await client.sendTextMessage(room_id, text);
    await until(`${peer} answers ${how}`, () => heard.has(`echo ${how}: ${text}`));
    log("ok", text);
  }
}
client.stopClient();
process.exit(0);
