import { useRows, useValue } from "@matrixos/sdk";
import { App, Button, Grid, Icon, Segmented, useNow, useToast } from "@matrixos/ui";
import { count, dig, lay, levels, mark, minesLeft, type Field } from "./field";
import "./style.css";

const ink = ["", "#1f5fa8", "#1f7a4d", "#b3261e", "#5b3fa8", "#8f5b00", "#0f766e", "#5f5c55", "#5f5c55"];
const inkDark = ["", "#8bb8ec", "#5cc994", "#f2867e", "#b7a2f2", "#e3b25b", "#5fc9be", "#a6a299", "#a6a299"];

export default function Minesweeper() {
  return (
    <App title="Minesweeper">
      <Play />
    </App>
  );
}

function Play() {
  const [level, setLevel] = useValue("level", "Easy");
  const [f, set, loaded] = useValue<Field>("field", lay(levels[0]!));
  const [flagging, setFlagging] = useValue("flagging", "Dig");
  const { rows: wins, insert } = useRows("wins", { where: { level }, orderBy: { seconds: "asc" }, limit: 1 });
  useNow(f.state === "playing" ? 500 : null);
  const toast = useToast();
  if (!loaded) return null;
  const seconds = f.state === "ready" ? 0 : Math.floor(((f.state === "playing" ? Date.now() : f.ended) - f.began) / 1000);
  const fresh = (name = level) => {
    setLevel(name);
    set(lay(levels.find((l) => l.name === name)!));
  };
  const step = (next: Field) => {
    if (next === f) return;
    set(next);
    if (next.state === "won" && f.state !== "won") insert({ level: f.name, seconds: Math.floor((next.ended - next.began) / 1000) }).catch((e: Error) => toast(e.message));
  };
  const open = (i: number) => step(dig(f, i, Date.now(), Math.random));
  const flag = (i: number) => step(mark(f, i));
  const over = f.state === "won" || f.state === "lost";
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark";
  const cell = (x: number, y: number) => {
    const i = y * f.columns + x;
    const where = `Column ${x + 1}, row ${y + 1}: `;
    if (f.open[i]) {
      const n = count(f, i);
      return { content: n > 0 ? <span style={{ color: (dark ? inkDark : ink)[n] }}>{n}</span> : "", tone: "flat" as const, label: `${where}${n === 0 ? "nothing near" : n === 1 ? "1 mine near" : `${n} mines near`}` };
    }
    if (f.state === "lost" && f.mine[i] && !f.flag[i]) return { content: <Icon name="bomb" />, tone: i === f.hit ? ("bad" as const) : undefined, label: `${where}a mine` };
    if (f.flag[i]) return { content: <Icon name={f.state === "lost" && !f.mine[i] ? "x" : "flag"} style={{ color: "var(--matrix-destructive)" }} />, label: `${where}${f.state === "lost" && !f.mine[i] ? "no mine was here" : "flag"}` };
    return { content: "", label: `${where}closed` };
  };
  return (
    <div className="mines" style={{ maxWidth: f.columns * 40 }}>
      <p className="score mx-num">Mines <b>{minesLeft(f)}</b><span className="mx-spacer" />Time <b>{seconds} s</b><span className="mx-spacer" />Best <b>{wins[0] ? `${wins[0].seconds} s` : "–"}</b></p>
      <div className="mines-bar">
        <Segmented label="Level" value={f.name} options={levels.map((l) => l.name)} onChange={fresh} />
        <span className="mx-spacer" />
        <Segmented label="A press" value={flagging} options={["Dig", "Flag"]} onChange={setFlagging} />
      </div>
      <Grid columns={f.columns} rows={f.rows} gap={2} label="Field" cell={cell} onCell={(x, y) => (flagging === "Flag" && !f.open[y * f.columns + x] ? flag : open)(y * f.columns + x)} onAlt={(x, y) => flag(y * f.columns + x)} />
      <div className="mines-foot">
        <p role="status">{f.state === "won" ? <b>All found in {seconds} s.</b> : f.state === "lost" ? <b>That was a mine.</b> : <span className="mx-quiet">Right click, a long press or F sets a flag.</span>}</p>
        <span className="mx-spacer" />
        <Button primary={over} onClick={() => fresh()}>New game</Button>
      </div>
    </div>
  );
}
