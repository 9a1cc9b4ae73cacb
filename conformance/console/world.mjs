// The server that the console belongs to, as its admin API and its account API show it,
// and the data that the tour finds there.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';

// Texts that a stranger can choose: HTML, controls of direction, and the longest nick.
export const hostile = {
  html: `"><img src=x onerror=alert(1)>`,
  nick: `<script>alert(2)</script><b>bold</b>`,
  bidi: 'a\u202eb\u2066c\u200fd',
  long: `${'w'.repeat(497)}界`, // 500 bytes
};

// The people of the demo. Nobody has these names.
const people = ['Anna Sample', 'Ben Example', '示例用户', 'Carla Placeholder', 'Demo Dora', '测试小明', 'Emil Muster', 'Fiona Fixture'];

// A World is an app of the server. dir is the directory from which the server imports files.
export class World {
  constructor({ url, token, app, dir }) {
    Object.assign(this, { url, token, app: Number(app), dir });
  }

  // sibling creates another test app, with the same data, and returns its World.
  async sibling(name) {
    this.siblings = (this.siblings ?? 0) + 1;
    const w = new World({ ...this, app: this.app + this.siblings });
    w.name = name;
    const { status, body } = await this.admin('POST', '/apps', { sdkappid: w.app, name, test: true });
    assert.equal(status, 201, JSON.stringify(body));
    await w.fill();
    return w;
  }

  // admin calls a route of the admin API and returns its status and body.
  async admin(method, path, body, headers = { 'Content-Type': 'application/json' }) {
    const response = await fetch(`${this.url}/admin/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${this.token}`, ...(body === undefined ? {} : headers) },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, body: /json$/.test(response.headers.get('Content-Type') ?? '') ? JSON.parse(text) : text };
  }

  // ofApp calls a route of the app, which must succeed.
  async ofApp(method, path, body, headers) {
    const { status, body: result } = await this.admin(method, `/apps/${this.app}${path}`, body, headers);
    assert.ok(status < 300, `${method} ${path}: ${status} ${JSON.stringify(result)}`);
    return result;
  }

  // account returns an account, or undefined.
  async account(id) {
    const { status, body } = await this.admin('GET', `/apps/${this.app}/accounts:get?userid=${encodeURIComponent(id)}`);
    return status === 200 && !body.deleted_at ? body : undefined;
  }

  // audit returns the newest entries of the audit trail.
  async audit() {
    const { body } = await this.admin('GET', '/audit?limit=100');
    return body.entries;
  }

  // call makes a call of the account API. Without signature it is refused.
  async call(command, body, query = this.signature) {
    const search = new URLSearchParams({ sdkappid: this.app, random: 1, contenttype: 'json', ...query });
    const response = await fetch(`${this.url}/v4/${command}?${search}`, { method: 'POST', body: JSON.stringify(body) });
    return { id: response.headers.get('Rollcall-Request-Id'), ...(await response.json()) };
  }

  // accounts imports accounts. The import has a key, under which it stays in the list.
  async accounts(key, list) {
    const lines = list.map((a) => `${JSON.stringify(a)}\n`).join('');
    await this.ofApp('POST', '/accounts:import', lines, { 'Content-Type': 'application/x-ndjson', 'Idempotency-Key': key });
  }

  // dead sends an event to a receiver that is gone, and waits for the dead letter. Then the
  // webhook has a receiver that is not there, where events wait.
  async dead() {
    const receiver = createServer((request, response) => response.writeHead(410).end());
    await new Promise((done) => receiver.listen(0, '127.0.0.1', done));
    try {
      await this.ofApp('PUT', '/webhook', { url: `http://127.0.0.1:${receiver.address().port}/`, mode: 'reliable' });
      await this.ofApp('POST', '/devices:login', { userid: 'demo_06', platform: 'Android', address: '192.0.2.6' });
      for (;;) {
        if ((await this.ofApp('GET', '/webhook/deliveries')).dead_letters.length > 0) break;
        await new Promise((done) => setTimeout(done, 50));
      }
    } finally {
      receiver.close();
      receiver.closeAllConnections();
    }
    await this.ofApp('PUT', '/webhook', { url: 'http://127.0.0.1:9/', mode: 'reliable' });
  }

  // fill makes the data of the demo: accounts of more than one page, an app that is no
  // test app, and calls that succeed, fail in part, and are refused.
  async fill() {
    this.status = (await this.admin('GET', '/status')).body;
    const { identifier, usersig } = await this.ofApp('POST', '/usersig', {});
    this.signature = { identifier, usersig };
    await this.accounts('people', people.concat(people.slice(0, 4)).map((nick, i) => ({ userid: `demo_${String(i + 1).padStart(2, '0')}`, nick, profile: { Tag_Profile_IM_Gender: i % 2 ? 'Gender_Type_Male' : 'Gender_Type_Female' } })));
    await this.accounts('guests', Array.from({ length: 110 }, (_, i) => ({ userid: `guest_${String(i).padStart(3, '0')}` })));
    await this.ofApp('POST', '/devices:login', { userid: 'demo_05', platform: 'Web', address: '192.0.2.5' });
    const live = 'im_open_login_svc';
    this.calls = {
      ok: await this.call(`${live}/account_import`, { UserID: 'demo_01', Nick: people[0] }),
      part: await this.call(`${live}/multiaccount_import`, { AccountList: [{ UserID: 'demo_02' }, { UserID: '@bad' }] }),
      refused: await this.call(`${live}/account_check`, { CheckItem: [{ UserID: 'demo_01' }] }, { identifier, usersig: 'eJwrong' }),
      checked: await this.call(`${live}/account_check`, { CheckItem: people.map((_, i) => ({ UserID: `demo_0${i + 1}` })) }),
    };
  }

  // fillHostile adds what a stranger could.
  async fillHostile() {
    await this.accounts('strangers', [
      { userid: hostile.html, nick: hostile.nick },
      { userid: 'bidi', nick: hostile.bidi },
      { userid: 'long', nick: hostile.long },
    ]);
    await this.admin('POST', `/apps/${this.app}/accounts:import`, `${JSON.stringify({ userid: hostile.html, nick: hostile.nick.repeat(30) })}\n`, { 'Content-Type': 'application/x-ndjson', 'Idempotency-Key': 'broken' });
    await this.admin('POST', '/apps', { sdkappid: this.app + 90, name: hostile.long.slice(0, 200) });
    const live = 'im_open_login_svc';
    this.strange = [
      await this.call(`${live}/account_import`, { UserID: hostile.html, Nick: hostile.bidi }),
      await this.call(`${live}/account_import`, { UserID: hostile.bidi.repeat(60), Nick: hostile.nick }),
      await this.call(`${live}/account_check`, { CheckItem: [{ UserID: hostile.html }] }, { identifier: hostile.html, usersig: hostile.nick }),
    ];
  }
}
