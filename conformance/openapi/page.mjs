// Uses the page Try it of the console as a person would: follows /docs, logs in, imports an
// account, looks at the call. Nothing may come from another address, and nothing may be
// refused by the page's own policy.
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const { ROLLCALL_URL, ROLLCALL_TOKEN, ROLLCALL_SDKAPPID, ROLLCALL_CHROMIUM, ROLLCALL_SCREENSHOTS } = process.env;

const browser = await chromium.launch({ executablePath: ROLLCALL_CHROMIUM, chromiumSandbox: false });
const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-US', serviceWorkers: 'block' });
const page = await context.newPage();

const complaints = [];
page.on('console', (message) => {
  if (['error', 'warning'].includes(message.type())) complaints.push(`console: ${message.text()} ${message.location().url}`);
});
page.on('pageerror', (error) => complaints.push(`exception: ${error.message}`));
page.on('request', (request) => {
  const url = new URL(request.url());
  if (url.protocol !== 'data:' && url.protocol !== 'blob:' && url.origin !== ROLLCALL_URL) complaints.push(`asked ${url.origin}`);
});

let steps = 0;
async function step(name, run) {
  await run();
  steps++;
  if (ROLLCALL_SCREENSHOTS) await page.screenshot({ path: `${ROLLCALL_SCREENSHOTS}/${steps}-${name}.png`, fullPage: true });
}

const logIn = async (token) => {
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Log in' }).click();
};

await step('refused', async () => {
  await page.goto(`${ROLLCALL_URL}/docs`);
  await logIn('rct_wrong');
  await page.getByText('unknown or has expired').waitFor();
  while (/401/.test(complaints.at(-1) ?? '')) complaints.pop(); // the browser's own remarks
});

await step('start', async () => {
  await logIn(ROLLCALL_TOKEN);
  await page.waitForURL(`${ROLLCALL_URL}/console/${ROLLCALL_SDKAPPID}/try`);
  assert.equal(await page.locator('.commands a').count(), Number(process.env.ROLLCALL_COMMANDS));
});

await step('import', async () => {
  await page.locator('#call').getByLabel('UserID').fill('test');
  await page.getByRole('button', { name: 'Send' }).click();
  const body = JSON.parse(await page.locator('.made pre.body').innerText());
  assert.deepEqual(body, { ActionStatus: 'OK', ErrorInfo: '', ErrorCode: 0 });
});

await step('partly', async () => {
  await page.getByRole('link', { name: 'multiaccount_import' }).click();
  await page.getByRole('link', { name: 'a partly refused call' }).click();
  await page.getByRole('button', { name: 'Send' }).click();
  await page.locator('.made table').getByText('70402').waitFor();
});

await step('call', async () => {
  await page.locator('.made').getByRole('link', { name: /^Call / }).click();
  await page.getByText('As a test in Go').click();
  assert.match(await page.locator('details[open] code').innerText(), /rollcalltest\.NewServer/);
  assert.ok(!(await page.content()).includes(ROLLCALL_TOKEN), 'the page shows the token');
});

await step('tail', async () => {
  await page.goto(`${ROLLCALL_URL}/console/${ROLLCALL_SDKAPPID}/calls?command=kick`);
  await page.getByText('New calls appear by themselves.').waitFor();
  await fetch(`${ROLLCALL_URL}/admin/v1/apps/${ROLLCALL_SDKAPPID}/call`, {
    method: 'POST', headers: { Authorization: `Bearer ${ROLLCALL_TOKEN}` }, body: JSON.stringify({ command: 'kick', body: { UserID: 'test' } }),
  });
  await page.locator('tr.new').getByText('kick').waitFor();
});

await step('errors', async () => {
  assert.deepEqual(await page.evaluate(async () => [
    localStorage.length, sessionStorage.length, document.cookie, (await indexedDB.databases()).length, (await caches.keys()).length,
  ]), [0, 0, '', 0, 0]);
  await page.goto(`${ROLLCALL_URL}/docs/errors#70001`);
  assert.match(await page.locator('tr:target').innerText(), /UserSig in use is expired/);
});

await browser.close();
assert.deepEqual(complaints, []);
console.log(`${steps} steps passed`);
