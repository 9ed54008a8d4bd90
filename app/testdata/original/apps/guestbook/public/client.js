const note = (text) => { document.getElementById("note").textContent = text; };

async function refresh() {
  const res = await fetch("/api/guests");
  if (!res.ok) return note("the server says " + res.status);
  const { guests } = await res.json();
  document.getElementById("guests").innerHTML = guests.map(() => "<li></li>").join("");
  document.querySelectorAll("#guests li").forEach((li, i) => (li.textContent = guests[i]));
  const seen = (await window.MatrixOS.readData("seen")) ?? 0;
  note(guests.length + " guests, " + window.MatrixOS.app.name + " last saw " + seen);
  await window.MatrixOS.writeData("seen", guests.length);
}

document.getElementById("form").addEventListener("submit", async (e) => {
  e.preventDefault();
  const name = document.getElementById("name").value;
  const res = await fetch("/api/guests", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ name }) });
  if (!res.ok) return note((await res.json()).error + ", still " + document.querySelectorAll("#guests li").length + " guests");
  document.getElementById("name").value = "";
  await refresh();
});
document.getElementById("crash").addEventListener("click", async () => {
  await fetch("/api/crash").catch(() => undefined);
  setTimeout(refresh, 1500);
});
refresh().catch((e) => note("error: " + e.message));
