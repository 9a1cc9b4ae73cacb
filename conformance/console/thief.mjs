// A page of another origin that has stolen the forms of the console. The other port of the
// same address belongs to the same site, so the browser sends the cookie of the session.
import { createServer } from 'node:http';
import { once } from 'node:events';

const escape = (s) => s.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');

function stolen({ action, type, fields }) {
  const inputs = fields.map(([name, value]) => `<textarea name="${escape(name)}">\n${escape(value)}</textarea>`).join('');
  return `<!DOCTYPE html><title>x</title><form method="post" enctype="${type}" action="${escape(action)}">${inputs}<button>Win</button></form>`;
}

// thief sends each form from another origin and returns how many the console has refused.
export async function thief(open, world, forms, fault) {
  let current = '';
  const server = createServer((_, response) => response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(current));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${server.address().port}`;
  const v = await open();
  v.context.on('request', () => {});
  const before = JSON.stringify(await world.audit());
  const cookies = JSON.stringify(await v.context.cookies());
  let refused = 0;
  for (const form of forms) {
    const what = form.route ?? form.action;
    current = stolen(form);
    await v.page.goto(origin);
    const [response] = await Promise.all([
      v.page.waitForResponse((r) => r.request().method() === 'POST'),
      v.page.locator('button').click(),
    ]);
    const sent = await response.request().allHeaders();
    if (!/rollcall_session=/.test(sent.cookie ?? '')) fault(`stolen ${what}: the browser sends no session, so nothing is shown`);
    if (response.status() === 403) refused++;
    else fault(`stolen ${what}: status ${response.status()}`);
    await v.page.waitForLoadState();
  }
  if (JSON.stringify(await world.audit()) !== before) fault('a stolen form has changed something: the audit trail has more');
  if (JSON.stringify(await v.context.cookies()) !== cookies) fault('a stolen form has changed a cookie');
  if ((await v.visit('/console')) !== 200) fault('a stolen form has ended the session');
  const other = v.complaints.filter((c) => !/status of 403|asked http:\/\/127\.0\.0\.1|favicon/.test(c));
  other.forEach(fault);
  await v.close();
  server.close();
  server.closeAllConnections();
  return refused;
}
