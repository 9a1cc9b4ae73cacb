'use strict';

// What the form gave. It lives as long as the page, and nowhere else.
const credentials = { token: '', signed: null };

const element = (id) => document.getElementById(id);

// say shows the outcome of the form.
function say(text, failed) {
  element('status').textContent = text;
  element('status').classList.toggle('failed', failed);
}

// admin calls the admin API with the token and returns the answer.
async function admin(method, path, body) {
  const response = await fetch('/admin/v1' + path, {
    method,
    headers: { Authorization: 'Bearer ' + credentials.token },
    body: body && JSON.stringify(body),
    cache: 'no-store',
  });
  const answer = await response.json();
  if (!response.ok) {
    const detail = answer.detail.charAt(0).toUpperCase() + answer.detail.slice(1);
    throw new Error(`${answer.title} ${detail}. ${answer.remedy}`);
  }
  return answer;
}

// testApps lists the apps that may be signed for, in the form too.
async function testApps() {
  const { apps } = await admin('GET', '/apps?limit=1000');
  const usable = apps.filter((app) => app.test && !app.disabled);
  element('apps').replaceChildren(...usable.map((app) => {
    const option = document.createElement('option');
    option.value = app.sdkappid;
    option.label = app.name;
    return option;
  }));
  return usable;
}

// sign gets a UserSig for what the form names.
async function sign() {
  credentials.token = element('token').value.trim();
  credentials.signed = null;
  const apps = await testApps();
  if (!element('sdkappid').value) {
    if (apps.length === 0) throw new Error('The token is good, but there is no test app to sign for.');
    element('sdkappid').value = apps[0].sdkappid;
  }
  const wanted = { validity_s: 24 * 60 * 60 };
  if (element('identifier').value) wanted.identifier = element('identifier').value;
  const signed = await admin('POST', '/apps/' + element('sdkappid').value + '/usersig', wanted);
  credentials.signed = signed;
  say('Calls are signed as ' + signed.identifier + ' of app ' + signed.sdkappid + ', until ' +
    new Date(signed.expires_at).toLocaleString() + '.', false);
}

element('sign').addEventListener('submit', async (event) => {
  event.preventDefault();
  try {
    await sign();
  } catch (problem) {
    say(problem.message, true);
  }
});

// authorize puts the credentials into a call of one of the APIs.
function authorize(request) {
  const url = new URL(request.url, location.href);
  if (request.loadSpec || url.origin !== location.origin) return request;
  if (url.pathname.startsWith('/admin/') && credentials.token) {
    // What is shown as a curl line has a stand-in; the token goes into the call.
    const Authorization = 'Bearer ' + credentials.token;
    request.headers.Authorization = 'Bearer rct_TOKEN';
    request.userFetch = (to, init) => fetch(to, { ...init, headers: { ...init.headers, Authorization } });
  }
  if (url.pathname.startsWith('/v4/') && credentials.signed) {
    const { sdkappid, identifier, usersig } = credentials.signed;
    const random = Math.floor(Math.random() * 2 ** 32);
    for (const [name, value] of Object.entries({ sdkappid, identifier, usersig, random, contenttype: 'json' })) {
      url.searchParams.set(name, value);
    }
    request.url = url.href;
  }
  return request;
}

const buttons = [...document.querySelectorAll('[data-document]')];

// show switches to the document of a button.
function show(button) {
  for (const b of buttons) b.setAttribute('aria-pressed', String(b === button));
  return button.dataset.document;
}

const ui = SwaggerUIBundle({
  url: show(buttons[0]),
  dom_id: '#swagger-ui',
  requestInterceptor: authorize,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  syntaxHighlight: { theme: 'idea' },
});

for (const button of buttons) {
  button.addEventListener('click', () => {
    const url = show(button);
    ui.specActions.updateUrl(url);
    ui.specActions.download(url);
  });
}
