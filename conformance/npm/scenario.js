// Calls all commands with imsdk-restapi-nodejs-es6-sdk, from the import of accounts
// to their deletion.
'use strict';

const assert = require('assert');
const { newClient } = require('./client.js');

let steps = 0;

// want sends one request and compares the given fields, which must be equal.
async function want(client, service, command, body, fields) {
  const { status, data } = await client.request(service, command, body);
  assert.strictEqual(status, 200);
  assert.strictEqual(data.ActionStatus, fields.ErrorCode === 0 ? 'OK' : 'FAIL', `${command}: ${JSON.stringify(data)}`);
  for (const [name, value] of Object.entries(fields)) {
    assert.deepStrictEqual(data[name], value, `${command}: ${name} of ${JSON.stringify(data)}`);
  }
  steps++;
}

const login = 'im_open_login_svc';
const ok = { ErrorCode: 0, ErrorInfo: '' };

function status(UserID, AccountStatus) {
  return { UserID, ResultCode: 0, ResultInfo: '', AccountStatus };
}

function profile(To_Account, nick, image) {
  return {
    To_Account,
    ProfileItem: [{ Tag: 'Tag_Profile_IM_Nick', Value: nick }, { Tag: 'Tag_Profile_IM_Image', Value: image }],
    ResultCode: 0,
    ResultInfo: '',
  };
}

async function imports(admin) {
  const profiles = { To_Account: ['alice', 'bob'], TagList: ['Tag_Profile_IM_Nick', 'Tag_Profile_IM_Image'] };
  const stored = { ErrorCode: 0, UserProfileItem: [profile('alice', 'Alice', 'a.png'), profile('bob', 'Bob', 'b.png')] };
  await want(admin, login, 'account_import', { Identifier: 'alice', Nick: 'Alice', FaceUrl: 'a.png' }, ok);
  await want(admin, login, 'multiaccount_import', { AccountList: [{ UserID: 'bob', Nick: 'Bob', FaceUrl: 'b.png' }] }, { ...ok, FailAccounts: [] });
  await want(admin, 'profile', 'portrait_get', profiles, stored);
  await want(admin, login, 'multiaccount_import', { Accounts: ['alice', 'bob', 'carol', '@bad'] }, { ...ok, FailAccounts: ['@bad'] });
  await want(admin, login, 'account_import', { UserID: 'alice', Nick: '', FaceUrl: '' }, ok);
  await want(admin, 'profile', 'portrait_get', profiles, stored);
  await want(admin, login, 'account_check', { CheckItem: [{ UserID: 'carol' }, { UserID: 'dave' }] }, {
    ...ok, ResultItem: [status('carol', 'Imported'), status('dave', 'NotImported')],
  });
}

async function profilesAndPresence(admin) {
  const level = { Tag: 'Tag_Profile_IM_Level', Value: 7 };
  await want(admin, 'profile', 'portrait_set', { From_Account: 'carol', ProfileItem: [level] }, { ErrorCode: 0, ErrorDisplay: '' });
  await want(admin, 'profile', 'portrait_get', { To_Account: ['carol', 'dave'], TagList: ['Tag_Profile_IM_Level'] }, {
    ErrorCode: 0, Fail_Account: ['dave'],
  });
  await want(admin, 'openim', 'query_online_status', { To_Account: ['alice', 'dave'], IsNeedDetail: 0 }, {
    ...ok, QueryResult: [{ To_Account: 'alice', Status: 'Offline' }], ErrorList: [{ To_Account: 'dave', ErrorCode: 70107 }],
  });
  await want(admin, 'openim', 'querystate', { To_Account: ['alice'] }, { ...ok, QueryResult: [{ To_Account: 'alice', State: 'Offline' }] });
  await want(admin, login, 'kick', { Identifier: 'alice' }, ok);
  await want(admin, login, 'kick', { UserID: 'dave' }, { ErrorCode: 70107, ErrorInfo: 'Err_TLS_PT_Open_Login_Account_Not_Exist' });
}

async function errors(admin) {
  const many = Array.from({ length: 101 }, (_, i) => `user${i}`);
  await want(admin, login, 'nothing', {}, { ErrorCode: 60009 });
  await want(admin, login, 'account_import', {}, { ErrorCode: 70402 });
  await want(admin, login, 'account_import', { UserID: 12345 }, { ErrorCode: 60015 });
  await want(admin, login, 'account_import', { UserID: 'dave', Nick: 'x'.repeat(501) }, { ErrorCode: 40601 });
  await want(admin, login, 'multiaccount_import', { Accounts: many }, { ErrorCode: 70402 });
  await want(admin, login, 'account_check', { CheckItem: [{ UserID: 'user0' }, { UserID: 'dave' }] }, {
    ErrorCode: 0, ResultItem: [status('user0', 'NotImported'), status('dave', 'NotImported')],
  });
  await want(admin, 'profile', 'portrait_set', { From_Account: 'dave', ProfileItem: [{ Tag: 'Tag_Profile_IM_Nick', Value: 'D' }] }, { ErrorCode: 40003 });
  await want(admin, 'openim', 'querystate', { To_Account: [] }, { ErrorCode: 90001 });
  await want(newClient('alice'), login, 'account_check', { CheckItem: [{ UserID: 'alice' }] }, { ErrorCode: 70403 });
}

async function deletion(admin) {
  await want(admin, login, 'account_delete', { DeleteItem: [{ UserID: 'bob' }, { UserID: 'dave' }] }, {
    ...ok,
    ResultItem: [
      { ResultCode: 0, ResultInfo: '', UserID: 'bob' },
      { ResultCode: 70107, ResultInfo: 'Err_TLS_PT_Open_Login_Account_Not_Exist', UserID: 'dave' },
    ],
  });
  await want(admin, login, 'account_check', { CheckItem: [{ UserID: 'bob' }] }, { ...ok, ResultItem: [status('bob', 'NotImported')] });
  await want(admin, login, 'account_import', { UserID: 'bob' }, ok);
}

(async () => {
  const admin = newClient('administrator');
  for (const part of [imports, profilesAndPresence, errors, deletion]) {
    await part(admin);
  }
  console.log(`${steps} steps passed`);
})().catch((err) => {
  console.error(err.message);
  process.exitCode = 1;
});
