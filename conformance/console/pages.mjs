// The pages of the console. An entry has
//
//   at       address below the console; :app is the app
//   has      selectors of what the page must show, with scripts and without
//   actions  what can be done there; see below
//   live     checks what needs scripts
//
// An action fills in a form as a person would and sends it:
//
//   form     selector of the form
//   fields   values by the name of the input; m tells the visitors of a tour apart
//   shows    selector of what must be there afterwards; a message of success if absent
//   before   prepares what the action changes
//   check    fails if the action has not done what it should
import assert from 'node:assert/strict';

export const pages = [
  { at: '', has: ['main a[href*="app="]'] },
  {
    at: '/:app/accounts',
    has: ['#search', 'th[scope=col]', 'td a[href*="userid=demo_01"]', '.pager a[rel=next]', 'bdi.id'],
    actions: [
      { form: 'form[role=search]', fields: { prefix: 'demo_0' }, shows: 'td a[href*="userid=demo_09"]' },
    ],
  },
];

// Links to these are no pages: files, and what acts at once.
export const files = [];

// Links to these lead to pages that are not there yet.
export const coming = ['/console/:app/account', '/console/:app/usersig', '/console/:app/calls', '/console/:app/try', '/console/:app/app', '/console/server'];
