import { formatValue, locale, os, parseDay, useRows, useValue, type Row } from "@matrixos/sdk";
import { App, Button, Dialog, Empty, Failure, Icon, IconButton, Input, Item, List, Section, Segmented, Select, Skeleton, Spacer, Stack, Stat, Stats, useToast } from "@matrixos/ui";
import { useCallback, useEffect, useRef, useState, type CSSProperties, type FormEvent } from "react";
import { forecastURL, readForecast, readPlaces, searchURL, sky, type Forecast, type Place, type Units } from "./forecast";
import "./style.css";

const fresh = 30 * 60_000;

export default function Weather() {
  return (
    <App title="Weather">
      <Places />
    </App>
  );
}

function Places() {
  const { rows, loading, insert, remove } = useRows("places", { orderBy: { created_at: "asc" } });
  const [chosen, setChosen] = useValue("chosen", "");
  const [adding, setAdding] = useState(false);
  const toast = useToast();
  const place = rows.find((r) => r.id === chosen) ?? rows[0];
  const add = (p: Place) => insert({ ...p }).then((id) => (setAdding(false), setChosen(id)), (e: Error) => toast(e.message));
  const drop = (row: Row) => {
    const { created_at: _c, updated_at: _u, ...rest } = row;
    remove(row.id).then(() => toast(`${row.name} removed.`, { label: "Undo", run: () => void insert(rest) }), (e: Error) => toast(e.message));
  };
  if (loading) return <Skeleton />;
  return (
    <>
      {place ? (
        <>
          <Stack row>
            <div><Select aria-label="Place" value={place.id} options={rows.map((r) => ({ value: r.id, label: String(r.name) }))} onChange={setChosen} /></div>
            <Button quiet icon="plus" onClick={() => setAdding(true)}>Add place</Button>
            <Spacer />
            <IconButton icon="trash-2" label={`Remove ${place.name}`} onClick={() => drop(place)} />
          </Stack>
          <Outlook key={place.id} place={place} />
        </>
      ) : (
        <Empty icon="cloud-sun" title="Where do you want to know the weather?" action={<Button primary onClick={() => setAdding(true)}>Add a place</Button>} />
      )}
      <Dialog open={adding} title="Add place" onClose={() => setAdding(false)}>
        {adding && <Search onChoose={add} />}
      </Dialog>
    </>
  );
}

function Search({ onChoose }: { onChoose: (p: Place) => void }) {
  const [text, setText] = useState("");
  const [found, setFound] = useState<Place[] | null>(null);
  const [failure, setFailure] = useState<Error | null>(null);
  const search = (e: FormEvent) => {
    e.preventDefault();
    if (!text.trim()) return;
    setFailure(null);
    os.proxyFetch(searchURL(text, locale())).then((raw) => setFound(readPlaces(raw)), setFailure);
  };
  return (
    <Stack gap={12}>
      <form onSubmit={search} style={{ display: "flex", gap: 8 }}>
        <div style={{ flex: 1 }}><Input aria-label="Name of the place" placeholder="Lisbon" value={text} onChange={setText} autoFocus /></div>
        <Button primary type="submit">Search</Button>
      </form>
      {failure && <Failure error={failure} />}
      {found?.length === 0 && <p className="mx-quiet">No place of that name was found.</p>}
      {found && found.length > 0 && <List>{found.map((p) => <Item key={`${p.latitude},${p.longitude}`} title={p.name} subtitle={p.region} onClick={() => onChoose(p)} />)}</List>}
    </Stack>
  );
}

// What was fetched last is kept, so that there is something to see without a network.
function useForecast(place: Row, units: Units, known: boolean) {
  const [kept, keep, loaded] = useValue<Forecast | null>(`forecast-${place.id}-${units}`, null);
  const [failure, setFailure] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const running = useRef<Units | null>(null);
  const load = useCallback(async () => {
    if (running.current === units) return;
    running.current = units;
    setBusy(true);
    try {
      keep(readForecast(await os.proxyFetch(forecastURL(place as unknown as Place, units)), new Date().toISOString()));
      setFailure(null);
    } catch (e) {
      setFailure(e as Error);
    } finally {
      if (running.current === units) {
        running.current = null;
        setBusy(false);
      }
    }
  }, [place, units, keep]);
  const old = known && loaded && (!kept || Date.now() - Date.parse(kept.at) > fresh);
  const tried = useRef("");
  useEffect(() => {
    if (!old || tried.current === units) return;
    tried.current = units; // once by itself; again when asked
    void load();
  }, [old, units, load]);
  return { forecast: kept, failure, busy, load, loaded };
}

