// The tour of the console: every page and every action, in both languages, light and dark,
// at 1280 and 390 pixels, with scripts and without. It prints what is wrong.
import { launch, Visitor } from './browser.mjs';
import { World } from './world.mjs';
import { pages, files, coming } from './pages.mjs';
import { barriers, shape, harmless, keyboard } from './looks.mjs';
import { thief } from './thief.mjs';

const { ROLLCALL_URL: url, ROLLCALL_TOKEN: token, ROLLCALL_SDKAPPID: app, ROLLCALL_CHROMIUM: chromium } = process.env;

const world = new World({ url, token, app });
const faults = [];
const passed = { pages: 0, actions: 0, stolen: 0 };
const seen = { routes: new Map(), links: new Map(), forms: new Map() }; // each with the page where it was seen
const used = new Set(); // routes that an action has called
const spent = {};

async function timed(name, run) {
  const begin = performance.now();
  try { return await run(); } finally { spent[name] = (spent[name] ?? 0) + performance.now() - begin; }
}

// place returns the address of an entry.
const place = (entry) => `/console${(typeof entry.at === 'function' ? entry.at(world) : entry.at).replace(':app', world.app)}`;

async function attempt(what, run) {
  try {
    for (const fault of (await run()) ?? []) faults.push(`${what} ${fault}`);
  } catch (error) {
    faults.push(`${what}: ${error.message}`);
  }
}

const missing = async (page, selectors) => {
  const gone = [];
  for (const s of selectors) if (!(await page.locator(s).count())) gone.push(`lacks ${s}`);
  return gone;
};

// Each of these is looked at with axe-core in one language, because axe-core takes long and
// a language changes neither colours nor roles.
const views = [[1280, 'light', 'en'], [1280, 'dark', 'zh'], [390, 'dark', 'en'], [390, 'light', 'zh']];

// look looks at a page in one language, in both widths and themes.
async function look(v, entry, lang) {
  const at = place(entry);
  if (entry.status) v.status(entry.status);
  await v.page.setViewportSize({ width: 1280, height: 900 });
  await v.page.emulateMedia({ colorScheme: 'light' });
  const status = await timed('load', () => v.visit(at));
  if (status !== (entry.status ?? 200)) faults.push(`${at} has status ${status}`);
  await attempt(`${at} ${lang}`, () => missing(v.page, entry.has));
  if (v.scripts) await collect(v.page, at);
  for (const [width, theme, language] of views) {
    await v.page.setViewportSize({ width, height: 900 });
    await v.page.emulateMedia({ colorScheme: theme });
    const what = `${at} ${lang} ${width} ${theme}`;
    await attempt(what, () => shape(v.page, lang));
    if (language === lang) await attempt(what, () => timed('axe', () => barriers(v.page)));
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
  for (const link of found.links) seen.links.set(link.replace(/\/console\/\d+/, '/console/:app'), at);
}

// act does an action of a page.
async function act(v, entry, action, m) {
  const at = place(entry);
  const value = (x) => (typeof x === 'function' ? x(m, world) : x);
  await action.before?.(world, m);
  await v.visit(action.at ? place({ at: value(action.at) }) : at);
  const form = v.page.locator(value(action.form)).first();
  await form.evaluate((f) => { for (let d = f.closest('details'); d; d = d.parentElement.closest('details')) d.open = true; });
  for (const [name, x] of Object.entries(action.fields ?? {})) await enter(form.locator(`[name="${name}"]:not([type=hidden])`).first(), value(x));
  const confirm = form.locator('[data-confirm]');
  if (await confirm.count()) await confirm.fill(await confirm.getAttribute('data-confirm'));
  const route = await form.getAttribute('data-route');
  if (action.refused) v.status(action.refused);
  const submit = form.locator(action.button ?? 'button[type=submit], button:not([type])').first();
  await Promise.all([v.page.waitForNavigation(), submit.click()]);
  const wanted = value(action.shows) ?? '.done[role=status]';
  if (!(await v.page.locator(wanted).count())) {
    const problem = await v.page.locator('.problem').allInnerTexts();
    throw new Error(`lacks ${wanted} afterwards: ${problem}`);
  }
  await action.check?.(world, m, v.page);
  if (route) used.add(route);
  passed.actions++;
}

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

// choices changes language and theme, and logs out.
async function choices(browser, state) {
  const v = await Visitor.open(browser, url, { scripts: false });
  await v.context.addCookies(state.cookies);
  await v.visit(`/console/${world.app}/accounts`);
  await v.page.locator('[name=lang][value=zh]').click();
  await v.page.locator('html[lang=zh]').waitFor({ state: 'attached' });
  await v.page.locator('[name=theme][value=dark]').click();
  await v.page.locator('html[lang=zh][data-theme=dark]').waitFor({ state: 'attached' });
  if (!v.page.url().endsWith('/accounts')) faults.push('the choice of a theme leads to another page');
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
  if ((await v.visit('/console')) !== 401) faults.push('the session goes on after the log-out');
  return end(v);
}

async function end(v) {
  faults.push(...v.complaints);
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
    if (!(await search.evaluate((e) => e === document.activeElement && e.value.indexOf('/') < 0))) faults.push(`${at}: "/" does not lead to the search`);
    await v.visit(at);
  }
  await attempt(at, () => timed('keyboard', () => keyboard(v.page)));
  await v.page.keyboard.press('Home');
}

const begin = performance.now();
await world.fill();
await world.fillHostile();
const browser = await launch(chromium);
try {
  const first = await Visitor.open(browser, url);
  const state = await first.login(token);
  await end(first);
  await attempt('log-in', () => login(browser));

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
  await Promise.all([['en', true], ['zh', false]].map(async ([lang, scripts]) => {
    const v = await open({ lang, scripts });
    const m = scripts ? 'on' : 'off';
    for (const entry of pages) {
      const at = place(entry);
      if (scripts) {
        await attempt(at, () => keys(v, entry));
        if (entry.live) await attempt(`${at} live`, async () => { await v.visit(at); await entry.live(v.page, world); });
      } else {
        if (entry.status) v.status(entry.status);
        await attempt(at, async () => { await v.visit(at); return (await missing(v.page, entry.has)).map((f) => `without scripts ${f}`); });
      }
      for (const action of entry.actions ?? []) await attempt(`${at} ${action.form} ${m}`, () => timed('actions', () => act(v, entry, action, m)));
    }
    await end(v);
  }));

  // Nothing was left out.
  for (const [route, at] of seen.routes) if (!used.has(route)) faults.push(`no action of the tour calls ${route}, which is on ${at}`);
  const known = new Set([...pages.map((e) => place(e).replace(/\/console\/\d+/, '/console/:app').split('?')[0]), ...files, ...coming]);
  for (const [link, at] of seen.links) if (link.startsWith('/console') && !known.has(link)) faults.push(`no entry of the tour has ${link}, to which ${at} leads`);

  passed.stolen = await timed('stolen', () => thief(() => open({ lang: 'en' }), world, [...seen.forms.values()], faults));
  await attempt('choices', () => choices(browser, state));
  await attempt('log-out', () => logout(browser));
} finally {
  await browser.close();
}

console.log(Object.entries(spent).map(([k, ms]) => `${k} ${(ms / 1000).toFixed(1)}s`).join(', '), `all ${((performance.now() - begin) / 1000).toFixed(1)}s`);
for (const fault of new Set(faults)) console.log(`fault: ${fault}`);
console.log(`${passed.pages} pages looked at, ${passed.actions} actions done, ${passed.stolen} stolen forms refused, ${new Set(faults).size} faults`);
process.exitCode = faults.length ? 1 : 0;
