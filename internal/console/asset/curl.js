// follow keeps the line of curl of a form as the form is. The rules are those of package
// curl of the server, which a test compares: a field is named KIND:NAME, with dots for the
// objects around it.
export function follow(form) {
  const code = form.querySelector("details.curl code");
  if (!code) return;
  const template = code.dataset.template;
  if (!template) return;
  const update = () => { code.textContent = line(JSON.parse(template), new FormData(form)); };
  // Fields outside the form may belong to it, too.
  document.addEventListener("input", (event) => { if (event.target.form === form) update(); });
  update();
}

// line returns the line for a template and the fields of a form, as pairs.
export function line(request, fields) {
  const body = new Map();
  const { query, header } = request;
  let path = request.path;
  const all = new Map();
  for (const [input, text] of fields) all.set(input, [...(all.get(input) ?? []), normal(text)]);
  for (const [input, texts] of all) {
    const at = input.indexOf(":");
    const [kind, name] = [input.slice(0, Math.max(at, 0)), input.slice(at + 1)];
    const text = kind === "lines" ? texts.join("\n") : texts.at(-1); // of a repeated field, the last one counts
    if (kind.startsWith("change") && text === (all.get(`was:${name}`)?.[0] ?? "")) continue;
    switch (kind) {
      case "": break;
      case "path": path = path.replaceAll(`{${name}}`, () => pathEscape(text)); break;
      case "query": query[name] = text; break;
      case "header": header[name] = text; break;
      default: {
        const value = valueOf(kind, text);
        if (value !== undefined) put(body, name, value);
      }
    }
  }
  const parts = ["curl"];
  if (request.method !== "GET") parts.push("-X", request.method);
  parts.push("-H", `"Authorization: Bearer $${request.token}"`);
  for (const [name, text] of given(header)) parts.push("-H", quote(`${name}: ${text}`));
  if (body.size > 0) parts.push("-d", quote(encode(body)));
  const search = given(query).map(([name, text]) => `${queryEscape(name)}=${queryEscape(text)}`).join("&");
  parts.push(quote(request.server + path + (search ? `?${search}` : "")));
  return parts.join(" ");
}

// valueOf returns the JSON of a field, or undefined if the field is left out.
function valueOf(kind, text) {
  kind = { change: "text?", changenumber: "number?" }[kind] ?? kind;
  const clearable = kind.endsWith("?");
  if (clearable) kind = kind.slice(0, -1);
  if (kind === "kept") return JSON.stringify(text);
  if (kind === "null" || (clearable && text === "")) return "null";
  if (text === "") return undefined;
  switch (kind) {
    case "text": return JSON.stringify(text);
    case "secret": return '"SECRET"';
    case "bool": return String(text === "true");
    case "lines": return JSON.stringify(text.split("\n").filter((l) => l !== ""));
    case "number": return /^\s*[-0-9]/.test(text) && compact(text) !== undefined ? text.trim() : undefined; // as it is: no digit is lost
    case "milliseconds": return duration(text.trim(), 1n);
    case "seconds": return duration(text.trim(), 1000n);
    case "json": return compact(text);
    case "time": {
      const time = new Date(`${text}Z`);
      return Number.isNaN(time.getTime()) ? undefined : JSON.stringify(time.toISOString().replace(".000Z", "Z"));
    }
    default: return undefined;
  }
}

const unitMS = { ms: 1n, s: 1000n, m: 60_000n, h: 3_600_000n, d: 86_400_000n };

// duration returns a text such as 1h30m as a number of units of so many milliseconds.
function duration(text, unit) {
  if (!/^-?(?:[0-9]{1,9}(?:ms|[smhd])){1,5}$/.test(text)) return undefined;
  let ms = 0n;
  for (const [, n, name] of text.matchAll(/([0-9]+)([a-z]+)/g)) ms += BigInt(n) * unitMS[name];
  if (ms % unit !== 0n) return undefined;
  return String((text.startsWith("-") ? -ms : ms) / unit);
}

function normal(text) { return text.replaceAll("\r\n", "\n"); }

function compact(text) {
  try { return JSON.stringify(JSON.parse(text)); } catch { return undefined; }
}

function put(body, name, value) {
  const names = name.split(".");
  for (const outer of names.slice(0, -1)) {
    if (!(body.get(outer) instanceof Map)) body.set(outer, new Map());
    body = body.get(outer);
  }
  body.set(names.at(-1), value);
}

// encode returns the JSON of a map of texts of JSON.
function encode(value) {
  if (!(value instanceof Map)) return value;
  return `{${sorted([...value]).map(([name, v]) => `${JSON.stringify(name)}:${encode(v)}`).join(",")}}`;
}

function sorted(pairs) { return pairs.sort(([a], [b]) => (a < b ? -1 : 1)); }

function given(members) { return sorted(Object.entries(members).filter(([, text]) => text !== "")); }

function queryEscape(text) { return strictEscape(text).replaceAll("%20", "+"); }

function pathEscape(text) { return strictEscape(text).replace(/%(24|26|2B|3D|3A|40)/g, decodeURIComponent); }

function strictEscape(text) {
  return encodeURIComponent(text).replace(/[!*'()]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

// quote returns a text as one word of a shell that shows everything.
function quote(text) {
  const hidden = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;
  if (!hidden.test(text)) return `'${text.replaceAll("'", "'\\''")}'`;
  const escape = (c) => {
    if (c === "\n") return "\\n";
    if (c === "\\" || c === "'") return `\\${c}`;
    if (!hidden.test(c)) return c;
    return [...new TextEncoder().encode(c)].map((b) => `\\x${b.toString(16).padStart(2, "0")}`).join("");
  };
  return `$'${[...text].map(escape).join("")}'`;
}
