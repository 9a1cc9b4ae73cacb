// Measures the console against its yardsticks, with bin/rollcall and Chromium on loopback:
//
//   make build && node conformance/console/measure.mjs
//
// The server time of the accounts page is a benchmark: go test ./internal/console -run '^$' -bench Accounts
import { createServer } from 'node:net';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { launch, Visitor } from './browser.mjs';
import { chromium, serve } from './start.mjs';

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const worst = (list) => Math.max(...list);
const kib = (n) => `${(n / 1024).toFixed(1)} KiB`;

const sections = (w) => ['/console', ...['accounts', 'usersig', 'calls', 'try', 'app'].map((s) => `/console/${w.app}/${s}`), '/console/server'];

// weigh returns the bytes of a page and all its files as they were sent, heads included,
// to a browser that has been here or not.
async function weigh(browser, w, state, address) {
  const v = await Visitor.open(browser, w.url, { state });
  const session = await v.context.newCDPSession(v.page);
  await session.send('Network.enable');
  const loaded = { bytes: 0, files: 0 };
  session.on('Network.loadingFinished', (e) => { loaded.bytes += e.encodedDataLength; loaded.files++; });
  const visit = async () => {
    Object.assign(loaded, { bytes: 0, files: 0 });
    await v.page.goto(w.url + address, { waitUntil: 'load' });
    await sleep(300); // modules that a page loads after it is complete
    return { ...loaded };
  };
  const first = await visit();
  const again = await visit();
  await v.close();
  return { first, again };
}

// clickTo clicks on a link or button and returns the milliseconds from the click until the
// page at an address is complete.
async function clickTo(page, selector, address) {
  await page.evaluate(() => {
    addEventListener('click', () => sessionStorage.setItem('clicked', performance.timeOrigin + performance.now()), true);
  });
  await page.locator(selector).click();
  await page.waitForURL((u) => u.pathname === address, { waitUntil: 'load' });
  return page.evaluate(() => {
    const { loadEventEnd } = performance.getEntriesByType('navigation')[0];
    return performance.timeOrigin + loadEventEnd - Number(sessionStorage.getItem('clicked'));
  });
}

// times returns the milliseconds of log-ins and of clicks on the menu.
async function times(browser, w, runs) {
  const list = { login: [], menu: [] };
  for (let i = 0; i < runs; i++) {
    const v = await Visitor.open(browser, w.url);
    await v.visit('/console');
    await v.page.locator('#token').fill(w.token);
    list.login.push(await clickTo(v.page, 'main form button', '/console'));
    list.menu.push(await clickTo(v.page, 'nav a[href$="/accounts"]', `/console/${w.app}/accounts`));
    await v.close();
  }
  return list;
}

// memory returns the heap after a collection, and the resident memory, in bytes.
async function memory(w) {
  for (let i = 0; i < 2; i++) await (await fetch(`${w.profiles}/debug/pprof/heap?gc=1`)).arrayBuffer();
  await sleep(3000); // the collector returns memory in the background
  const heap = await (await fetch(`${w.profiles}/debug/pprof/heap?gc=1&debug=1`)).text();
  const status = await readFile(`/proc/${w.pid}/status`, 'utf8');
  return { heap: Number(heap.match(/# HeapAlloc = (\d+)/)[1]), resident: 1024 * Number(status.match(/VmRSS:\s+(\d+)/)[1]) };
}

// profiled starts a server that tells its heap.
async function profiled() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  const w = await serve('--pprof-listen', `127.0.0.1:${port}`);
  w.profiles = `http://127.0.0.1:${port}`;
  return w;
}

// grow returns how much memory a server has more after a visit of every section.
async function grow(browser) {
  const w = await profiled();
  try {
    const before = await memory(w);
    const v = await Visitor.open(browser, w.url);
    await v.login(w.token);
    for (const address of sections(w)) await v.visit(address);
    await v.close();
    const after = await memory(w);
    return { heap: after.heap - before.heap, resident: after.resident - before.resident, before };
  } finally {
    await w.stop();
  }
}

const browser = await launch(chromium);
const w = await serve();
try {
  await w.fill();
  const visitor = await Visitor.open(browser, w.url);
  const state = await visitor.login(w.token);
  await visitor.close();
  for (const address of sections(w)) {
    const { first, again } = await weigh(browser, w, state, address);
    console.log(`first visit of ${address}: ${kib(first.bytes)} in ${first.files} files; the next one: ${kib(again.bytes)}`);
  }
  await times(browser, w, 3);
  const { login, menu } = await times(browser, w, 20);
  console.log(`click to complete: log-in and start page ${median(login).toFixed(0)} ms (at most ${worst(login).toFixed(0)}), accounts page of 100 rows ${median(menu).toFixed(0)} ms (at most ${worst(menu).toFixed(0)})`);
  const growths = [];
  for (let i = 0; i < 3; i++) growths.push(await grow(browser));
  console.log(`idle memory, before a visit: heap ${kib(median(growths.map((g) => g.before.heap)))}, resident ${kib(median(growths.map((g) => g.before.resident)))}`);
  console.log(`idle memory, added by a visit: heap ${kib(median(growths.map((g) => g.heap)))}, resident ${kib(median(growths.map((g) => g.resident)))}`);
} finally {
  await w.stop();
  await browser.close();
}
