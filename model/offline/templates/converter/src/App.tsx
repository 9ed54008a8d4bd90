import { useValue } from "@matrixos/sdk";
import { App, Button, Columns, IconButton, Input, Item, List, Section, Select, Stack, Stat, Stats } from "@matrixos/ui";
import { useState } from "react";
import factors from "./units.json";

const units = factors as Record<string, Record<string, number>>;
const temperatures = ["°C", "°F", "K"];

interface Choice {
  kind: string;
  from: string;
  to: string;
  amount: string;
}

/** Rates say what one unit of a currency is worth in the first one; the owner sets them. */
type Rates = Record<string, number>;
const firstRates: Rates = { EUR: 1 };

function toKelvin(value: number, unit: string): number {
  return unit === "°C" ? value + 273.15 : unit === "°F" ? ((value - 32) * 5) / 9 + 273.15 : value;
}
function fromKelvin(value: number, unit: string): number {
  return unit === "°C" ? value - 273.15 : unit === "°F" ? ((value - 273.15) * 9) / 5 + 32 : value;
}

function convert(choice: Choice, rates: Rates): number | null {
  const amount = Number(choice.amount.replace(",", "."));
  if (choice.amount.trim() === "" || !Number.isFinite(amount)) return null;
  if (choice.kind === "Temperature") return fromKelvin(toKelvin(amount, choice.from), choice.to);
  const table = choice.kind === "Money" ? rates : units[choice.kind]!;
  const [from, to] = [table[choice.from], table[choice.to]];
  return from === undefined || to === undefined || to === 0 ? null : (amount * from) / to;
}

const namesOf = (kind: string, rates: Rates) => (kind === "Temperature" ? temperatures : Object.keys(kind === "Money" ? rates : units[kind]!));

export default function __COMPONENT__() {
  const [choice, setChoice] = useValue<Choice>("choice", { kind: "Length", from: "km", to: "mile", amount: "1" });
  const [rates, setRates] = useValue<Rates>("rates", firstRates);
  const [code, setCode] = useState("");
  const [rate, setRate] = useState("");
  const base = Object.keys(rates)[0]!;
  const names = namesOf(choice.kind, rates);
  const result = convert(choice, rates);

  const pick = (kind: string) => {
    const [from, to] = namesOf(kind, rates);
    setChoice({ ...choice, kind, from: from!, to: to ?? from! });
  };
  const addRate = () => {
    const value = Number(rate.replace(",", "."));
    const name = code.trim().toUpperCase();
    if (!name || !(value > 0) || name === base) return;
    setRates({ ...rates, [name]: value });
    setCode("");
    setRate("");
  };
  const dropRate = (name: string) => {
    setRates(Object.fromEntries(Object.entries(rates).filter(([n]) => n !== name)));
    setChoice({ ...choice, from: choice.from === name ? base : choice.from, to: choice.to === name ? base : choice.to });
  };

  return (
    <App title="__TITLE__">
      <Stack gap={24}>
        <Columns min={160}>
          <Select label="What" value={choice.kind} options={[...Object.keys(units), "Temperature", "Money"]} onChange={pick} />
          <Input label="Amount" inputMode="decimal" value={choice.amount} onChange={(amount) => setChoice({ ...choice, amount })} />
          <Select label="From" value={choice.from} options={names} onChange={(from) => setChoice({ ...choice, from })} />
          <Select label="To" value={choice.to} options={names} onChange={(to) => setChoice({ ...choice, to })} />
        </Columns>
        <Stack row gap={16}>
          <Stats>
            <Stat label={`${choice.amount || "0"} ${choice.from} is`} value={result === null ? "–" : `${Number(result.toPrecision(8))} ${choice.to}`} />
          </Stats>
          <Button icon="arrow-left-right" onClick={() => setChoice({ ...choice, from: choice.to, to: choice.from })}>Swap</Button>
        </Stack>
        {choice.kind === "Money" && (
          <Section title={`Your rates, in ${base}`}>
            <Stack gap={12}>
              <List>
                {Object.entries(rates).map(([name, value]) => (
                  <Item key={name} title={name} value={`1 ${name} = ${value} ${base}`} trailing={name === base ? undefined : <IconButton icon="trash-2" label={`Delete ${name}`} onClick={() => dropRate(name)} />} />
                ))}
              </List>
              <Columns min={140}>
                <Input label="Currency" placeholder="USD" value={code} onChange={setCode} />
                <Input label={`1 of it in ${base}`} inputMode="decimal" placeholder="0.92" value={rate} onChange={setRate} />
              </Columns>
              <Button icon="plus" onClick={addRate}>Set rate</Button>
            </Stack>
          </Section>
        )}
      </Stack>
    </App>
  );
}
