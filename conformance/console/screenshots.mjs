// Writes the pictures of the console for the documents: node screenshots.mjs DIRECTORY.
// The data are those of the tour, without what strangers add, and the clock of the app
// stands still.
import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { launch, Visitor } from './browser.mjs';
import { chromium, serve } from './start.mjs';

const most = 120_000; // bytes of a picture

const run = promisify(execFile);
const directory = process.argv[2];
if (!directory) throw new Error('name the directory of the pictures');

const w = await serve();

// activity makes calls of several commands, some of which are refused.
async function activity() {
  const live = 'im_open_login_svc';
  for (let i = 0; i < 8; i++) {
    const id = `demo_0${i + 1}`;
    await w.call('profile/portrait_get', { To_Account: [id], TagList: ['Tag_Profile_IM_Nick'] });
    await w.call(`${live}/account_check`, { CheckItem: [{ UserID: id }, { UserID: 'nobody' }] });
    if (i % 3 === 1) await w.call(`${live}/kick`, { UserID: 'nobody' });
    if (i % 3 === 2) await w.call('openim/query_online_status', { To_Account: [id, 'nobody'], IsNeedDetail: 1 });
  }
}
const browser = await launch(chromium);
try {
  await w.ofApp('PATCH', '/clock', { now: '2026-03-02T09:00:00Z', frozen: true });
  await w.fill();
  const first = await Visitor.open(browser, w.url);
  const state = await first.login(w.token);
  await first.close();

  await activity();
  const pictures = {
    start: { at: `/console?app=${w.app}` },
    accounts: { at: `/console/${w.app}/accounts?prefix=demo` },
    calls: { at: `/console/${w.app}/calls` },
    call: { at: `/console/${w.app}/call?id=${w.calls.part.id}` },
    try: { at: `/console/${w.app}/try?command=account_check`, send: { form: '#call', field: 'CheckItem', text: '[\n  {"UserID": "demo_01"},\n  {"UserID": "nobody"}\n]' } },
    settings: { at: `/console/${w.app}/app/settings`, theme: 'dark' },
  };
  for (const [name, { at, theme = 'light', send }] of Object.entries(pictures)) {
    const v = await Visitor.open(browser, w.url, { state, theme, width: 1280, height: 800 });
    const status = await v.visit(at);
    if (status !== 200 || v.complaints.length) throw new Error(`${at}: status ${status} ${v.complaints}`);
    if (send) {
      const form = v.page.locator(send.form);
      await form.locator(`[name$="${send.field}"]`).fill(send.text);
      await Promise.all([v.page.waitForEvent('load'), form.locator('button[type=submit]').click()]);
      await v.page.evaluate(() => scrollTo(0, 0));
    }
    const file = join(directory, `console-${name}.png`);
    await v.page.screenshot({ path: file });
    await run('pngquant', ['--force', '--skip-if-larger', '--strip', '--speed', '1', '--output', file, '256', file]).catch((e) => { if (e.code !== 98) throw e; }); // 98: it would not be smaller
    const { size } = await stat(file);
    console.log(`${file}: ${(size / 1000).toFixed(0)} KB`);
    if (size > most) throw new Error(`${file} has ${size} bytes, more than ${most}`);
    await v.close();
  }
} finally {
  await browser.close();
  await w.stop();
}
