// The parts of the console that need scripts: copy buttons, lines of curl that follow a
// form, keys, times of this time zone. Every page works without them.
import { follow } from "./curl.js";

document.documentElement.classList.add("live");

for (const select of document.querySelectorAll("select[data-submit]")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
    const text = button.textContent;
    button.textContent = "✓";
    setTimeout(() => { button.textContent = text; }, 1200);
  });
}

for (const form of document.querySelectorAll("form[data-route]")) follow(form);

for (const box of document.querySelectorAll("[data-tail]")) {
  import("./tail.js").then(({ tail }) => tail(box));
}

// A button that cannot be undone works once the text is typed.
for (const input of document.querySelectorAll("[data-confirm]")) {
  const button = input.form.querySelector("button[type=submit]");
  const check = () => { button.disabled = input.value !== input.dataset.confirm; };
  input.addEventListener("input", check);
  check();
}

const zone = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "medium" });
export function localize(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.title = time.textContent;
    time.textContent = zone.format(new Date(time.dateTime));
  }
}
localize(document);

// What is alive on a page has a module of its own.
if (document.querySelector("[data-found]")) import("./accounts.js");
if (document.querySelector("[data-progress]")) import("./import.js");

// "/" goes to the search box, as in most lists.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (target) {
    event.preventDefault();
    target.focus();
  }
});
