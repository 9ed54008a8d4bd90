// The loads of one app window. A newer build loads behind the one on screen and
// takes its place when it has something to show, so the owner never looks at a
// blank sheet; a build that does not compile changes nothing.
import { useCallback, useEffect, useRef, useState, type RefObject } from "react";
import { frameKeys, perform, performFrameKey } from "../../commands/all.ts";
import type { Launch } from "../../protocol/api.ts";
import type { LandingID, PID, Slug } from "../../protocol/wire.ts";
import { api } from "../../session/api.ts";
import { refusalOf, type Refusal } from "../../session/http.ts";
import { onEvent, useSession } from "../../session/store.ts";
import { wholeHandle } from "../../ui/people.ts";
import { frameTheme } from "../../ui/theme.ts";
import type { Guise } from "./guise.ts";
import { context, desk, useDesktop } from "../store.ts";
import { owner } from "../trials/calm.ts";
import { fonts, libraries } from "./libraries.ts";
import { linkFrame, type FrameLink } from "./link.ts";
import { ward, type Ill, type Pulse } from "./pulse.ts";
import { counted, handOver, useRecording } from "./recording.ts";
import { rightsOf, type Rights } from "./rights.ts";

export interface Load {
  id: number;
  launch: Launch;
  ready: boolean;
  compiled: boolean; // else it is the page that says why not
}

export interface AppFault {
  message: string;
  stack: string;
}

/** Wish is what an app asks of the owner: to hand a text to the system, or to read from a host. */
export interface Wish {
  lead: string;
  text: string;
  yes: string;
  decide(yes: boolean): void;
}

const patience = 8000; // a load without a sign of life is shown anyway

export function useLoads(slug: Slug, onTitle: (title: string) => void, guise?: Guise) {
  const app = useSession((s) => s.apps[slug]);
  const reloads = useDesktop((s) => s.reloads[slug] ?? 0);
  const [loads, setLoads] = useState<Load[]>([]);
  const [failure, setFailure] = useState<Refusal | null>(null);
  const [fault, setFault] = useState<AppFault | null>(null);
  const [wish, setWish] = useState<Wish | null>(null);
  const [ill, setIll] = useState<{ id: number; ill: Ill } | null>(null);
  const links = useRef(new Map<number, Open>());
  const last = useRef(0);
  const { at, pid } = guise ?? {};

  const start = useCallback(async function again(): Promise<void> {
    const id = ++last.current;
    try {
      const launch = await launchOf(slug, at, pid);
      if (id !== last.current) return; // a newer one was asked for meanwhile
      setFailure(null);
      setFault(null);
      setLoads((all) => [...all.filter((l) => l.ready).slice(-1), { id, launch, ready: false, compiled: useSession.getState().apps[slug]?.ok ?? true }]);
    } catch (error) {
      if (id !== last.current) return;
      const refusal = refusalOf(error);
      setFailure(refusal);
      // An app with a server of its own is a program on the owner's machine.
      if (refusal.kind === "needs approval") askFor(slug, "server", "wants to run a program of its own", "on this machine, confined to its own folder", setWish).then(again, () => undefined);
    }
  }, [slug, at, pid]);

  // The landing decides: whoever has this build already need not load it again.
  const build = app?.ok && !guise ? app.landing : null;
  const shown = useRef<LandingID | null>(null);
  const seenReloads = useRef(reloads);
  useEffect(() => {
    const again = seenReloads.current !== reloads;
    seenReloads.current = reloads;
    const first = shown.current === null;
    if (build === null && !first && !again) return;
    if (!first && !again && build !== null && shown.current !== null && build <= shown.current) return;
    shown.current = build ?? 0;
    void start();
  }, [build, reloads, start]);

  const markReady = useCallback((id: number) => {
    setLoads((all) => {
      if (!all.some((l) => l.id === id && !l.ready)) return all;
      const kept = all.filter((l) => l.id >= id).map((l) => (l.id === id ? { ...l, ready: true } : l));
      for (const old of all) if (old.id < id) leave(links.current, old.id);
      return kept;
    });
  }, []);

  const attach = useCallback(
    (load: Load, frame: HTMLIFrameElement | null) => {
      if (!frame || links.current.has(load.id)) return;
      const name = useSession.getState().apps[slug]?.name ?? slug;
      const rights = rightsOf(load.launch.capability, async () => {
        if (!links.current.has(load.id)) throw new Error("This window is closed.");
        return (await launchOf(slug, at, pid)).capability;
      });
      const call: Call = async (method, params) => (await rights.run((c) => api.bridge(c, method, params))).value;
      const pulse = ward.watch({
        name,
        ask: (message) => link.push(message),
        onIll: (now) => setIll(now && { id: load.id, ill: now }),
        report: (method, params) => call(method, params).then(() => undefined, () => undefined), // the owner sees it either way
      });
      const link = linkFrame({
        nonce: load.launch.nonce,
        name,
        design: "paper",
        frame: () => frame.contentWindow,
        theme: frameTheme,
        libraries,
        fonts,
        keys: frameKeys,
        onKey: (shortcut) => performFrameKey(shortcut, context()),
        onUsed: owner.noted,
        onDocument: pulse.begin,
        onOver: pulse.over,
        onPulse: pulse.heard,
        onWeight: pulse.weighed,
        recording: () => (!guise && useRecording.getState().now?.slug === slug ? { onSteps: counted, onUse: (what) => void handOver(what) } : null),
        bridge: (method, params) => bridge(call, slug, method, params, setWish),
        onReady: () => markReady(load.id),
        onTitle,
        onError(message, stack) {
          setFault({ message, stack });
          markReady(load.id);
          // Reported to the home as well, where the healer looks; the owner sees it either way.
          call("app.error", { message, stack }).catch(() => undefined);
        },
      });
      links.current.set(load.id, { link, pulse, rights });
      frame.src = load.launch.url;
      setTimeout(() => markReady(load.id), patience);
    },
    [slug, at, pid, guise, markReady, onTitle],
  );

  usePushes(slug, links);
  useEndOfRecording(slug, links);
  useProgress(pid, start);
  useEffect(() => {
    const all = links.current;
    return () => {
      for (const id of [...all.keys()]) end(all, id);
    };
  }, []);

  // The window that does not answer goes first: where windows share a process, the next
  // one would wait for it.
  const startAnew = useCallback(() => {
    for (const id of [...links.current.keys()]) end(links.current, id);
    setLoads([]);
    setIll(null);
    void start();
  }, [start]);
  const patient = useCallback(() => ill && links.current.get(ill.id)?.pulse.patient(), [ill]);
  const now = ill && loads.some((l) => l.id === ill.id) ? ill.ill : null;

  return { app, loads, failure, fault, wish, ill: now, attach, start, startAnew, patient, dismissFault: () => setFault(null) };
}

