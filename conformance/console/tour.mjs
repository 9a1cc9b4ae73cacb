// The tour of the console: every page and every action, in both languages, light and dark,
// at 1280 and 390 pixels, with scripts and without. It prints what is wrong. TestConsole
// starts it. By hand, with bin/rollcall and only the pages whose address fits:
//
//   make build && ROLLCALL_ONLY=accounts node conformance/console/tour.mjs
import { readFile } from 'node:fs/promises';
import { launch, Visitor } from './browser.mjs';
import { World } from './world.mjs';
import { pages as all, files } from './pages/index.mjs';
import { barriers, shape, harmless, keyboard } from './looks.mjs';
import { chromium, serve } from './start.mjs';
import { thief } from './thief.mjs';

const { ROLLCALL_URL, ROLLCALL_TOKEN, ROLLCALL_SDKAPPID, ROLLCALL_DIR, ROLLCALL_LINK, ROLLCALL_ONLY } = process.env;

// Without a server of a test, the tour has one of its own.
const own = ROLLCALL_URL ? undefined : await serve();
const world = own ?? new World({ url: ROLLCALL_URL, token: ROLLCALL_TOKEN, app: ROLLCALL_SDKAPPID, dir: ROLLCALL_DIR });
const { url, token } = world;
const pages = all.filter((entry) => String(entry.at).replace(':app/', '').match(ROLLCALL_ONLY ?? ''));
// faults are printed when they are found, each once.
const faults = new Set();
const fault = (text) => {
  if (!faults.has(text)) console.log(`fault: ${text}`);
  faults.add(text);
};
const passed = { pages: 0, actions: 0, reader: 0, stolen: 0 };
const seen = { routes: new Map(), links: new Map(), forms: new Map() }; // each with the page where it was seen
const used = new Set(); // routes that an action has called
const spent = {};

async function timed(name, run) {
  const begin = performance.now();
  try { return await run(); } finally { spent[name] = (spent[name] ?? 0) + performance.now() - begin; }
}

// place returns the address of an entry or action for the visitor with a world.
const place = (entry, w = world) => `/console${of(entry.at, w).replaceAll(':app', w.app)}`;

// of returns what an entry has for the visitor with a world.
const of = (x, w) => (typeof x === 'function' ? x(w) : x);

async function attempt(what, run) {
  try {
    for (const found of (await run()) ?? []) fault(`${what} ${found}`);
  } catch (error) {
    fault(`${what}: ${error.message.replaceAll(/\s*\n\s*/g, ' ')}`);
  }
}

const missing = async (page, selectors) => {
  const gone = [];
  for (const s of selectors) if (!(await page.locator(s).count())) gone.push(`lacks ${s}`);
  return gone;
};

// A page is looked at in each of these, in both languages. axe-core takes half of the time of
// the tour, so it looks once in each language: at both widths and both themes, but not at all
// their combinations.
const views = [[1280, 'light', 'en'], [1280, 'dark'], [390, 'dark', 'zh'], [390, 'light']];

// look looks at a page in one language, in both widths and themes.
async function look(v, entry, lang) {
  const at = place(entry);
  if (entry.status) v.status(entry.status);
  await v.page.setViewportSize({ width: 1280, height: 900 });
  await v.page.emulateMedia({ colorScheme: 'light' });
  const status = await timed('load', () => v.visit(at));
  if (status !== (entry.status ?? 200)) fault(`${at} has status ${status}`);
  await attempt(`${at} ${lang}`, () => missing(v.page, entry.has));
  if (v.scripts) await collect(v.page, at);
  for (const [width, theme, language] of views) {
    await v.page.setViewportSize({ width, height: 900 });
    await v.page.emulateMedia({ colorScheme: theme });
    const what = `${at} ${lang} ${width} ${theme}`;
    await attempt(what, () => shape(v.page, lang));
    if (language === lang && !(entry.alike && theme === 'light')) await attempt(what, () => timed('axe', () => barriers(v.page)));
  }
  await attempt(`${at} ${lang}`, () => harmless(v.page));
  passed.pages++;
}

