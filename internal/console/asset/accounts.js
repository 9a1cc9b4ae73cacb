// The list of accounts follows the search box, as does the export, and all accounts of a page can be chosen.
import { localize } from "./console.js";

const list = document.querySelector("[data-found]");
const search = document.querySelector("#search");
const rest = 150; // milliseconds without a key before the list follows
let waiting;
let newest = 0;

search.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => find(search.value), rest);
});

async function find(prefix) {
  const turn = ++newest;
  const address = list.dataset.found + (prefix ? `?${new URLSearchParams({ prefix })}` : "");
  let response;
  try { response = await fetch(address); } catch { return; } // the button tells what is wrong
  if (!response.ok || turn !== newest) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const found = page.querySelector("[data-found]");
  if (!found || turn !== newest) return;
  list.replaceChildren(...found.childNodes);
  // The export, the lines of curl and the deletion are those of the list.
  for (const part of document.querySelectorAll("[data-follows]")) follow(part, page);
  document.querySelector("#delete")?.setAttribute("action", `${address}#delete`);
  history.replaceState(null, "", address);
  localize(list);
  offerAll();
}

// follow shows in a part of this page, as the export, what it is on another one. Of a line of
// curl only the line changes, so that its button goes on.
function follow(part, page) {
  const other = page.querySelector(`[data-follows="${part.dataset.follows}"]`);
  const line = part.querySelector("code");
  if (line) line.textContent = other.querySelector("code").textContent;
  else part.replaceChildren(...other.childNodes);
}

// offerAll puts a check box for all accounts into the head of the table.
function offerAll() {
  const boxes = [...list.querySelectorAll("td.choose input")];
  const head = list.querySelector("th");
  if (!boxes.length || !head) return;
  const all = document.createElement("input");
  all.type = "checkbox";
  all.setAttribute("aria-label", list.dataset.all);
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    boxes[0].dispatchEvent(new Event("input", { bubbles: true }));
  });
  head.replaceChildren(all);
}
offerAll();
