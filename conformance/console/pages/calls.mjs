// The pages of UserSigs, of calls, and of trying commands out.
import assert from 'node:assert/strict';
import { hostile } from '../world.mjs';

const live = 'im_open_login_svc';

export const calls = [
  {
    at: '/:app/usersig',
    has: ['#make', '#explain'],
    actions: [
      { form: '#make', fields: { identifier: 'demo_01', validity_s: '3600' }, shows: '[role=status] pre' },
      {
        form: '#explain', fields: (w) => ({ usersig: w.signature.usersig, identifier: w.signature.identifier }), shows: '[role=status], ol, table',
        check: async (w, page) => assert.match(await page.locator('main').innerText(), /administrator/),
      },
      { form: '#explain', fields: { usersig: hostile.html, identifier: hostile.bidi }, shows: '#explain .problem', refused: 400 },
    ],
  },
  {
    at: '/:app/calls',
    has: ['#search', '#command', 'td a[href*="/call?id="]', 'a.tag.bad'],
    actions: [
      { form: 'form[role=search]', fields: { command: 'account_check', code: '0' }, shows: 'td code:has-text("account_check")' },
      { form: 'form[role=search]', fields: { userid: 'nobody' }, shows: '.empty' },
    ],
    live: async (v, w, at) => {
      await v.visit(at);
      const { id } = await w.call(`${live}/account_check`, { CheckItem: [{ UserID: 'demo_05' }] });
      await v.page.locator(`td a[href$="/call?id=${id}"]`).waitFor(); // without a click
      await v.page.locator('[data-pause]').click();
      assert.equal(await v.page.locator('[data-pause]').getAttribute('aria-pressed'), 'true');
    },
  },
  { at: '/:app/calls?command=querystate', has: ['#search', '.empty'] },
  {
    at: (w) => `/:app/call?id=${w.calls.part.id}`,
    has: ['dl.values', 'pre.body', 'table a[href*="userid=%40bad"]', 'details.program', '#again'],
    actions: [{ form: '#again', shows: '.made[role=status] pre' }],
  },
  { at: (w) => `/:app/call?id=${w.calls.refused.id}`, has: ['.problem', 'pre.body'] },
  { at: (w) => `/:app/call?id=${w.strange[0].id}`, has: ['dl.values', 'pre.body'], alike: true },
  { at: (w) => `/:app/call?id=${w.strange[1].id}`, has: ['.problem', 'pre.body'], alike: true },
  { at: (w) => `/:app/call?id=${w.strange[2].id}`, has: ['.problem', 'pre.body'], alike: true },
  { at: '/:app/call?id=nothing', has: ['.problem'], status: 404 },
  {
    at: '/:app/try',
    has: ['nav.commands', '#call', '.empty'],
    actions: [
      { form: '#call', at: '/:app/try?command=account_import', fields: { 'body.UserID': 'tried', 'body.Nick': hostile.nick }, shows: '.made[role=status]', check: async (w, page) => { assert.ok(await w.account('tried')); assert.equal(await page.locator('#call [name$=UserID]').inputValue(), 'tried'); } },
      { form: '#call', at: '/:app/try?command=account_check&form=text', fields: { text: '{"CheckItem":[{"UserID":"demo_01"}]}' }, shows: '.made .tag.good' },
      { form: '#call', at: '/:app/try?command=account_check&form=text', fields: { text: hostile.html }, shows: '.made .problem' },
    ],
  },
  ...[
    'account_import', 'multiaccount_import', 'account_delete', 'account_check', 'kick', 'query_online_status', 'portrait_get', 'portrait_set', 'querystate', 'setnospeaking', 'getnospeaking', 'getappinfo', 'create_robot', 'delete_robot', 'get_all_robots', 'GetIPList',
  ].map((command) => ({ at: `/:app/try?command=${command}`, has: ['#call', 'nav.commands [aria-current]'], alike: true })),
];