// collect keeps the forms and links of a page, of which the tour must miss none.
async function collect(page, at) {
  const found = await page.evaluate(() => ({
    forms: [...document.querySelectorAll('form[method=post]')].map((form) => {
      for (const input of form.querySelectorAll('[data-confirm]')) input.value = input.dataset.confirm;
      for (const button of form.querySelectorAll('button')) button.disabled = false;
      const fields = [...new FormData(form, form.querySelector('button:not([type=button])'))].filter(([, value]) => typeof value === 'string');
      return { id: form.id, route: form.dataset.route, action: form.action, type: form.enctype, fields };
    }),
    links: [...document.querySelectorAll('a[href]')].map((a) => new URL(a.href)).filter((u) => u.origin === location.origin).map((u) => u.pathname),
  }));
  for (const form of found.forms) {
    if (form.route) seen.routes.set(form.route, at);
    seen.forms.set(`${form.route ?? ''} ${form.route ? '' : new URL(form.action).pathname}`, form);
  }
  for (const link of found.links) seen.links.set(anyApp(link), at);
}

// act does an action of a page, in the world of the visitor.
async function act(v, entry, action, w) {
  await action.before?.(w);
  await v.visit(place(action.at ? action : entry, w));
  const page = v.page;
  if (action.refused) v.status(action.refused);
  let route;
  const form = page.locator(of(action.form ?? 'body', w)).last();
  let button = form.locator(action.button ?? 'button[type=submit]:not([formaction]), button:not([type])').first();
  const fill = async () => {
    for (const [name, x] of Object.entries(of(action.fields, w) ?? {})) {
      await enter(form.locator(`:is([name="${name}"], [name$=":${name}"]):not([type=hidden])`).first(), of(x, w));
    }
    const confirm = form.locator('[data-confirm]');
    if (await confirm.count()) await confirm.fill(await confirm.getAttribute('data-confirm'));
  };
  if (action.click) {
    button = page.locator(of(action.click, w)).last();
  } else {
    route = await form.getAttribute('data-route');
    await form.evaluate((f) => { for (const d of document.querySelectorAll('details')) if (d.contains(f) || f.contains(d)) d.open = true; });
    await action.on?.(page, w);
    if (!(action.itself && v.scripts)) await fill();
    const invalid = await form.evaluate((f) => [...f.elements].filter((e) => e.willValidate && !e.checkValidity()).map((e) => `${e.name}: ${e.validationMessage}`));
    if (invalid.length) throw new Error(`the browser refuses ${invalid}`);
  }
  if (action.download) {
    const [file] = await Promise.all([page.waitForEvent('download'), button.click()]);
    await action.download(await readFile(await file.path(), 'utf8'), file.suggestedFilename(), w);
  } else {
    // A script that changes the address, as the search does, loads no page.
    await Promise.all([page.waitForEvent('load'), action.itself && v.scripts ? fill() : button.click()]);
  }
  const wanted = action.download ? 'main' : (of(action.shows, w) ?? '.done[role=status]');
  if (!(await page.locator(wanted).count())) {
    const problem = await page.locator('.problem').allInnerTexts();
    throw new Error(`lacks ${wanted} afterwards: ${problem}`);
  }
  await action.check?.(w, page);
  if (route) used.add(route);
  passed.actions++;
}

// alone runs what the server does for one visitor at a time.
let last = Promise.resolve();
const alone = (run) => (last = last.then(run));

async function enter(input, value) {
  const kind = await input.evaluate((e) => (e.tagName === 'SELECT' ? 'select' : e.type));
  if (kind === 'select') return input.selectOption(value);
  if (kind === 'checkbox' || kind === 'radio') return input.setChecked(value);
  if (kind === 'file') return input.setInputFiles(value);
  return input.fill(value);
}

