// Uses the page at /docs as a person would: signs, imports an account, looks at
// it through the admin API. Nothing may come from another address, nothing may
// be refused by the page's own policy, and nothing may stay in the browser.
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const { ROLLCALL_URL, ROLLCALL_TOKEN, ROLLCALL_SDKAPPID, ROLLCALL_CHROMIUM, ROLLCALL_SCREENSHOTS } = process.env;

const browser = await chromium.launch({ executablePath: ROLLCALL_CHROMIUM, chromiumSandbox: false });
const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, serviceWorkers: 'block' });
const page = await context.newPage();

const complaints = [];
page.on('console', (message) => {
  if (['error', 'warning'].includes(message.type())) complaints.push(`console: ${message.text()}`);
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

// execute opens an operation, fills in the given values, sends the call, and returns the
// response that the page shows.
async function execute(id, fill = async () => {}) {
  const operation = page.locator(`.opblock[id$="-${id}"]`);
  await operation.locator('.opblock-summary').click();
  await fill(operation);
  await operation.getByRole('button', { name: 'Execute' }).click();
  const live = operation.locator('.live-responses-table');
  await live.waitFor();
  await live.scrollIntoViewIfNeeded();
  return {
    status: (await live.locator('tbody .response-col_status').first().innerText()).trim(),
    body: JSON.parse(await live.locator('tbody .highlight-code pre, tbody pre.microlight').first().innerText()),
    url: await operation.locator('.request-url').innerText(),
  };
}

const status = page.locator('#status');
const token = page.getByLabel('Admin token');

await step('start', async () => {
  await page.goto(`${ROLLCALL_URL}/docs`);
  await page.getByText('/v4/im_open_login_svc/account_import', { exact: true }).waitFor();
});

await step('refused', async () => {
  await token.fill('rct_wrong');
  await page.getByRole('button', { name: 'Sign' }).click();
  await page.locator('#status.failed').waitFor();
  assert.match(await status.innerText(), /valid token is missing/);
  assert.match(complaints.pop() ?? '', /401/); // the browser's own remark
});

await step('signed', async () => {
  await token.fill(ROLLCALL_TOKEN);
  await page.getByRole('button', { name: 'Sign' }).click();
  await page.getByText(`as administrator of app ${ROLLCALL_SDKAPPID}`).waitFor();
});

await step('import', async () => {
  const { status: code, body, url } = await execute('account_import');
  assert.equal(code, '200');
  assert.deepEqual(body, { ActionStatus: 'OK', ErrorInfo: '', ErrorCode: 0 });
  assert.match(url, new RegExp(`sdkappid=${ROLLCALL_SDKAPPID}&identifier=administrator&usersig=eJ`));
});

await step('admin', async () => {
  await page.getByRole('button', { name: 'Admin API' }).click();
  await page.getByText('/admin/v1/apps/{sdkappid}/accounts/{userid}', { exact: true }).waitFor();
  const { status: code, body } = await execute('readAccount', async (operation) => {
    await operation.getByPlaceholder('sdkappid').fill(ROLLCALL_SDKAPPID);
    await operation.getByPlaceholder('userid').fill('test');
  });
  assert.equal(code, '200');
  assert.equal(body.nick, 'test');
  assert.ok(!(await page.locator('#swagger-ui').innerText()).includes(ROLLCALL_TOKEN), 'the page shows the token');
});

await step('errors', async () => {
  assert.deepEqual(await page.evaluate(async () => [
    localStorage.length, sessionStorage.length, document.cookie, (await indexedDB.databases()).length, (await caches.keys()).length,
  ]), [0, 0, '', 0, 0]);
  await page.goto(`${ROLLCALL_URL}/docs/errors#70001`);
  assert.match(await page.locator('tr:target').innerText(), /UserSig in use is expired/);
});

assert.deepEqual(await context.cookies(), []);
await browser.close();
assert.deepEqual(complaints, []);
console.log(`${steps} steps passed`);
