// Keys, and ratings without a new page. Everything works without this file too.
"use strict";

const keys = document.body.dataset.keys;
const help = document.getElementById("help");
const follow = id => document.getElementById(id)?.click();

document.getElementById("help-open").addEventListener("click", () => help.showModal());

// Filters are open where there is room beside the list.
const filters = document.getElementById("filters");
if (filters && matchMedia("(min-width: 60em)").matches) filters.open = true;

// Back from an answer the list is at its row, or at what it was left for.
if (location.hash === "#q") document.getElementById("q")?.focus();
else if (/^#n\d+$/.test(location.hash)) document.querySelector(location.hash + " a")?.focus();

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
    "/": () => { const q = document.getElementById("q"); if (q) { q.focus(); q.select(); } else { const up = document.getElementById("up"); if (up) location.href = up.href.replace(/#.*/, "") + "#q"; } },
    "u": () => follow("up"),
    "r": () => follow("raw"),
    "n": () => document.getElementById("note")?.focus(),
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

// Ratings are sent in the background, one after the other, so that the page stays
// where it is.
let sent = Promise.resolve();

async function post(body) {
  const action = document.getElementById("rate-form").action;
  let text = "", ok = false;
  try {
    const reply = await fetch(action, {method: "POST", body, keepalive: true});
    ok = reply.ok;
    text = await reply.text();
  } catch {
    // it is said below
  }
  const page = new DOMParser().parseFromString(text, "text/html");
  if (ok && page.getElementById("rate")) return page;
  const said = document.getElementById("saved");
  said.classList.add("error");
  said.textContent = "Not saved: " + (page.querySelector("main p")?.textContent || text || "perg view does not answer; is it still running?");
}

function saved() {
  const said = document.getElementById("saved");
  said.classList.remove("error");
  said.classList.add("done");
}

document.addEventListener("submit", e => {
  const form = e.target, pressed = e.submitter;
  if (form.id !== "rate-form") return;
  e.preventDefault();
  clearTimeout(soon);
  typed = false;
  const body = new URLSearchParams(new FormData(form, pressed));
  sent = sent.then(async () => {
    const page = await post(body);
    if (!page) return;
    const note = document.getElementById("note"), at = document.activeElement === note;
    const fresh = page.getElementById("rate");
    if (note && (at || typed)) fresh.querySelector("#note").replaceWith(note); // what was typed meanwhile stays
    document.getElementById("rate").replaceWith(fresh);
    const judge = page.getElementById("judge"); // shown where it is rated
    if (judge) document.getElementById("judge")?.replaceWith(judge);
    saved();
    if (at) note.focus();
    else document.querySelector(`#rate-form button[name="${pressed.name}"][value="${pressed.value}"]`)?.focus({preventScroll: true});
  });
});

// A note is saved as it is typed: when the hands rest, and when the page is left.
let soon, typed = false;

function saveNote() {
  clearTimeout(soon);
  const form = document.getElementById("rate-form");
  if (!typed || !form) return;
  typed = false;
  const body = new URLSearchParams(new FormData(form));
  sent = sent.then(async () => { if (await post(body)) saved(); });
}

document.addEventListener("input", e => {
  if (e.target.id !== "note") return;
  typed = true;
  document.getElementById("saved").classList.remove("done");
  clearTimeout(soon);
  soon = setTimeout(saveNote, 500);
});
document.addEventListener("focusout", e => { if (e.target.id === "note") saveNote(); });
addEventListener("pagehide", () => {
  if (!typed) return;
  typed = false;
  const form = document.getElementById("rate-form");
  fetch(form.action, {method: "POST", body: new URLSearchParams(new FormData(form)), keepalive: true}).catch(() => {});
});

// What is still being read or looked for is asked for again.
if ("refresh" in document.body.dataset) setInterval(() => {
  if (!document.activeElement.closest("input, select, textarea")) location.reload();
}, 1000);

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