// login is refused with a wrong token, and works with the right one, without scripts.
async function login(browser) {
  const v = await Visitor.open(browser, url, { scripts: false });
  v.status(401);
  v.status(401);
  await v.visit(`/console/${world.app}/accounts?prefix=demo_0`);
  await v.page.locator('#token').fill('rct_wrong');
  await v.page.locator('main form button').click();
  await v.page.locator('.problem').waitFor();
  await v.page.locator('#token').fill(token);
  await v.page.locator('main form button').click();
  await v.page.locator('td a[href*="userid=demo_09"]').waitFor(); // the page that was asked for
  return end(v);
}

// link logs in with the link that a developer's server prints, which is of use once.
async function link(browser) {
  const address = own?.link ?? ROLLCALL_LINK;
  const v = await Visitor.open(browser, url, { scripts: false });
  await v.page.goto(address);
  await v.page.locator('form[action="/console/logout"]').waitFor();
  await end(v);
  const late = await Visitor.open(browser, url, { scripts: false });
  late.status(401);
  await late.page.goto(address);
  await late.page.locator('.problem').waitFor();
  await late.page.locator('#token').waitFor();
  return end(late);
}

// reader visits every page with a token of the scope read. It must see no form that changes
// something, and one that it sends all the same must change nothing.
async function reader(browser) {
  const { body: created } = await world.admin('POST', '/tokens', { name: 'reader', scopes: ['read'] });
  const v = await Visitor.open(browser, url);
  await v.login(created.secret);
  for (const entry of pages) {
    if (entry.status) v.status(entry.status);
    const status = await v.visit(place(entry));
    if (status !== (entry.status ?? 200)) fault(`${place(entry)} has status ${status} for a reader`);
    const routes = await v.page.locator('form[data-route]').evaluateAll((forms) => forms.map((f) => f.dataset.route));
    for (const route of routes) if (route !== 'explainUserSig') fault(`${place(entry)} offers ${route} to a reader`);
    if (await v.page.locator('form[enctype="multipart/form-data"]').count()) fault(`${place(entry)} takes a file from a reader`);
  }
  const before = JSON.stringify(await world.audit());
  let refused = 0;
  for (const { route, action, fields } of seen.forms.values()) {
    if (!route || route === 'explainUserSig') continue;
    const form = new URLSearchParams(fields);
    const response = await v.context.request.post(action, { data: form.toString(), headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, maxRedirects: 0 });
    if (response.status() >= 400) refused++;
    else fault(`${route} has status ${response.status()} for a reader`);
  }
  if (JSON.stringify(await world.audit()) !== before) fault('a reader has changed something: the audit trail has more');
  await end(v);
  return refused;
}

// choices changes language and theme, and logs out.
async function choices(browser, state) {
  const v = await Visitor.open(browser, url, { scripts: false });
  await v.context.addCookies(state.cookies);
  await v.visit(`/console/${world.app}/accounts`);
  await v.page.locator('[name=lang][value=zh]').click();
  await v.page.locator('html[lang=zh]').waitFor({ state: 'attached' });
  await v.page.locator('[name=theme][value=dark]').click();
  await v.page.locator('html[lang=zh][data-theme=dark]').waitFor({ state: 'attached' });
  if (!v.page.url().endsWith('/accounts')) fault('the choice of a theme leads to another page');
  await v.visit('/console/login');
  await attempt('/console/login', () => missing(v.page, ['#token']));
  return end(v);
}

async function logout(browser) {
  const v = await Visitor.open(browser, url, { scripts: false });
  await v.login(token);
  await v.page.locator('form[action="/console/logout"] button').click();
  await v.page.locator('#token').waitFor();
  v.status(401);
  if ((await v.visit('/console')) !== 401) fault('the session goes on after the log-out');
  return end(v);
}

async function end(v) {
  v.complaints.forEach(fault);
  await v.close();
}

