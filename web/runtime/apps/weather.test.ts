import assert from "node:assert/strict";
import { test } from "node:test";
import { forecastURL, readForecast, readPlaces, searchURL, sky } from "../../../home/template/apps/weather/src/forecast.ts";

const place = { name: "Lisbon", region: "Portugal", latitude: 38.7, longitude: -9.1 };
const hours = Array.from({ length: 48 }, (_, i) => `2026-11-${26 + Math.floor(i / 24)}T${String(i % 24).padStart(2, "0")}:00`);
const raw = {
  current: { time: "2026-11-26T13:15", temperature_2m: 17.4, apparent_temperature: 16, relative_humidity_2m: 70, wind_speed_10m: 12, weather_code: 2, is_day: 1 },
  hourly: { time: hours, temperature_2m: hours.map((_, i) => i), precipitation_probability: hours.map(() => 5), weather_code: hours.map(() => 61) },
  daily: { time: ["2026-11-26"], weather_code: [95], temperature_2m_max: [19], temperature_2m_min: [11], precipitation_probability_max: [null], sunrise: ["2026-11-26T07:30"], sunset: ["2026-11-26T17:15"] },
};

test("the question names the place and the units", () => {
  assert.match(forecastURL(place, "Fahrenheit"), /latitude=38\.7&longitude=-9\.1.*temperature_unit=fahrenheit/);
  assert.doesNotMatch(forecastURL(place, "Celsius"), /unit/);
  assert.match(searchURL(" São Paulo & co ", "pt-BR"), /name=S%C3%A3o\+Paulo\+%26\+co&count=8&language=pt/);
});

test("a forecast is read from the hour that has begun", () => {
  const f = readForecast(raw, "2026-11-26T13:20:00Z");
  assert.equal(f.hours.length, 24);
  assert.deepEqual(f.hours[0], { time: "2026-11-26T13:00", degrees: 13, rain: 5, code: 61 });
  assert.deepEqual(f.days[0], { day: "2026-11-26", code: 95, high: 19, low: 11, rain: 0, sunrise: "07:30", sunset: "17:15" });
  assert.equal(f.now.degrees, 17.4);
});

test("an answer that is none is said to be none", () => {
  assert.throws(() => readForecast({ error: true, reason: "Latitude must be in range" }, ""), /Latitude must be in range/);
  assert.throws(() => readForecast("<html>", ""), /no forecast/);
  assert.throws(() => readForecast(null, ""), /no forecast/);
  assert.deepEqual(readPlaces({}), []);
  assert.deepEqual(readPlaces({ results: [{ name: "Bonn", latitude: 50.7, longitude: 7.1, admin1: "NRW", country: "Germany" }, { name: "x" }] }), [{ name: "Bonn", region: "NRW, Germany", latitude: 50.7, longitude: 7.1 }]);
});

test("every code has words, and nights have a moon", () => {
  assert.deepEqual(sky(0), { words: "Clear", icon: "sun", label: "Clear" });
  assert.deepEqual(sky(2, false), { words: "Partly cloudy", icon: "cloud-moon", label: "Partly cloudy, night" });
  assert.deepEqual(sky(99), { words: "Thunderstorm", icon: "cloud-lightning", label: "Thunderstorm" });
  assert.deepEqual(sky(42), { words: "Unsettled", icon: "cloud", label: "Unsettled" });
});