const settle = 500; // after a write, until the preview follows

// A preview follows what its process writes.
function useProgress(pid: PID | undefined, start: () => Promise<void>): void {
  useEffect(() => {
    if (pid === undefined) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const off = onEvent((e) => {
      if (e.kind !== "result" || e.pid !== pid || e.data.failed || !/^(Write|Edit)$/.test(e.data.name)) return;
      clearTimeout(timer);
      timer = setTimeout(() => void start(), settle);
    });
    return () => {
      clearTimeout(timer);
      off();
    };
  }, [pid, start]);
}

interface Open {
  link: FrameLink;
  pulse: Pulse;
  rights: Rights;
}

type Call = (method: string, params: unknown) => Promise<unknown>;

const launchOf = (slug: Slug, at?: LandingID, pid?: PID): Promise<Launch> => api.launch(slug, at !== undefined ? { at: `L${at}` } : { preview_pid: pid });

// A load that is gone gives up its rights; should that not arrive, they end with the session.
function leave(links: Map<number, Open>, id: number): void {
  const open = links.get(id);
  if (!open) return;
  links.delete(id);
  open.pulse.end();
  open.link.close();
  api.leave(open.rights.capability).catch(() => undefined);
}

// The same of one that the owner ends; what did not answer is reported before it has no rights.
function end(links: Map<number, Open>, id: number): void {
  void links.get(id)?.pulse.givenUp().then(() => leave(links, id));
}

// Data changes and themes go to the frame as they happen.
function usePushes(slug: Slug, links: RefObject<Map<number, Open>>): void {
  const theme = useSession((s) => s.theme);
  useEffect(() => {
    const push = (message: object) => {
      for (const { link } of links.current.values()) link.push(message);
    };
    const tell = () => requestAnimationFrame(() => push({ type: "theme", theme: frameTheme() }));
    tell();
    const system = matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", tell);
    const off = onEvent((e) => {
      if (e.kind === "data" && e.data.app === slug) push({ type: "data", table: e.data.table, key: e.data.key, room: e.data.room, app: e.data.app });
    });
    return () => {
      system.removeEventListener("change", tell);
      off();
    };
  }, [slug, theme, links]);
}

