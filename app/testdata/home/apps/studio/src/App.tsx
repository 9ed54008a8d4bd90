import { useState } from "react";
import { format } from "date-fns";
import clsx from "clsx";
import { Header } from "@/components/Header";
import { Panel } from "~parts/Panel";
import { Gauge } from "./components/Gauge";
import { Legend } from "./components/Legend.js";
import { Stepper } from "./components/Stepper";
import { Notes } from "./components/Notes";
import { Footer } from "./components/Footer";
import { Toolbar } from "./components/Toolbar";
import { Meter } from "./components/Meter";
import { plural } from "../../_shared/words";
import settings from "./settings.json";
import about from "./about.md?raw";
import logo from "./logo.svg";
import logoURL from "./logo.svg?url";

export default function App() {
  const [n, setN] = useState<number>(settings.start);
  return (
    <main className={clsx("page", n > 3 && "many")}>
      <Header logo={logo} title={settings.title} />
      <Toolbar onReset={() => setN(0)} />
      <Panel title="Level">
        <Gauge value={n} />
        <Meter value={n} />
        <Stepper value={n} onChange={setN} />
      </Panel>
      <Legend items={[plural(n, "step"), format(new Date(2026, 10, 23), "d MMM yyyy")]} />
      <Notes text={about} />
      <Footer mode={import.meta.env.MODE} same={logo === logoURL} />
    </main>
  );
}
