// The progress of an import is read again and again until its state changes. Then the page is
// loaded anew, because other buttons make sense.
import { localize } from "./console.js";

const shown = document.querySelector("[data-progress]");
const rest = 1000; // milliseconds between two looks

async function look() {
  if (!document.hidden) {
    try {
      const response = await fetch(shown.dataset.progress);
      if (response.status === 401) return location.reload(); // the session has ended
      if (response.ok) show(await response.text());
    } catch { /* the server is away; the next look may find it */ }
  }
  setTimeout(look, rest);
}

function show(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const part = page.querySelector(".progress");
  if (!part) return;
  if (part.dataset.state !== shown.dataset.state && !typing()) return location.reload();
  shown.replaceChildren(part);
  localize(shown);
}

// typing reports whether a reload would take text from the user.
function typing() { return document.activeElement?.matches("input, textarea, select"); }

if (shown.dataset.ended === "false") setTimeout(look, rest);
