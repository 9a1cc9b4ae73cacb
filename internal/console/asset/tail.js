// tail keeps the list of calls alive: it waits for the next calls and puts their rows
// first. After an interruption, such as a restart of the server, it goes on.
import { localize } from "./console.js";

const most = 500; // rows
const slowest = 5000; // ms between attempts

export function tail(box) {
  const rows = box.querySelector("tbody");
  const state = box.querySelector("[data-state]");
  const pause = box.querySelector("[data-pause]");
  const address = new URL(box.dataset.tail, location.href);
  let last = box.dataset.last;
  let count = 0; // of the new calls
  let waiting = new AbortController();
  let resume = () => {};

  const say = (name) => {
    const text = name === "live" && count > 0 ? `${state.dataset.new}: ${count}` : state.dataset[name];
    if (state.textContent !== text) state.textContent = text;
    box.dataset.now = name;
  };
  const paused = () => pause.getAttribute("aria-pressed") === "true" || document.hidden;
  const change = () => {
    if (paused()) waiting.abort();
    else resume();
  };

  box.querySelector("[data-bar]").hidden = false;
  pause.addEventListener("click", () => {
    pause.setAttribute("aria-pressed", String(pause.getAttribute("aria-pressed") !== "true"));
    change();
  });
  document.addEventListener("visibilitychange", change);

  function add(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    const fresh = template.content.querySelectorAll("tr");
    if (fresh.length === 0) return;
    localize(template.content);
    for (const row of fresh) row.classList.add("new");
    count += fresh.length;
    rows.prepend(...fresh);
    while (rows.rows.length > most) rows.lastElementChild.remove();
    box.querySelector("[data-none]").hidden = true;
    box.querySelector("[data-some]").hidden = false;
  }

  // next waits for the next calls. It returns false after the end of the session.
  async function next() {
    waiting = new AbortController();
    address.searchParams.set("after", last);
    address.searchParams.set("wait", box.dataset.now === "lost" ? "0" : "20"); // to learn at once whether the server is there again
    const response = await fetch(address, { signal: waiting.signal });
    if (response.status === 401) return false;
    const to = response.headers.get("Rollcall-Last");
    if (!response.ok || to === null) throw new Error(`status ${response.status}`);
    const html = await response.text();
    last = to;
    add(html);
    return true;
  }

  async function run() {
    let delay = 250;
    for (;;) {
      if (paused()) {
        say("paused");
        await new Promise((done) => { resume = done; });
        continue;
      }
      if (box.dataset.now !== "lost") say("live");
      try {
        if (!await next()) return say("ended");
        delay = 250;
        say("live");
      } catch (error) {
        if (error.name === "AbortError") continue;
        say("lost");
        await new Promise((done) => { setTimeout(done, delay); });
        delay = Math.min(delay * 2, slowest);
      }
    }
  }
  run();
}