function Outlook({ place }: { place: Row }) {
  const [units, setUnits, known] = useValue<Units>("units", /-(US|LR|MM)$/.test(locale()) ? "Fahrenheit" : "Celsius");
  const { forecast: f, failure, busy, load, loaded } = useForecast(place, units, known);
  const degrees = (n: number) => `${Math.round(n)}°`;
  const today = f?.days[0];
  return (
    <div className="outlook">
      {failure && (
        <Stack gap={8}>
          <Failure error={failure} />
          <div><Button icon="refresh-cw" disabled={busy} onClick={() => void load()}>Try again</Button></div>
        </Stack>
      )}
      {!f && !failure && (busy || !loaded) && <Skeleton lines={6} />}
      {f && today && (
        <>
          <div className="now">
            <Icon name={sky(f.now.code, f.now.day).icon} label={sky(f.now.code, f.now.day).label} size={64} />
            <div>
              <p className="now-degrees mx-num">{degrees(f.now.degrees)}</p>
              <p>{sky(f.now.code).words}, feels like {degrees(f.now.feels)}</p>
            </div>
          </div>
          <ol className="hours" aria-label="The next 24 hours" tabIndex={0}>
            {f.hours.map((h) => {
              const hour = Number(h.time.slice(11, 13));
              const light = h.time.slice(11) >= today.sunrise && h.time.slice(11) < today.sunset;
              return <li key={h.time}><span className="mx-small mx-quiet mx-num">{hour}</span><Icon name={sky(h.code, light).icon} label={sky(h.code, light).label} size={22} /><b className="mx-num">{degrees(h.degrees)}</b><span className="mx-small rain mx-num">{h.rain >= 10 ? `${Math.round(h.rain)} %` : "\u00a0"}</span></li>;
            })}
          </ol>
          <Week f={f} degrees={degrees} />
          <Stats>
            <Stat label="Wind" value={`${Math.round(f.now.wind)} ${units === "Celsius" ? "km/h" : "mph"}`} />
            <Stat label="Humidity" value={`${Math.round(f.now.humidity)} %`} />
            <Stat label="Sun" value={`${today.sunrise} to ${today.sunset}`} />
          </Stats>
          <Stack row>
            <p className="mx-small mx-quiet">As of {formatValue(f.at, { name: "at", type: "datetime" })}, by Open-Meteo.com</p>
            <IconButton icon="refresh-cw" label="Fetch again" disabled={busy} onClick={() => void load()} />
            <Spacer />
            <Segmented label="Units" value={units} options={[{ value: "Celsius", label: "°C" }, { value: "Fahrenheit", label: "°F" }]} onChange={(u) => setUnits(u as Units)} />
          </Stack>
        </>
      )}
    </div>
  );
}

function Week({ f, degrees }: { f: Forecast; degrees: (n: number) => string }) {
  const scale = { "--least": Math.min(...f.days.map((d) => d.low)), "--most": Math.max(...f.days.map((d) => d.high)) } as CSSProperties;
  return (
    <Section>
      <ul className="week" aria-label="Seven days" style={scale}>
        {f.days.map((d, i) => (
          <li key={d.day}>
            <span className="week-day">{i === 0 ? "Today" : new Intl.DateTimeFormat(locale(), { weekday: "long" }).format(parseDay(d.day)!)}</span>
            <span className="week-sky"><Icon name={sky(d.code).icon} label={sky(d.code).label} size={22} /><span className="mx-small rain mx-num">{d.rain >= 10 ? `${Math.round(d.rain)} %` : ""}</span></span>
            <span className="mx-num mx-quiet">{degrees(d.low)}</span>
            <span className="span" aria-hidden><i style={{ "--low": d.low, "--high": d.high } as CSSProperties} /></span>
            <span className="mx-num">{degrees(d.high)}</span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
