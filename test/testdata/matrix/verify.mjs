// A person on matrix-js-sdk, with its Rust cryptography, who has just signed in where an
// account has an identity already.
//   verify.mjs SDK HOMESERVER USER PASSWORD DEVICE AI            says something, then verifies by emoji
//   verify.mjs SDK HOMESERVER USER PASSWORD DEVICE AI ROOM KEY   reads it with the recovery key
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

Promise.withResolvers ??= () => {
  let resolve, reject;
  const promise = new Promise((a, b) => ((resolve = a), (reject = b)));
  return { promise, resolve, reject };
};
const [, , folder, baseUrl, user, password, home, ai, roomId, recovery] = process.argv;
const require = createRequire(folder + "/");
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const log = console.log;
for (const k of ["log", "info", "debug", "warn", "trace"]) console[k] = () => {};
const sdk = await load("matrix-js-sdk");
const { decodeRecoveryKey } = await load("matrix-js-sdk/lib/crypto-api/index.js");

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const until = async (what, ok) => {
  for (let i = 0; i < 900; i++) {
    if (await ok()) return;
    await new Promise((r) => setTimeout(r, 100));
  }
  throw new Error("waited in vain: " + what);
};
const login = await sdk.createClient({ baseUrl }).loginRequest({ type: "m.login.password", identifier: { type: "m.id.user", user }, password });
const me = login.user_id;
const client = sdk.createClient({
  baseUrl,
  userId: me,
  deviceId: login.device_id,
  accessToken: login.access_token,
  cryptoCallbacks: { getSecretStorageKey: async ({ keys }) => [Object.keys(keys)[0], decodeRecoveryKey(recovery)] },
});
await client.initRustCrypto({ useIndexedDB: false });
await client.startClient({});
await new Promise((r) => client.once("sync", r));
const crypto = client.getCrypto();

const verified = async (who, device) => (await crypto.getDeviceVerificationStatus(who, device))?.crossSigningVerified;
const checks = async () => {
  await crypto.getUserDeviceInfo([me, ai], true);
  await until("the home's device is verified", () => verified(me, home));
  log("ok the home is verified");
  await until("this device is verified", () => verified(me, login.device_id));
  log("ok this device is verified");
};
if (roomId) {
  await until("the identity is known", () => crypto.userHasCrossSigningKeys(me, true));
  await crypto.bootstrapCrossSigning({});
  await crypto.loadSessionBackupPrivateKeyFromSecretStorage();
  await crypto.checkKeyBackupAndEnable();
  await checks();
  const { room_id } = await client.createRoom({ preset: "private_chat", invite: [ai], initial_state: [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }] });
  await until("the AI joins", () => client.getRoom(room_id)?.getMember(ai)?.membership === "join");
  crypto.prepareToEncrypt(client.getRoom(room_id)); // has its keys read
  await until("the AI is verified by way of its owner", async () => (await crypto.getUserVerificationStatus(ai)).isCrossSigningVerified());
  log("ok the AI is verified");
  await crypto.restoreKeyBackup();
  await until("the history is read", async () => {
    const events = client.getRoom(roomId)?.getLiveTimeline().getEvents() ?? [];
    await Promise.all(events.filter((e) => e.isEncrypted()).map((e) => client.decryptEventIfNeeded(e)));
    return events.some((e) => e.getContent().body === "for later");
  });
  log("ok the history is read");
} else {
  const { room_id } = await client.createRoom({ preset: "private_chat", initial_state: [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }] });
  await until("the room is there", () => client.getRoom(room_id)?.hasEncryptionStateEvent());
  await client.sendTextMessage(room_id, "for later");
  log("said " + room_id);
  await lines.next();
  const request = await crypto.requestOwnUserVerification();
  log("asked");
  await until("it is accepted", () => request.phase === 3);
  const verifier = await request.startVerification("m.sas.v1");
  verifier.on("show_sas", async (sas) => {
    log("emoji " + sas.sas.emoji.map((e) => e[0]).join(" "));
    await lines.next();
    await sas.confirm();
  });
  await verifier.verify();
  await until("it is done", () => request.phase === 6);
  await checks();
  await until("the keys have come", async () => (await crypto.getCrossSigningStatus()).privateKeysCachedLocally.masterKey && (await crypto.getSessionBackupPrivateKey()) !== null);
  log("ok the keys have come");
}
client.stopClient();
process.exit(0);
