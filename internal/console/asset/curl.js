// follow keeps the line of curl of a form as the form is. The rules are those of package
// curl of the server: a field is named KIND:NAME, with dots for the objects around it.
export function follow(form) {
  const code = form.querySelector("details.curl code");
  if (!code) return;
  const template = code.dataset.template;
  if (!template) return;
  const update = () => { code.textContent = line(JSON.parse(template), new FormData(form)); };
  form.addEventListener("input", update);
  update();
}

function line(request, fields) {
  const body = request.body ?? {};
  let has = Object.keys(body).length > 0;
  let path = request.path;
  const query = new URLSearchParams(request.query);
  const last = new Map(fields); // of a repeated field, the last one counts
  for (const [input, text] of [...last].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [kind, name] = split(input);
    if (kind === "path") path = path.replaceAll(`{${name}}`, encodeURIComponent(text));
    else if (kind === "query") { if (text !== "") query.set(name, text); }
    else {
      const value = valueOf(kind, text);
      if (value === undefined) continue;
      put(body, name, value);
      has = true;
    }
  }
  const parts = ["curl"];
  if (request.method !== "GET") parts.push("-X", request.method);
  parts.push("-H", `"Authorization: Bearer $${request.token}"`);
  if (has) parts.push("-d", quote(JSON.stringify(body)));
  const search = query.toString();
  parts.push(quote(request.server + path + (search ? `?${search}` : "")));
  return parts.join(" ");
}

function split(input) {
  const at = input.indexOf(":");
  return [input.slice(0, at), input.slice(at + 1)];
}

function valueOf(kind, text) {
  if (kind === "kept") return text;
  if (text === "") return undefined;
  switch (kind) {
    case "text": return text;
    case "secret": return "SECRET";
    case "bool": return text === "true";
    case "lines": return text.split(/\r?\n/).filter((l) => l !== "");
    case "number":
    case "json":
      try { return JSON.parse(text); } catch { return undefined; }
    case "time": return new Date(`${text}Z`).toISOString().replace(".000Z", "Z");
    default: return undefined;
  }
}

function put(body, name, value) {
  const names = name.split(".");
  for (const outer of names.slice(0, -1)) body = body[outer] ??= {};
  body[names.at(-1)] = value;
}

function quote(text) { return `'${text.replaceAll("'", "'\\''")}'`; }
