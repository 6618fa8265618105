// Keys, and ratings without a new page. Everything works without this file too.
"use strict";

const keys = document.body.dataset.keys;
const help = document.getElementById("help");
const follow = id => document.getElementById(id)?.click();

document.getElementById("help-open").addEventListener("click", () => help.showModal());

// Filters are open where there is room beside the list.
const filters = document.getElementById("filters");
if (filters && matchMedia("(min-width: 60em)").matches) filters.open = true;

// The row that the keys are at has the focus.
function move(by) {
  const rows = [...document.querySelectorAll("#rows a")];
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement);
  const to = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1);
  rows[to].focus();
  rows[to].scrollIntoView({block: "nearest"});
}

function press(name, value) {
  document.querySelector(`#rate-form button[name="${name}"][value="${value}"]`)?.click();
}

document.addEventListener("keydown", e => {
  if (e.ctrlKey || e.metaKey || e.altKey || help.open) return;
  const typing = e.target.closest("input, textarea, select");
  if (typing && typing.type !== "checkbox") {
    if (e.key === "Escape") typing.blur();
    return;
  }
  const scrolls = e.target.closest(".text, .scroll"); // arrows are its own
  const list = keys === "list";
  const acts = {
    "?": () => help.showModal(),
    "/": () => { const q = document.getElementById("q"); if (q) { q.focus(); q.select(); } else follow("up"); },
    "u": () => follow("up"),
    "d": () => document.getElementById("marks")?.click(),
    "+": () => press("thumb", "up"),
    "-": () => press("thumb", "down"),
    "j": () => list ? move(1) : follow("after"),
    "k": () => list ? move(-1) : follow("before"),
    "ArrowRight": () => { if (!scrolls) follow("after"); },
    "ArrowLeft": () => { if (!scrolls) follow("before"); },
  };
  if (list) {
    acts.ArrowDown = () => move(1);
    acts.ArrowUp = () => move(-1);
  }
  for (const n of "12345") acts[n] = () => press("rating", n);
  const act = acts[e.key];
  if (!act) return;
  if (!e.key.startsWith("Arrow") || !scrolls) e.preventDefault();
  act();
});

document.getElementById("marks")?.addEventListener("change", e =>
  document.querySelector(".sides").classList.toggle("unmarked", !e.target.checked));

// A rating is sent in the background, so that the page stays where it is.
document.addEventListener("submit", async e => {
  const form = e.target;
  if (form.id !== "rate-form") return;
  e.preventDefault();
  const body = new URLSearchParams(new FormData(form, e.submitter));
  let text, ok = false;
  try {
    const reply = await fetch(form.action, {method: "POST", body});
    ok = reply.ok;
    text = await reply.text();
  } catch {
    text = "";
  }
  const page = new DOMParser().parseFromString(text, "text/html");
  const fresh = page.getElementById("rate");
  if (ok && fresh) {
    const pressed = e.submitter;
    document.getElementById("rate").replaceWith(fresh);
    document.getElementById("saved").classList.add("done");
    document.querySelector(`#rate-form button[name="${pressed.name}"][value="${pressed.value}"]`)?.focus({preventScroll: true});
    return;
  }
  const said = document.getElementById("saved");
  said.classList.add("error");
  said.textContent = "Not saved: " + (page.querySelector("main p")?.textContent || text || "perg view does not answer; is it still running?");
});

// The list of a run that goes on is shown anew where there is more, but not under
// the hands of someone who is at it.
const standing = document.body.dataset.standing;
if (standing && keys === "list") setInterval(async () => {
  const busy = document.hidden || help.open || document.activeElement !== document.body || String(getSelection());
  if (busy) return;
  try {
    const reply = await fetch("/standing");
    if (reply.ok && await reply.text() !== standing) location.reload();
  } catch {
    // perg view has ended: what is shown stays
  }
}, 5000);
