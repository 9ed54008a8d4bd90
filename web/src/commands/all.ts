// The commands of the desktop, in the order in which the palette lists them.
import {
  Activity, AppWindow, Archive, ArchiveRestore, Brain, CalendarClock, CirclePlay, Coins, Columns2, Download, FlaskConical, Folder, Handshake, HeartPulse, History, Keyboard, LayoutGrid, ListChecks, Maximize2, MessageSquarePlus, MessageSquareText, MessagesSquare, Minus, Monitor, Moon,
  OctagonX, PanelLeft, PanelRight, RotateCw, Search, Settings, Sun, Trash2, Undo2, Upload, Users, Wrench, X,
} from "lucide-react";
import type { AppInfo } from "../protocol/wire.ts";
import { api } from "../session/api.ts";
import { moveDeal, verifyDeal, type Act } from "../session/deals.ts";
import { block } from "../session/people.ts";
import { showAgreements, showRoom, talkTo } from "../session/rooms.ts";
import { showPerson, showPost } from "../session/social.ts";
import { ask, attempt, changeTheme, decideRepair, goOnAll, lookForFaults, notify, showConversation, stopAll, undo } from "../session/store.ts";
import { ended } from "../session/chat.ts";
import { repairText, unwell } from "../session/state.ts";
import { reportWords } from "../ui/level.ts";
import { backUpApp, exportEntries, importEntries, importOthers, restoreApp } from "./data.ts";
import { plain, type Command, type Context, type Place } from "./registry.ts";

const hasWindow = (c: Context) => c.desk.focused() !== null;
const hasApp = (c: Context) => c.desk.focusedApp() !== null;

function go(name: string, label: string, icon: Command["icon"], key?: string): Command {
  return { name: `go.${name}`, label, group: "Go to", icon, key, perform: (c, arg) => c.desk.openProgram(name, arg) };
}

function place(where: Place, label: string, icon: Command["icon"], key: string): Command {
  return {
    name: `window.${where}`, label, group: "Window", icon, key, when: hasWindow,
    perform: (c) => {
      const id = c.desk.focused();
      if (id) c.desk.placeWindow(id, where);
    },
  };
}

// A move of the owner's in an agreement, from where that is shown: with its id, and a time or words.
function move(act: Act, label: string): Command {
  return {
    name: `deal.${act}`, label, group: "Go to", icon: Handshake, when: () => false,
    perform: (_c, arg = "") => {
      const [id = "", ...rest] = arg.split(" ");
      return moveDeal(id, act, rest.join(" "));
    },
  };
}

function withApp(c: Context, slug: string, then: (app: AppInfo) => Promise<void>): Promise<void> | undefined {
  const app = c.state.apps[slug];
  return app && then(app);
}

const running = (c: Context) => Object.values(c.state.processes).some((p) => !ended(p) && p.state !== "parked");

