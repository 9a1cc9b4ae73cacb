// The start page and the pages of the server.
import assert from 'node:assert/strict';
import { hostile } from '../world.mjs';

export const start = [
  {
    at: '',
    has: ['.cards .figure', 'nav.spans [aria-current]', 'svg[role=img] title', 'table', 'td a[href*="app="]'],
    actions: [
      { click: 'nav.spans a', shows: 'nav.spans a:last-child[aria-current]' },
      { click: 'a[href*="figures.csv"]', download: (text) => assert.match(text, /^\ufeff?time,/) },
      { form: 'form.choice', fields: (w) => ({ app: String(w.app) }), itself: true, shows: 'nav a[href$="/calls"]' },
    ],
  },
  { at: '?app=:app', has: ['.cards .figure', 'svg[role=img] title', 'td a[href*="/calls?code=70"]'] },
  { at: '?app=:app&last=30d', has: ['.cards .figure', 'svg[role=img] title'], alike: true },
  { at: '/nothing', has: ['.problem', 'main a'], status: 404 },
  {
    at: '/new-app',
    has: ['#create'],
    actions: [
      {
        form: '#create', fields: (w) => ({ sdkappid: String(w.app + 20), name: hostile.nick.slice(0, 40), test: true }), shows: '.once pre',
        check: async (w) => assert.equal((await w.admin('GET', `/apps/${w.app + 20}`)).status, 200),
      },
    ],
  },
];

const tokens = async (w) => (await w.admin('GET', '/tokens')).body.tokens;

export const server = [
  {
    at: '/server',
    has: ['nav.tabs', 'dl.values', '#reseal'],
    actions: [{ form: '#reseal' }],
  },
  {
    at: '/server/tokens',
    has: ['nav.tabs', 'td code', '#create'],
    actions: [
      { form: '#create', fields: (w) => ({ name: `robot of ${w.name}`, scopes: 'read' }), shows: '.once pre', check: async (w) => assert.ok((await tokens(w)).some((t) => t.name === `robot of ${w.name}`)) },
      {
        form: (w) => `form[id^=delete]:has([data-confirm="robot of ${w.name}"])`,
        check: async (w) => assert.ok(!(await tokens(w)).some((t) => t.name === `robot of ${w.name}`)),
      },
    ],
  },
  {
    at: '/server/audit',
    has: ['nav.tabs', 'form[role=search]', 'td time'],
    actions: [{ form: 'form[role=search]', fields: { action: 'session.start' }, shows: 'td a:has-text("session.start")' }],
  },
  { at: '/server/audit?actor=nobody', has: ['.empty'] },
  {
    at: '/server/backups',
    has: ['nav.tabs', '#verify'],
    alone: true, // one backup is made or checked at a time
    actions: [
      { form: '#create', when: (w) => !w.status.no_backup, fields: (w) => ({ dir: `${w.dir}/backup-${w.name}` }) },
      { form: '#verify', when: (w) => !w.status.no_backup, fields: (w) => ({ dir: `${w.dir}/backup-${w.name}` }), shows: 'dl.values' },
      { form: '#verify', fields: { dir: '/nothing' }, shows: '.problem' },
    ],
  },
  { at: '/server/settings', has: ['nav.tabs', 'td code', 'tr.changed'] },
  { at: '/server/jobs', has: ['nav.tabs', 'td a[href*="key=people"]'] },
];
