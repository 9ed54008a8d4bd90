import assert from "node:assert/strict";
import { test } from "node:test";
import { changed, isSecret, most, Script } from "./script.ts";

test("what is typed into one field is one step, and keys are counted", () => {
  const s = new Script();
  for (const text of ["1", "12", "12.5"]) s.fill("Amount", text);
  s.choose("Category", "Food");
  s.choose("Category", "Travel");
  s.fill("Note", "Train");
  s.press("ArrowLeft");
  s.press("ArrowLeft");
  s.press("Enter", "Note");
  assert.deepEqual(s.steps, [
    { fill: "Amount", with: "12.5" },
    { choose: "Category", option: "Travel" },
    { fill: "Note", with: "Train" },
    { press: "ArrowLeft", times: 2 },
    { press: "Enter", on: "Note" },
  ]);
});

test("a secret is in no step and in no line", () => {
  const s = new Script();
  s.hide("hunter2");
  assert.equal(s.secret, true);
  assert.deepEqual(s.said(["Saved hunter2", "Saved"]), ["Saved"]);
  assert.equal(JSON.stringify(s.steps).includes("hunter2"), false);
  const field = { type: "text", autocomplete: "", label: "", name: "" };
  for (const f of [{ type: "password" }, { autocomplete: "cc-number" }, { autocomplete: "current-password" }, { label: "Your PIN" }, { name: "api_key" }]) assert.equal(isSecret({ ...field, ...f }), true, JSON.stringify(f));
  for (const label of ["Spinach", "Shopping", "Compass"]) assert.equal(isSecret({ ...field, label }), false, label);
});

test("a recording has an end, and lines that stay say nothing", () => {
  const s = new Script();
  for (let i = 0; i < most + 5; i++) s.add({ click: "button", name: `n${i}` });
  assert.equal(s.steps.length, most);
  assert.deepEqual(changed(["Expenses", "None yet"], ["Expenses", "Lunch", "Lunch", "12.50"]), { seen: ["Lunch", "12.50"], gone: ["None yet"] });
});
