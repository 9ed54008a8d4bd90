// What the forecast service is asked, and what its answer says.

export interface Place {
  name: string;
  region: string;
  latitude: number;
  longitude: number;
}

export interface Hour {
  time: string; // local to the place, 2026-11-26T13:00
  degrees: number;
  rain: number; // percent
  code: number;
}

export interface Day {
  day: string;
  code: number;
  high: number;
  low: number;
  rain: number; // percent
  sunrise: string;
  sunset: string;
}

export interface Forecast {
  at: string; // when it was fetched
  now: { time: string; degrees: number; feels: number; wind: number; humidity: number; code: number; day: boolean };
  hours: Hour[];
  days: Day[];
}

export type Units = "Celsius" | "Fahrenheit";

export function forecastURL(p: Place, units: Units): string {
  const q = new URLSearchParams({
    latitude: String(p.latitude), longitude: String(p.longitude), timezone: "auto", forecast_days: "7",
    current: "temperature_2m,apparent_temperature,relative_humidity_2m,wind_speed_10m,weather_code,is_day",
    hourly: "temperature_2m,precipitation_probability,weather_code",
    daily: "weather_code,temperature_2m_max,temperature_2m_min,precipitation_probability_max,sunrise,sunset",
    ...(units === "Fahrenheit" ? { temperature_unit: "fahrenheit", wind_speed_unit: "mph" } : {}),
  });
  return `https://api.open-meteo.com/v1/forecast?${q}`;
}

export function searchURL(name: string, language: string): string {
  return `https://geocoding-api.open-meteo.com/v1/search?${new URLSearchParams({ name: name.trim(), count: "8", language: language.slice(0, 2), format: "json" })}`;
}

const list = (v: any): any[] => (Array.isArray(v) ? v : []);
const num = (v: any): number => (Number.isFinite(Number(v)) ? Number(v) : 0);

/** readPlaces reads the answer of a search. */
export function readPlaces(raw: any): Place[] {
  return list(raw?.results).filter((r) => Number.isFinite(r?.latitude) && Number.isFinite(r?.longitude)).map((r) => ({
    name: String(r.name ?? ""), region: [r.admin1, r.country].filter((x) => x && x !== r.name).join(", "), latitude: r.latitude, longitude: r.longitude,
  }));
}

/** readForecast reads a forecast: from the hour that has begun, a day's hours. It throws if the answer is none. */
export function readForecast(raw: any, at: string): Forecast {
  const [c, h, d] = [raw?.current, raw?.hourly, raw?.daily];
  if (!c || !h || !d) throw new Error(raw?.reason ? `The forecast service says: ${raw.reason}` : "The forecast service sent something that is no forecast.");
  const time = String(c.time ?? "");
  const first = Math.max(0, list(h.time).findIndex((t) => t > time) - 1);
  return {
    at,
    now: { time, degrees: num(c.temperature_2m), feels: num(c.apparent_temperature), wind: num(c.wind_speed_10m), humidity: num(c.relative_humidity_2m), code: num(c.weather_code), day: c.is_day !== 0 },
    hours: list(h.time).slice(first, first + 24).map((t, i) => ({ time: String(t), degrees: num(h.temperature_2m?.[first + i]), rain: num(h.precipitation_probability?.[first + i]), code: num(h.weather_code?.[first + i]) })),
    days: list(d.time).map((t, i) => ({ day: String(t), code: num(d.weather_code?.[i]), high: num(d.temperature_2m_max?.[i]), low: num(d.temperature_2m_min?.[i]), rain: num(d.precipitation_probability_max?.[i]), sunrise: String(d.sunrise?.[i] ?? "").slice(11), sunset: String(d.sunset?.[i] ?? "").slice(11) })),
  };
}

// The codes of the World Meteorological Organization that forecasts use.
const skies: [codes: number[], words: string, icon: string][] = [
  [[0], "Clear", "sun"], [[1], "Mostly clear", "sun"], [[2], "Partly cloudy", "cloud-sun"], [[3], "Cloudy", "cloud"], [[45, 48], "Fog", "cloud-fog"],
  [[51, 53, 55, 56, 57], "Drizzle", "cloud-drizzle"], [[61, 63, 80, 81], "Rain", "cloud-rain"], [[65, 82], "Heavy rain", "cloud-rain-wind"], [[66, 67], "Freezing rain", "cloud-hail"],
  [[71, 73, 77, 85], "Snow", "snowflake"], [[75, 86], "Heavy snow", "snowflake"], [[95, 96, 99], "Thunderstorm", "cloud-lightning"],
];

/** sky says a weather code in words, names its icon, and says what the icon shows. */
export function sky(code: number, day = true): { words: string; icon: string; label: string } {
  const [, words, icon] = skies.find(([codes]) => codes.includes(code)) ?? [[], "Unsettled", "cloud"];
  return day ? { words, icon, label: words } : { words, icon: icon === "sun" ? "moon" : icon === "cloud-sun" ? "cloud-moon" : icon, label: `${words}, night` };
}