// When the owner is done, the window is asked for what was done in it.
function useEndOfRecording(slug: Slug, links: RefObject<Map<number, Open>>): void {
  const over = useRecording((s) => s.now?.slug !== slug || s.now.phase !== "recording");
  useEffect(() => {
    if (over) for (const { link } of links.current.values()) link.push({ type: "record", on: false });
  }, [over, links]);
}

// A few methods are the desktop's own; everything else goes to the server under
// the capability of this very load.
async function bridge(call: Call, slug: Slug, method: string, params: unknown, setWish: (w: Wish | null) => void): Promise<unknown> {
  const p = (params ?? {}) as Record<string, unknown>;
  switch (method) {
    case "openApp": {
      const name = String(p.name ?? p.app ?? p.slug ?? "");
      const { apps } = useSession.getState();
      const found = apps[name] ?? Object.values(apps).find((a) => a.name === name);
      if (!found) throw new Error(`There is no app named ${name}.`);
      desk.openApp(found.slug);
      return null;
    }
    case "navigate": {
      const route = String(p.route ?? "").replace(/^\//, "");
      if (useDesktop.getState().programs.some((x) => x.name === route)) perform(`go.${route}`, context());
      else throw new Error(`There is no place named ${route}.`);
      return null;
    }
    case "generate": {
      const text = String(p.context ?? p.prompt ?? p.text ?? "").trim().slice(0, 4000);
      if (!text) throw new Error("generate needs a text.");
      return new Promise((resolve, reject) => {
        setWish({
          lead: "wants to ask the system:",
          text,
          yes: "Ask it",
          decide(yes) {
            setWish(null);
            if (!yes) return reject(new Error("The owner said no."));
            api.ask({ text, app: slug }).then((t) => resolve({ conversation: t.conversation }), reject);
          },
        });
      });
    }
    case "proxyFetch":
      try {
        return await call(method, params);
      } catch (error) {
        if (refusalOf(error).kind !== "needs approval") throw error;
        const host = new URL(String(p.url)).host;
        await askFor(slug, `net:${host}`, "wants to read from", host, setWish);
        return await call(method, params);
      }
    case "service":
      try {
        return await call(method, params);
      } catch (error) {
        if (refusalOf(error).kind !== "needs approval") throw error;
        const name = String(p.service);
        await askFor(slug, `service:${name}`, "wants to use, with your key, the service", name, setWish);
        return await call(method, params);
      }
    default:
      if (method.startsWith("room.")) return share(call, slug, method, p, setWish);
      return await call(method, params);
  }
}

// An app shares with others once its owner allows it, and invites nobody without them.
async function share(call: Call, slug: Slug, method: string, p: Record<string, unknown>, setWish: (w: Wish | null) => void): Promise<unknown> {
  if (method === "room.act" && p.action === "invite") {
    const who = wholeHandle(String(p.who ?? "").slice(0, 255), useSession.getState().me?.handle ?? "");
    p = { ...p, who };
    await new Promise<void>((resolve, reject) => {
      setWish({
        lead: "wants to invite, in your name:",
        text: who,
        yes: "Invite",
        decide(yes) {
          setWish(null);
          return yes ? resolve() : reject(new Error(`You have not invited ${who}.`));
        },
      });
    });
  }
  try {
    return await call(method, p);
  } catch (error) {
    if (refusalOf(error).kind !== "needs approval") throw error;
    await askFor(slug, "room", "wants to share with other people:", "what you do in it goes, under your handle, to those whom you invite and whose invitations you accept.", setWish, "You have not allowed it to share.");
    return call(method, p);
  }
}

// The owner says yes to a host or a service once; the launcher takes it back.
function askFor(slug: Slug, permission: string, lead: string, text: string, setWish: (w: Wish | null) => void, no = `You have not allowed it: ${text}.`): Promise<void> {
  return new Promise((resolve, reject) => {
    setWish({
      lead,
      text,
      yes: "Allow",
      decide(yes) {
        setWish(null);
        if (!yes) return reject(new Error(no));
        api.grant(slug, permission, true).then(resolve, reject);
      },
    });
  });
}