export const commands: readonly Command[] = [
  {
    name: "ask.new", label: "New conversation", group: "Ask", icon: MessageSquarePlus, key: "Mod+Shift+O",
    perform: async (c) => {
      await showConversation(null);
      c.desk.openProgram("chat");
    },
  },
  { ...go("chat", "Ask", MessageSquareText, "Mod+J"), group: "Ask" },
  {
    name: "ask.stop", label: "Stop everything that runs", group: "Ask", icon: OctagonX, key: "Mod+.", when: (c) => !c.state.me?.stopped && running(c), perform: stopAll,
  },
  { name: "ask.go-on", label: "Let everything go on", group: "Ask", icon: CirclePlay, when: (c) => c.state.me?.stopped ?? false, perform: goOnAll },
  {
    name: "ask.show", label: "Show a conversation", group: "Ask", icon: MessageSquareText, when: () => false, // from lists, with its id
    perform: async (c, id) => {
      if (!id) return;
      await showConversation(id);
      c.desk.openProgram("chat");
    },
  },
  {
    name: "go.launcher", label: "All apps", group: "Go to", icon: LayoutGrid, key: "Alt+A",
    perform: (c) => c.desk.show("launcher"),
  },
  { name: "go.palette", label: "Find anything", group: "Go to", icon: Search, key: "Mod+K", perform: (c) => c.desk.show("palette") },
  go("messages", "Messages", MessagesSquare),
  {
    name: "messages.open", label: "Open room", group: "Go to", icon: MessagesSquare, when: () => false, // from notices and the palette, with its id
    perform: (c, room) => {
      showRoom(room ?? null);
      c.desk.openProgram("messages");
    },
  },
  {
    name: "messages.to", label: "Message somebody", group: "Go to", icon: MessagesSquare, when: () => false, // from the palette, with a handle
    perform: async (c, who) => {
      c.desk.openProgram("messages");
      if (who) await talkTo(who);
    },
  },
  {
    name: "messages.agreements", label: "Agreements", group: "Go to", icon: Handshake,
    perform: (c, deal) => {
      showAgreements(deal);
      c.desk.openProgram("messages");
    },
  },
  move("accept", "Accept an offer"),
  move("decline", "Decline an offer"),
  move("counter", "Suggest something else"),
  move("answer", "Answer a question"),
  move("deliver", "Hand over a task"),
  move("withdraw", "Take an offer back"),
  move("cancel", "Call an agreement off"),
  {
    name: "deal.verify", label: "Check the signatures of an agreement", group: "Go to", icon: Handshake, when: () => false, // with its id
    perform: (_c, id) => (id ? verifyDeal(id) : undefined),
  },
  go("social", "Social", Users),
  {
    name: "social.post", label: "Show a post", group: "Go to", icon: Users, when: () => false, // from notices, with its id
    perform: (c, id) => {
      showPost(id ?? null);
      c.desk.openProgram("social");
    },
  },
  {
    name: "social.person", label: "Show somebody", group: "Go to", icon: Users, when: () => false, // with a handle
    perform: (c, who) => {
      if (who) showPerson(who);
      c.desk.openProgram("social");
    },
  },
  {
    name: "people.unblock", label: "Unblock somebody", group: "Go to", icon: Users, when: () => false, // with a handle
    perform: async (_c, who) => {
      if (who) await block(who, false);
    },
  },
  go("activity", "Activity", Activity),
  go("history", "History", History, "Mod+H"),
  go("files", "Files", Folder),
  go("mind", "Mind", Brain),
  { ...go("activity", "Schedule", CalendarClock), name: "go.schedule", perform: (c) => c.desk.openProgram("activity", "schedule") },
  { ...go("activity", "Spending", Coins), name: "go.spending", perform: (c) => c.desk.openProgram("activity", "spending") },
  { ...go("activity", "Repairs", HeartPulse), name: "go.repairs", perform: (c) => c.desk.openProgram("activity", "repairs") },
  go("settings", "Settings", Settings, "Mod+,"),
  { name: "go.desk", label: "Show the desk", group: "Go to", icon: Monitor, key: "Alt+D", perform: (c) => c.desk.showDesk() },
  { name: "go.shortcuts", label: "Shortcuts", group: "Go to", icon: Keyboard, key: "?", perform: (c) => c.desk.show("shortcuts") },

  { name: "window.cycle", label: "Next window", group: "Window", icon: Columns2, key: "Alt+`", when: hasWindow, perform: (c) => c.desk.cycleWindows() },
  {
    name: "window.close", label: "Close window", group: "Window", icon: X, key: "Alt+W", when: hasWindow,
    perform: (c) => {
      const id = c.desk.focused();
      if (id) c.desk.closeWindow(id);
    },
  },
  {
    name: "window.minimise", label: "Put window away", group: "Window", icon: Minus, key: "Alt+M", when: hasWindow,
    perform: (c) => {
      const id = c.desk.focused();
      if (id) c.desk.minimiseWindow(id);
    },
  },
  place("max", "Fill the screen", Maximize2, "Alt+ArrowUp"),
  place("left", "Left half", PanelLeft, "Alt+ArrowLeft"),
  place("right", "Right half", PanelRight, "Alt+ArrowRight"),

  {
    name: "app.open", label: "Open app", group: "App", icon: AppWindow, when: () => false, // from menus and the palette's own list, with a slug
    perform: (c, slug) => {
      if (slug) c.desk.openApp(slug);
    },
  },
  {
    name: "app.past", label: "Look at an app as it was", group: "App", icon: History, when: () => false, // from the history, with slug@landing
    perform: (c, arg = "") => {
      const [slug, at] = arg.split("@");
      if (slug && Number(at) > 0) c.desk.openPast(slug, Number(at));
    },
  },
  {
    name: "app.preview", label: "Look at an app that is being made", group: "App", icon: AppWindow, when: () => false, // from the chat, with slug@process
    perform: (c, arg = "") => {
      const [slug, pid] = arg.split("@");
      if (slug && Number(pid) > 0) c.desk.openPreview(slug, Number(pid));
    },
  },
  {
    name: "app.reload", label: "Start this app again", group: "App", icon: RotateCw, key: "Alt+R", when: hasApp,
    perform: (c, slug = c.desk.focusedApp() ?? "") => c.desk.reloadApp(slug),
  },
  {
    name: "app.remember", label: "Remember this: show what the app has to do", group: "App", icon: ListChecks, key: "Alt+Shift+R", when: hasApp,
    perform: (c, slug = c.desk.focusedApp() ?? "") => c.desk.remember(slug),
  },
  {
    name: "app.agree", label: "Agree on what this app must do", group: "App", icon: Handshake, when: (c) => hasApp(c) && c.state.apps[c.desk.focusedApp() ?? ""]?.contract !== true,
    perform: async (c, slug = c.desk.focusedApp() ?? "") => {
      if (c.state.me?.model.id === "offline") return c.desk.remember(slug); // it cannot ask about an app that it has not made; the owner can show it
      c.desk.openProgram("chat");
      await ask(`The app ${c.state.apps[slug]?.name ?? slug} has no contract. Read it, ask me what is open, and write down what it must do.`, { app: slug });
    },
  },
  {
    name: "app.check", label: "Try whether this app does what it must", group: "App", icon: FlaskConical, when: hasApp,
    perform: async (c, slug = c.desk.focusedApp() ?? "") => {
      const name = c.state.apps[slug]?.name ?? slug;
      const r = await attempt(`${name} could not be tried`, () => api.checkApp(slug));
      if (r) notify({ level: r.green ? "info" : "error", app: slug, ...reportWords(name, r, c.state.apps[slug]?.strength) });
    },
  },
  {
    name: "app.repair", label: "Ask to repair this app", group: "App", icon: Wrench, when: hasApp,
    perform: async (c, slug = c.desk.focusedApp() ?? "") => {
      c.desk.openProgram("chat");
      await ask(repairText(c.state.apps[slug]?.name ?? slug, unwell(c.state.heals, slug)), { app: slug });
    },
  },
  {
    name: "heal.now", label: "Look for what is broken, and mend it", group: "System", icon: HeartPulse,
    perform: (c) => {
      c.desk.openProgram("activity", "repairs");
      void lookForFaults();
    },
  },
  {
    name: "heal.accept", label: "Carry out a repair", group: "System", icon: HeartPulse, when: () => false, // from where it is shown
    perform: (_c, id = "") => decideRepair(Number(id), "repair"),
  },
  {
    name: "heal.leave", label: "Leave it as it is", group: "System", icon: HeartPulse, when: () => false,
    perform: (_c, id = "") => decideRepair(Number(id), "leave"),
  },
  {
    name: "app.export", label: "Export its entries", group: "App", icon: Download, when: hasApp,
    perform: (c, slug = c.desk.focusedApp() ?? "") => withApp(c, slug, exportEntries),
  },
  {
    name: "app.import", label: "Import entries from a file", group: "App", icon: Upload, when: hasApp,
    perform: (c, slug = c.desk.focusedApp() ?? "") => withApp(c, slug, importEntries),
  },
  {
    name: "app.import.others", label: "Import all but the rows that break a rule", group: "App", icon: Upload, when: () => false, // from where they are named
    perform: () => importOthers(),
  },
  {
    name: "app.backup", label: "Back up this app", group: "App", icon: Archive, when: hasApp,
    perform: (c, slug = c.desk.focusedApp() ?? "") => withApp(c, slug, backUpApp),
  },
  { name: "app.restore", label: "Restore an app from a backup", group: "App", icon: ArchiveRestore, perform: () => restoreApp() },
  {
    name: "app.remove", label: "Remove this app", group: "App", icon: Trash2, when: hasApp,
    perform: async (c, slug = c.desk.focusedApp() ?? "") => {
      const name = c.state.apps[slug]?.name ?? slug;
      const done = await attempt(`${name} was not removed`, () => api.removeApp(slug).then(() => true));
      if (done) notify({ level: "info", title: `${name} is removed`, text: "Its data is kept. Undo brings the app back.", action: { label: "Show history", command: "go.history" } });
    },
  },

  { name: "look.light", label: "Light", group: "Look", icon: Sun, perform: () => changeTheme({ mode: "light" }) },
  { name: "look.dark", label: "Dark", group: "Look", icon: Moon, perform: () => changeTheme({ mode: "dark" }) },
  { name: "look.system", label: "Light or dark as the system has it", group: "Look", icon: Monitor, perform: () => changeTheme({ mode: "system" }) },
  {
    name: "history.undo", label: "Undo the newest change", group: "System", icon: Undo2, when: (c) => newest(c) !== undefined,
    perform: async (c, arg) => {
      const id = arg ? Number(arg) : newest(c)?.id;
      const title = c.state.landings.find((l) => l.id === id)?.title;
      if (id && !(await undo(id))) notify({ level: "info", title: title ? `Undone: ${title}` : `L${id} is undone`, action: { label: "Show history", command: "go.history" } });
    },
  },
];

function newest(c: Context) {
  return c.state.landings.find((l) => l.kind === "agent" && !l.undone_by);
}

/** perform runs a command by name; unknown names are a mistake of ours. */
export function perform(name: string, c: Context, arg?: string): void {
  const command = commands.find((x) => x.name === name);
  if (!command) throw new Error(`no command is named ${name}`);
  void command.perform(c, arg);
}

const fromFrames = commands.filter((x) => x.key && !plain(x.key) && (x.group === "Go to" || x.group === "Window" || x.name === "go.chat"));

/** frameKeys are the shortcuts that work while an app has the keyboard: those that change nothing. */
export const frameKeys: readonly string[] = fromFrames.map((x) => x.key!);

/** performFrameKey does what one of frameKeys stands for. */
export function performFrameKey(shortcut: string, c: Context): void {
  const command = fromFrames.find((x) => x.key === shortcut && (x.when?.(c) ?? true));
  if (command) void command.perform(c);
}