// keys checks what the keyboard does on every page.
async function keys(v, entry) {
  const at = place(entry);
  if (entry.status) v.status(entry.status);
  await v.page.setViewportSize({ width: 1280, height: 900 });
  await v.visit(at);
  const search = v.page.locator('[data-key="/"]');
  if (await search.count()) {
    await v.page.keyboard.press('/');
    if (!(await search.evaluate((e) => e === document.activeElement && e.value.indexOf('/') < 0))) fault(`${at}: "/" does not lead to the search`);
    await v.visit(at);
  }
  await attempt(at, () => timed('keyboard', () => keyboard(v.page)));
  await v.page.keyboard.press('Home');
}

// complete checks that the tour has missed no form and no link of the pages.
async function complete() {
  for (const [route, at] of seen.routes) if (!used.has(route)) fault(`no action of the tour calls ${route}, which is on ${at}`);
  const known = new Set([...pages.map((entry) => anyApp(place(entry)).split('?')[0]), ...files]);
  for (const [link, at] of seen.links) if (link.startsWith('/console') && !known.has(link)) fault(`no entry of the tour has ${link}, to which ${at} leads`);
  for (const [link, at] of seen.links) if (!link.startsWith('/console') && (await fetch(url + link)).status !== 200) fault(`there is no ${link}, to which ${at} leads`);
}

const anyApp = (path) => path.replace(/\/console\/\d+/, '/console/:app');

const begin = performance.now();
await world.fill();
await world.fillHostile();
const on = await world.sibling('on'), off = await world.sibling('off');
const browser = await launch(chromium);
try {
  const first = await Visitor.open(browser, url);
  const state = await first.login(token);
  await end(first);
  await attempt('log-in', () => login(browser));
  await attempt('link', () => link(browser));

  const open = async (options) => {
    const v = await Visitor.open(browser, url, { state, ...options });
    await v.context.addCookies([{ name: 'rollcall_lang', value: options.lang, url: `${url}/console` }]);
    return v;
  };

  // Two visitors at a time: one for each language; then one with scripts and one without.
  await Promise.all(['en', 'zh'].map(async (lang) => {
    const v = await open({ lang });
    for (const entry of pages) await attempt(`${place(entry)} ${lang}`, () => look(v, entry, lang));
    await end(v);
  }));
  await Promise.all([['en', true, on], ['zh', false, off]].map(async ([lang, scripts, w]) => {
    const v = await open({ lang, scripts });
    for (const entry of pages) {
      const at = place(entry);
      if (scripts) {
        if (!entry.alike) await attempt(at, () => keys(v, entry));
        if (entry.live) await attempt(`${at} live`, () => entry.live(v, w, place(entry, w)));
      } else {
        if (entry.status) v.status(entry.status);
        await attempt(at, async () => { await v.visit(at); return (await missing(v.page, entry.has)).map((f) => `without scripts ${f}`); });
      }
      for (const action of entry.actions ?? []) {
        if (action.when && !action.when(w)) continue;
        const what = `${at} ${of(action.form ?? action.click, w)} ${scripts ? 'with' : 'without'} scripts`;
        const run = () => attempt(what, () => timed('actions', () => act(v, entry, action, w)));
        await (entry.alone ? alone(run) : run());
      }
    }
    await end(v);
  }));

  // Nothing was left out.
  if (!ROLLCALL_ONLY) await complete();

  await attempt('reader', async () => { passed.reader = await timed('reader', () => reader(browser)); });
  passed.stolen = await timed('stolen', () => thief(() => open({ lang: 'en' }), world, [...seen.forms.values()], fault));
  await attempt('choices', () => choices(browser, state));
  await attempt('log-out', () => logout(browser));
} finally {
  await browser.close();
  await own?.stop();
}

console.log(Object.entries(spent).map(([k, ms]) => `${k} ${(ms / 1000).toFixed(1)}s`).join(', '), `all ${((performance.now() - begin) / 1000).toFixed(1)}s`);
console.log(`${passed.pages} pages looked at, ${passed.actions} actions done, ${passed.reader} forms of a reader and ${passed.stolen} stolen forms refused, ${faults.size} faults`);
process.exitCode = faults.size ? 1 : 0;
