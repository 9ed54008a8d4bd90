import { locale, useRows } from "@matrixos/sdk";
import { App, Button, Dialog, Empty, IconButton, Input, Item, List, Section, Tabs, useNow, useToast } from "@matrixos/ui";
import { useMemo, useState } from "react";
import { Stopwatch } from "./Stopwatch";
import { Timer } from "./Timer";
import { ahead, nameOf, offset } from "./time";
import "./style.css";

const here = Intl.DateTimeFormat().resolvedOptions().timeZone;

export default function Clock() {
  return (
    <App title="Clock">
      <Tabs labels={["World", "Timer", "Stopwatch"]}>
        <World />
        <Timer />
        <Stopwatch />
      </Tabs>
    </App>
  );
}

function World() {
  const { rows, insert, remove } = useRows("cities", { orderBy: { created_at: "asc" } });
  const [adding, setAdding] = useState(false);
  const now = useNow(1000);
  const toast = useToast();
  const in24 = (zone: string, seconds = false) => new Intl.DateTimeFormat(locale(), { timeZone: zone, hour: "numeric", minute: "2-digit", ...(seconds ? { second: "2-digit" } : {}) }).format(now);
  const dayIn = (zone: string) => new Intl.DateTimeFormat(locale(), { timeZone: zone, weekday: "long" }).format(now);
  const known = rows.filter((r) => isZone(String(r.zone)));
  const drop = (id: string, city: { name: string; zone: string }) => remove(id).then(() => toast(`${city.name} removed.`, { label: "Undo", run: () => void insert({ id, ...city }) }), (e: Error) => toast(e.message));
  return (
    <Section>
      <div className="face">
        <p className="face-time mx-num">{in24(here, true)}</p>
        <p className="mx-quiet">{new Intl.DateTimeFormat(locale(), { dateStyle: "full" }).format(now)}, {nameOf(here)}</p>
      </div>
      <Section title="Elsewhere" aside={<Button icon="plus" onClick={() => setAdding(true)}>Add place</Button>}>
        {known.length === 0 ? <Empty title="Add the places where your people live." /> : (
          <List>
            {[...known].sort((a, b) => offset(a.zone, now) - offset(b.zone, now)).map((r) => (
              <Item key={r.id} title={r.name} subtitle={`${dayIn(r.zone)}, ${ahead(r.zone, here, now)}`} value={<span className="elsewhere">{in24(r.zone)}</span>} trailing={<IconButton icon="x" label={`Remove ${r.name}`} onClick={() => drop(r.id, { name: r.name, zone: r.zone })} />} />
            ))}
          </List>
        )}
      </Section>
      <Places open={adding} onClose={() => setAdding(false)} onChoose={(zone) => { setAdding(false); insert({ name: nameOf(zone), zone }).catch((e: Error) => toast(e.message)); }} />
    </Section>
  );
}

// A browser knows more names than it lists, such as Asia/Kolkata.
function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }) !== null;
  } catch {
    return false;
  }
}

let all: string[] | undefined;
const zones = () => (all ??= Intl.supportedValuesOf("timeZone"));

function Places({ open, onClose, onChoose }: { open: boolean; onClose: () => void; onChoose: (zone: string) => void }) {
  const [text, setText] = useState("");
  const found = useMemo(() => {
    const words = text.toLowerCase().trim();
    return zones().filter((z) => z.includes("/") && z.toLowerCase().replaceAll("_", " ").includes(words)).sort((a, b) => Number(!nameOf(a).toLowerCase().startsWith(words)) - Number(!nameOf(b).toLowerCase().startsWith(words)) || nameOf(a).localeCompare(nameOf(b))).slice(0, 40);
  }, [text]);
  return (
    <Dialog open={open} title="Add place" onClose={onClose}>
      <Input type="search" aria-label="Search places" placeholder="Tokyo" value={text} onChange={setText} autoFocus onKeyDown={(e) => e.key === "Enter" && found[0] && onChoose(found[0])} />
      <div className="places">
        {found.length === 0 ? <Empty title="No place of that name is known. Try the largest city near it." /> : <List>{found.map((z) => <Item key={z} title={nameOf(z)} subtitle={z.split("/").slice(0, -1).join(", ").replaceAll("_", " ")} onClick={() => onChoose(z)} />)}</List>}
      </div>
    </Dialog>
  );
}
