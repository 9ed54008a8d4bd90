import { formatValue, useValue } from "@matrixos/sdk";
import { App, Columns, Input, Segmented, Slider, Stack, Stat, Stats } from "@matrixos/ui";
import { useState } from "react";

const money = (value: number) => formatValue(value, { name: "money", type: "money" });

export default function __COMPONENT__() {
  const [bill, setBill] = useState("");
  const [tip, setTip] = useValue("tip", 10);
  const [people, setPeople] = useValue("people", 2);
  const amount = Math.max(0, Number(bill.replace(",", ".")) || 0);
  const extra = Math.round(amount * tip) / 100; // whole cents, and half of one counts
  const total = amount + extra;
  return (
    <App title="__TITLE__">
      <Stack gap={24}>
        <Input label="Bill" inputMode="decimal" autoFocus value={bill} onChange={setBill} placeholder="0.00" />
        <Segmented label="Tip" value={String(tip)} options={["0", "5", "10", "15", "20"].map((v) => ({ value: v, label: `${v} %` }))} onChange={(v) => setTip(Number(v))} />
        <Slider label="Tip" value={tip} onChange={setTip} min={0} max={30} unit="%" />
        <Slider label="People" value={people} onChange={setPeople} min={1} max={20} />
        <Columns min={160}>
          <Stats>
            <Stat label="Everyone pays" value={money(total / people)} />
            <Stat label="Tip" value={money(extra)} />
            <Stat label="Together" value={money(total)} />
          </Stats>
        </Columns>
      </Stack>
    </App>
  );
}
