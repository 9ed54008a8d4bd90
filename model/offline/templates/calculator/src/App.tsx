import { useValue } from "@matrixos/sdk";
import { App, Button, Columns, Empty, Grid, Input, Item, Key, List, Section, Stack, useKeys } from "@matrixos/ui";
import { useState } from "react";
import { evaluate, tidy } from "./evaluate";

interface Line {
  sum: string;
  result: string;
}

const keys = ["C", "(", ")", "÷", "7", "8", "9", "×", "4", "5", "6", "−", "1", "2", "3", "+", "0", ".", "⌫", "=", "√", "^", "%", "Ans"];
const names: Record<string, string> = { C: "Clear", "÷": "Divide", "×": "Times", "−": "Minus", "+": "Plus", "⌫": "Delete", "=": "Equals", "√": "Square root", "^": "To the power of", "%": "Percent", Ans: "Last result" };

export default function __COMPONENT__() {
  const [sum, setSum] = useState("");
  const [error, setError] = useState("");
  const [tape, setTape] = useValue<Line[]>("tape", []);

  const equals = () => {
    try {
      const result = tidy(evaluate(sum));
      setTape((now) => [{ sum, result }, ...now].slice(0, 100));
      setSum(result);
      setError("");
    } catch (e) {
      setError((e as Error).message);
    }
  };
  const press = (key: string) => {
    setError("");
    if (key === "=") equals();
    else if (key === "C") setSum("");
    else if (key === "⌫") setSum(sum.slice(0, -1));
    else setSum(sum + (key === "Ans" ? (tape[0]?.result ?? "") : key));
  };
  useKeys({ Enter: equals, Escape: () => press("C") });

  return (
    <App title="__TITLE__">
      <Columns min={280}>
        <Stack gap={12}>
          <Input label="Sum" inputMode="decimal" autoFocus value={sum} onChange={(text) => { setSum(text); setError(""); }} />
          <output aria-live="polite">{error || (tape[0] && tape[0].result === sum ? `= ${sum}` : "\u00a0")}</output>
          <Grid columns={4} rows={6} gap={6} label="Keys">
            {keys.map((key) => (
              <Key key={key} label={key} name={names[key]} primary={key === "="} onClick={() => press(key)} />
            ))}
          </Grid>
        </Stack>
        <Section title="Tape" aside={tape.length > 0 && <Button quiet onClick={() => setTape([])}>Clear</Button>}>
          {tape.length === 0 ? (
            <Empty icon="receipt" title="What you work out is kept here." />
          ) : (
            <List>
              {tape.map((line, i) => (
                <Item key={tape.length - i} title={line.sum} value={line.result} onClick={() => setSum(line.result)} />
              ))}
            </List>
          )}
        </Section>
      </Columns>
    </App>
  );
}
