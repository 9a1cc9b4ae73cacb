// The pages of an app.
import assert from 'node:assert/strict';

const read = async (w) => w.ofApp('GET', '');
const hook = async (w) => w.ofApp('GET', '/webhook');
const spare = (w) => w.app + 10; // an app that an action removes

// setting changes a setting and takes the change back.
const setting = (name, value, key = `settings.${name}`) => [
  { form: `#set-${name}`, fields: { [key]: value }, check: async (w) => assert.ok(JSON.stringify((await read(w)).settings).includes(`"${name}"`), 'the setting has not changed') },
  { form: `#reset-${name}`, check: async (w) => assert.ok(!JSON.stringify((await read(w)).settings).includes(`"${name}"`), 'the setting is still changed') },
];

export const app = [
  {
    at: '/:app/app',
    has: ['dl.values', 'nav.tabs', '#change', '#add-admin', '#end-test', '#delete'],
    actions: [
      { form: '#change', fields: { name: 'Renamed' }, check: async (w) => assert.equal((await read(w)).name, 'Renamed') },
      { form: '#add-admin', fields: { userid: 'demo_03' }, check: async (w) => assert.ok((await read(w)).admins.includes('demo_03')) },
      { form: 'form[id^=remove-admin]', check: async (w) => assert.ok(!(await read(w)).admins.includes('demo_03')) },
      {
        form: '#end-test', at: (w) => `/${spare(w)}/app`,
        before: (w) => w.admin('POST', '/apps', { sdkappid: spare(w), test: true }),
        check: async (w) => assert.ok(!(await w.admin('GET', `/apps/${spare(w)}`)).body.test),
      },
      { form: '#delete', at: (w) => `/${spare(w)}/app`, check: async (w) => assert.equal((await w.admin('GET', `/apps/${spare(w)}`)).status, 404) },
    ],
  },
  {
    at: '/:app/app/settings',
    has: ['nav.tabs', '#set-quota', '#set-words', '#set-custom_tags', '#set-any_signature'],
    actions: [
      ...setting('quota', '5000'),
      ...setting('words', 'bad\nworse'),
      ...setting('strict_ids', true),
      ...setting('rate_mode', 'shadow'),
      ...setting('custom_tags', '[{"key":"Score","number":true}]'),
      ...setting('rate_limits', '7', 'settings.rate_limits.account_import'),
    ],
  },
  {
    at: '/:app/app/keys',
    has: ['nav.tabs', 'code', '#make', '#add-secret', '#add-public'],
    actions: [
      { form: '#make', shows: '.once pre', check: async (w) => assert.equal((await read(w)).keys.length, 2) },
      { form: '#add-secret', fields: { secret: 'ab'.repeat(32) }, check: async (w, page) => assert.ok(!(await page.content()).includes('abababab')) },
      {
        form: '#add-public',
        fields: { public_key: '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n-----END PUBLIC KEY-----' },
        check: async (w) => assert.equal((await read(w)).keys.length, 4),
      },
      { form: 'form[id^=retire]', check: async (w) => assert.ok((await read(w)).keys.some((k) => k.retired_at)) },
    ],
  },
  {
    at: '/:app/app/webhook',
    has: ['nav.tabs', '#set'],
    actions: [
      { form: '#set', fields: { url: 'https://127.0.0.1:9/hooks', mode: 'reliable', token: 'ab'.repeat(32) }, shows: '.once pre', check: async (w, page) => { assert.ok((await hook(w)).token); assert.ok(!(await page.content()).includes('abababab')); } },
      { form: '#verify', shows: '.problem' },
      { form: '#new-secret', shows: '.once pre' },
      { form: '#remove-token', shows: '.done', check: async (w) => assert.equal((await hook(w)).token, false) },
      {
        before: (w) => w.dead(), form: 'form[id^=replay-6]', // of a dead letter
        check: async (w) => assert.deepEqual((await w.ofApp('GET', '/webhook/deliveries')).dead_letters, []),
      },
      {
        before: (w) => w.dead(), form: '#replay-all',
        check: async (w) => assert.deepEqual((await w.ofApp('GET', '/webhook/deliveries')).dead_letters, []),
      },
      { form: '#unset', check: async (w) => assert.equal((await w.admin('GET', `/apps/${w.app}/webhook`)).status, 404) },
    ],
  },
  { at: '/:app/app/rates', has: ['nav.tabs', '.empty'] },
  {
    at: '/:app/app/testkit',
    has: ['nav.tabs', 'time', '#clock-set', '#add-fault', '#take', '#reset', '.empty'],
    actions: [
      { form: '#clock-freeze', check: async (w) => assert.ok((await w.ofApp('GET', '/clock')).frozen) },
      { form: '#clock-set', fields: { now: '2030-01-02T03:04:05' }, check: async (w) => assert.match((await w.ofApp('GET', '/clock')).now, /^2030-01-02T03:04:05/) },
      { form: '#clock-advance', fields: { advance_ms: '1m' }, check: async (w) => assert.match((await w.ofApp('GET', '/clock')).now, /^2030-01-02T03:05/) },
      { form: '#clock-day', check: async (w) => assert.match((await w.ofApp('GET', '/clock')).now, /^2030-01-03/) },
      { form: '#clock-real', check: async (w) => assert.equal((await w.ofApp('GET', '/clock')).offset_ms, 0) },
      {
        form: '#add-fault', fields: { command: 'account_check', code: '70500', times: '2', info: '<b>x' },
        check: async (w) => assert.equal((await w.ofApp('GET', '/faults')).faults[0].fault.code, 70500),
      },
      { form: 'form[id^=remove-fault]', check: async (w) => assert.deepEqual((await w.ofApp('GET', '/faults')).faults, []) },
      { before: (w) => w.ofApp('POST', '/faults', { code: 70500 }), form: '#clear-faults', check: async (w) => assert.deepEqual((await w.ofApp('GET', '/faults')).faults, []) },
      { form: '#take', fields: { name: 'before' }, check: async (w) => assert.equal((await w.ofApp('GET', '/snapshots')).snapshots[0].name, 'before') },
      { before: (w) => w.accounts('later', [{ userid: 'later' }]), form: 'form[id^=restore]', check: async (w) => assert.equal(await w.account('later'), undefined) },
      { form: 'form[id^=delete-snapshot]', check: async (w) => assert.deepEqual((await w.ofApp('GET', '/snapshots')).snapshots, []) },
      { form: '#reset', check: async (w) => assert.equal(await w.account('demo_01'), undefined) },
    ],
  },
];
