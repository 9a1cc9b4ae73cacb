// The pages of accounts and of their imports.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { hostile } from '../world.mjs';

const one = (id) => `/:app/account?userid=${encodeURIComponent(id)}`;

export const accounts = [
  {
    at: '/:app/accounts',
    has: ['#search', 'th[scope=col]', 'td a[href*="userid=demo_01"]', '.pager a[rel=next]', 'bdi.id', '#add', 'form[action$="/export"]'],
    actions: [
      { form: 'form[role=search]', fields: { prefix: 'demo_0' }, shows: 'td a[href*="userid=demo_09"]' },
      { click: '.pager a[rel=next]', shows: '.pager .off' },
      {
        form: '#add', fields: { userid: 'added', nick: hostile.nick }, shows: 'main bdi.id:has-text("added")',
        check: async (w) => assert.equal((await w.account('added')).nick, hostile.nick),
      },
      {
        form: '#delete', shows: '.done',
        before: (w) => w.accounts('doomed', [{ userid: 'doomed_1' }, { userid: 'doomed_2' }]),
        at: '/:app/accounts?prefix=doomed',
        on: async (page) => { for (const id of ['doomed_1', 'doomed_2']) await page.locator(`input[type=checkbox][value=${id}]`).check(); },
        check: async (w) => assert.equal((await w.account('doomed_1')) ?? (await w.account('doomed_2')), undefined),
      },
      {
        form: 'form[action$="/export"]', fields: { format: 'csv' },
        download: (text, name, w) => { assert.match(text, /demo_01/); assert.equal(name, `accounts-${w.app}.csv`); },
      },
      {
        form: 'form[action$="/export"]', fields: { format: 'ndjson' },
        download: (text) => assert.equal(JSON.parse(text.split('\n')[0]).userid.length > 0, true),
      },
    ],
    live: async (v, w, at) => {
      await v.visit(at);
      await v.page.locator('#search').pressSequentially('demo_0'); // the list follows what is typed
      await v.page.locator('td a[href*="userid=demo_09"]').waitFor();
      await v.page.locator('form[action$="/export"] input[name=prefix][value=demo_0]').waitFor({ state: 'attached' }); // so does the export
      assert.match(await v.page.locator('[data-follows=list-curl] code').textContent(), /prefix=demo_0/);
      await v.page.locator('td a[href*="userid=guest"]').first().waitFor({ state: 'detached' });
      assert.equal(await v.page.locator('form[action$="/export"] [name=prefix]').inputValue(), 'demo_0'); // and so does the export
      assert.match(await v.page.locator('#delete').getAttribute('action'), /prefix=demo_0#delete$/);
    },
  },
  { at: '/:app/online', has: ['.pager', 'td a[href*="userid=demo_05"]', '.tag'] },
  { at: '/:app/accounts?prefix=nobody', has: ['#search', '.empty'] },
  { at: '/:app/accounts?cursor=wrong', has: ['.problem'], status: 400 },
];

const devices = (w) => w.ofApp('GET', '/devices:get?userid=demo_01');

export const account = [
  {
    at: one('demo_01'),
    has: ['dl.values', 'time', '#change', '#kick', '#delete', '#sign', '#devices', '#login-device'],
    actions: [
      {
        form: '#change', fields: { 'profile.Tag_Profile_IM_Nick': 'Renamed', 'profile.Tag_Profile_IM_SelfSignature': hostile.bidi },
        check: async (w) => { const a = await w.account('demo_01'); assert.equal(a.nick, 'Renamed'); assert.equal(a.profile.Tag_Profile_IM_SelfSignature, hostile.bidi); },
      },
      { form: '#sign', fields: { validity_s: '3600' }, shows: '.done pre' },
      { form: '#login-device', fields: { platform: 'Android', address: '192.0.2.7' }, check: async (w) => assert.equal((await devices(w)).state, 'Online') },
      { form: '#set-status', fields: { custom_status: hostile.html }, check: async (w) => assert.equal((await devices(w)).custom_status, hostile.html) },
      { form: 'form[id^=silence-device]', check: async (w) => assert.ok((await devices(w)).devices[0].silent_to) },
      { form: 'form[id^=drop-device]', check: async (w) => assert.equal((await devices(w)).state, 'PushOnline') },
      { form: 'form[id^=reconnect-device]', check: async (w) => assert.equal((await devices(w)).state, 'Online') },
      { form: 'form[id^=logout-device]', check: async (w) => assert.equal((await devices(w)).state, 'Offline') },
      {
        before: (w) => w.ofApp('POST', '/devices:login', { userid: 'demo_01', platform: 'iPhone' }),
        form: 'form[id^=end-device]', check: async (w) => assert.deepEqual((await devices(w)).devices, []),
      },
      { form: '#kick', check: async (w) => assert.ok((await w.account('demo_01')).kicked_at) },
      { form: '#unkick', check: async (w) => assert.equal((await w.account('demo_01')).kicked_at, undefined) },
      { form: '#delete', at: one('demo_02'), shows: '.done', check: async (w) => assert.equal(await w.account('demo_02'), undefined) },
      { form: '#add', at: one('demo_02'), check: async (w) => assert.ok(await w.account('demo_02')) },
    ],
    live: async (v, w, at) => {
      await v.visit(at);
      const button = v.page.locator('#delete button[type=submit]');
      assert.ok(await button.isDisabled(), 'the button works before the confirmation');
      await v.page.locator('#delete [data-confirm]').fill('demo_01');
      assert.ok(await button.isEnabled(), 'the button does not work after the confirmation');
      await v.page.locator('#change input[name$="IM_Nick"]:visible').fill("O'Neill");
      const line = await v.page.locator('#change details.curl code').textContent();
      assert.ok(line.includes(`O'\\''Neill`), `the line of curl is ${line}`);
    },
  },
  { at: one('nobody'), has: ['.empty', '#add'] },
  { at: one(hostile.html), has: ['dl.values', '#change', '#delete'], alike: true },
  { at: one('bidi'), has: ['dl.values'], alike: true },
  { at: one('long'), has: ['dl.values'], alike: true },
  { at: one(hostile.bidi), has: ['.problem'], alike: true, status: 400 }, // an id has no such characters
];

const file = (text) => ({ name: `${hostile.html}.csv`, mimeType: 'text/csv', buffer: Buffer.from(text) });
const state = async (w, key) => (await w.ofApp('GET', `/imports/${key}`)).state;

// ended waits for the end of an import, which must have imported an account.
async function ended(w, key, id) {
  for (;;) {
    const now = await state(w, key);
    if (now === 'done') break;
    assert.ok(!['failed', 'canceled'].includes(now), `the import is ${now}`);
  }
  assert.ok(await w.account(id));
}

const slow = '/:app/import?key=slow';

// running uploads a large file and imports a row of it per second.
async function running(w) {
  const rows = Array.from({ length: 300_000 }, (_, i) => `zz${i}\n`).join('');
  await w.ofApp('POST', '/imports:upload?file=slow.txt&format=ids', rows, { 'Content-Type': 'application/octet-stream', 'Idempotency-Key': 'slow' });
  await w.ofApp('PATCH', '/imports/slow', { rate: 1 });
}

export const imports = [
  {
    at: '/:app/imports',
    has: ['#upload input[type=file]', '#create', 'td a[href*="key=people"]'],
    actions: [
      {
        form: '#upload', button: 'button[formaction]', fields: { file: file('userid,nick\nlinda,Linda\n@bad,x\n'), key: 'file' }, shows: '.report[role=status] .bad',
        check: async (w) => assert.equal(await w.account('linda'), undefined),
      },
      {
        form: '#upload', fields: { file: file('userid,nick\nlinda,Linda\n@bad,x\n'), key: 'file' },
        check: (w) => ended(w, 'file', 'linda'),
      },
      { click: 'a[rel=first]', shows: '#upload' },
      {
        before: (w) => writeFile(`${w.dir}/${w.name}.csv`, 'userid,nick\nmona,Mona\n'),
        form: '#create', fields: (w) => ({ file: `${w.name}.csv`, key: 'server' }), check: (w) => ended(w, 'server', 'mona'),
      },
      { form: '#create', fields: { file: 'nothing.csv' }, shows: '#create .problem', refused: 400 },
    ],
  },
  {
    at: '/:app/import?key=people',
    has: ['dl.values', '.tag', '.empty'],
    actions: [
      { before: running, form: '#rate', at: slow, fields: { rate: '2' }, check: async (w) => assert.equal((await w.ofApp('GET', '/imports/slow')).rate, 2) },
      { form: '#pause', at: slow, check: async (w) => assert.match(await state(w, 'slow'), /paus/) },
      { form: '#resume', at: slow, check: async (w) => assert.doesNotMatch(await state(w, 'slow'), /paus/) },
      { form: '#cancel', at: slow, check: async (w) => assert.match(await state(w, 'slow'), /cancel/) },
    ],
  },
  { at: '/:app/import?key=broken', has: ['td bdi.id', 'a[download]'] },
  { at: '/:app/import?key=nothing', has: ['.problem'], status: 404 },
];
