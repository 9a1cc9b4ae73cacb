// Uses the example page of docs/links.md in a browser: it logs in, sets a custom status, comes
// back after its link was broken, and stays away after a kick.
import assert from 'node:assert/strict';
import { launch, Visitor } from './browser.mjs';
import { World } from './world.mjs';

const { ROLLCALL_URL: url, ROLLCALL_TOKEN: token, ROLLCALL_SDKAPPID: app, ROLLCALL_CHROMIUM: chromium, ROLLCALL_PAGE: pageURL, ROLLCALL_USERSIG: usersig } = process.env;
const world = new World({ url, token, app });
const browser = await launch(chromium);
let steps = 0;
const done = () => { steps++; };

// until waits until read returns want.
async function until(read, want) {
  for (;;) {
    const got = await read();
    if (got === want) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const devices = () => world.ofApp('GET', '/devices:get?userid=alice');

try {
  const visitor = await Visitor.open(browser, new URL(pageURL).origin);
  const { page } = visitor;
  await page.goto(pageURL);
  const frames = async (type) => (await page.locator('#log').textContent()).split('\n').filter((l) => l && JSON.parse(l).type === type).length;
  const state = () => page.locator('#state').textContent();
  await page.locator('[name=url]').fill(`${url.replace(/^http/, 'ws')}/link`);
  await page.locator('[name=sdkappid]').fill(app);
  await page.locator('[name=userid]').fill('alice');
  await page.locator('[name=usersig]').fill(usersig);
  await page.locator('#login button').click();
  await until(state, 'online');
  const first = await devices();
  assert.equal(first.devices.length, 1);
  assert.equal(first.devices[0].platform, 'Web');
  done();

  await page.locator('[name=text]').fill('busy');
  await page.locator('#status button:not([type])').click();
  await until(async () => (await devices()).custom_status, 'busy');
  done();

  await world.ofApp('POST', '/devices:change', { userid: 'alice', device: first.devices[0].id, action: 'drop' });
  await until(() => frames('ready'), 2);
  await until(state, 'online');
  assert.equal(await frames('lost'), 1);
  assert.equal((await devices()).devices.length, 1);
  done();

  await world.ofApp('POST', '/accounts:kick', { userid: 'alice' });
  await until(state, 'logged out');
  assert.equal(await frames('kicked'), 2); // the first one was the broken link
  assert.equal((await devices()).devices.length, 0);
  done();
  assert.deepEqual(visitor.complaints.filter((c) => !c.includes(': asked ws:')), []);
} finally {
  await browser.close();
}
console.log(`${steps} steps passed`);
