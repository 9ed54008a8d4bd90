import { createRoot } from "react-dom/client";
import { useEffect, useState } from "react";

const os = (window as any).MatrixOS;

function useTheme() {
  const [theme, setTheme] = useState<string>(() => getComputedStyle(document.documentElement).getPropertyValue("--matrix-bg").trim());
  useEffect(() => {
    const seen = new MutationObserver(() => setTheme(getComputedStyle(document.documentElement).getPropertyValue("--matrix-bg").trim()));
    seen.observe(document.documentElement, { attributes: true, attributeFilter: ["style", "data-matrix-design"] });
    return () => seen.disconnect();
  }, []);
  return theme;
}

function Hub() {
  const theme = useTheme();
  const [said, setSaid] = useState("nothing yet");
  const tell = (what: string, call: () => Promise<unknown>) => async () => {
    setSaid(`${what}…`);
    try {
      setSaid(`${what}: ${JSON.stringify(await call())}`);
    } catch (error) {
      setSaid(`${what} failed: ${(error as Error).message}`);
    }
  };
  return (
    <main>
      <h1>Hub</h1>
      <p id="theme">{theme}</p>
      <p id="said">{said}</p>
      <button onClick={tell("rates", () => os.proxyFetch("https://rates.example.org/latest"))}>Rates</button>
      <button onClick={tell("weather", () => os.service("weather", "today", { city: "Berlin" }))}>Weather</button>
      <button onClick={tell("ask", () => os.generate("Plan my day"))}>Plan</button>
      <button onClick={tell("tasks", () => os.openApp("tasks"))}>Tasks</button>
      <button onClick={tell("files", () => os.navigate("files", { path: "apps" }))}>Files</button>
      <button onClick={tell("connected", () => os.integrations())}>Connected</button>
    </main>
  );
}

createRoot(document.getElementById("root")!).render(<Hub />);
