// Calls account_import and multiaccount_import in turns, as often as ROLLCALL_CALLS says,
// and prints what the client sees of each call: a line with the HTTP status and the body,
// or the error. The call with the number ROLLCALL_DELAYED is "late" if it takes at least
// half a second.
'use strict';

const { newClient } = require('./client.js');

function seen({ status, data }) {
  return `${status} ${typeof data === 'string' ? data.trim() : JSON.stringify(data)}`;
}

async function call(client, i) {
  const begin = process.hrtime.bigint();
  const late = () => (i === Number(process.env.ROLLCALL_DELAYED) && process.hrtime.bigint() - begin >= 500_000_000n ? 'late ' : '');
  try {
    const answer = i % 2 === 0
      ? await client.request('im_open_login_svc', 'account_import', { UserID: `user${i}` })
      : await client.request('im_open_login_svc', 'multiaccount_import', { Accounts: [`user${i}a`, `user${i}b`, `user${i}c`] });
    return late() + seen(answer);
  } catch (err) {
    return `${late()}error ${err.response ? seen(err.response) : err.code}`;
  }
}

(async () => {
  const admin = newClient('administrator');
  for (let i = 0; i < Number(process.env.ROLLCALL_CALLS); i++) {
    console.log(await call(admin, i));
  }
})();
