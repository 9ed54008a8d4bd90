import { locale, useRows, useValue } from "@matrixos/sdk";
import { App, Button, Item, Key, List, Section, Segmented, useKeys, useToast, useWidth } from "@matrixos/ui";
import { Fragment, useRef, useState } from "react";
import { reckon, show } from "./reckon";
import "./style.css";

type Pad = [label: string, text: string, name?: string];
const more: Pad[] = [["sin", "sin(", "sine"], ["cos", "cos(", "cosine"], ["tan", "tan(", "tangent"], ["ln", "ln(", "natural logarithm"], ["log", "log(", "logarithm"], ["π", "π", "pi"], ["x²", "²", "squared"], ["xʸ", "^", "to the power of"], ["√", "√(", "square root"], ["n!", "!", "factorial"], ["mod", " mod ", "remainder"], ["Ans", "ans", "last result"]];
const rows: Pad[][] = [
  [["7", "7"], ["8", "8"], ["9", "9"], ["÷", " ÷ ", "divided by"]],
  [["4", "4"], ["5", "5"], ["6", "6"], ["×", " × ", "times"]],
  [["1", "1"], ["2", "2"], ["3", "3"], ["−", " − ", "minus"], ["(", "("]],
  [["0", "0"], [".", ".", "point"], ["%", "%", "percent"], ["+", " + ", "plus"], [")", ")"]],
];

export default function Calculator() {
  return (
    <App title="Calculator">
      <Desk />
    </App>
  );
}

function Desk() {
  const { rows: past, insert, remove } = useRows("sums", { orderBy: { created_at: "desc" }, limit: 100 });
  const [angle, setAngle] = useValue("angle", "Degrees");
  const [text, setText] = useState("");
  const [said, setSaid] = useState("");
  const [fresh, setFresh] = useState(false); // a result stands there: a figure begins anew, a sign goes on
  const [ref, width] = useWidth<HTMLDivElement>();
  const input = useRef<HTMLInputElement>(null);
  const toast = useToast();
  const options = { degrees: angle === "Degrees", answer: Number(past[0]?.result ?? 0) };
  const guess = /[-+*/^%!²³√×÷−]|\p{L}/u.test(text.trim().slice(1)) ? quietly(text, options) : null;
  const put = (t: string) => {
    const el = input.current;
    const anew = fresh && /^[\d.(√\p{L}]/u.test(t);
    const [from, to] = anew ? [0, text.length] : [el?.selectionStart ?? text.length, el?.selectionEnd ?? text.length];
    change(text.slice(0, from) + t + text.slice(to));
    requestAnimationFrame(() => el?.setSelectionRange(from + t.length, from + t.length));
  };
  const change = (t: string) => {
    setText(t);
    setSaid("");
    setFresh(false);
  };
  const back = () => change(fresh ? "" : text.trimEnd().slice(0, -1));
  const equals = () => {
    if (!text.trim()) return;
    try {
      const value = reckon(text, options);
      insert({ text: text.trim(), result: String(value) }).catch((e: Error) => toast(e.message));
      setText(show(value, locale(), true));
      setSaid(`${text.trim()} =`);
      setFresh(true);
    } catch (e) {
      setSaid((e as Error).message);
    }
  };
  useKeys({ Enter: equals, "=": equals, Escape: () => change(""), Backspace: back, "*": () => put(" × "), "/": () => put(" ÷ "), "-": () => put(" − "), "+": () => put(" + "), ",": () => put("."), ...Object.fromEntries([..."0123456789.()%^!"].map((c) => [c, () => put(c)])) });
  const clear = () => {
    const all = past.map(({ text: t, result }) => ({ text: t, result }));
    Promise.all(past.map((r) => remove(r.id))).then(() => toast("The list is empty.", { label: "Undo", run: () => void all.reverse().reduce((p, r) => p.then(() => insert(r)).then(() => undefined), Promise.resolve()) }), (e: Error) => toast(e.message));
  };
  return (
    <div className="desk" ref={ref} data-wide={width >= 640 ? "" : undefined}>
      <div className="machine">
        <div className="sheet">
          <p className="mx-small mx-quiet" role="status">{said || (guess === null ? "\u00a0" : `= ${show(guess, locale())}`)}</p>
          <input ref={input} className="mx-num" aria-label="Sum" inputMode="none" placeholder="0" value={text} onChange={(e) => change(e.target.value)} onKeyDown={(e) => (e.key === "Enter" || e.key === "=" ? (e.preventDefault(), equals()) : e.key === "Escape" ? change("") : undefined)} autoFocus autoComplete="off" spellCheck={false} />
        </div>
        <div className="keys more">{more.map(([label, t, name]) => <Key key={label} label={label} name={name} onClick={() => put(t)} />)}</div>
        <div className="keys">
          {rows.map((row, i) => (
            <Fragment key={i}>
              {row.map(([label, t, name]) => <Key key={label} label={label} name={name} onClick={() => put(t)} />)}
              {i === 0 && <Key label="C" name="Clear" onClick={() => change("")} />}
              {i === 1 && <Key label="⌫" name="Delete the last" onClick={back} />}
            </Fragment>
          ))}
        </div>
        <div className="keys last">
          <Segmented label="Angles" value={angle} options={["Degrees", "Radians"]} onChange={setAngle} />
          <Key label="=" name="Equals" primary onClick={equals} />
        </div>
      </div>
      <div className="past">
        <Section title="Before" aside={past.length > 0 && <Button quiet onClick={clear}>Clear</Button>}>
          {past.length === 0 ? <p className="mx-quiet">What you reckon stands here, and can be used again.</p> : (
            <List>{past.map((r) => <Item key={r.id} title={show(Number(r.result), locale())} subtitle={r.text} onClick={() => put(show(Number(r.result), locale(), true))} />)}</List>
          )}
        </Section>
      </div>
    </div>
  );
}

function quietly(text: string, options: { degrees: boolean; answer: number }): number | null {
  try {
    return reckon(text, options);
  } catch {
    return null; // it is not finished yet; Enter says what is missing
  }
}
