// Debian's Chromium, as the visitor of the console. What the visitor must never see is kept
// as a complaint: errors and warnings of the browser, exceptions of scripts, dialogs, and
// requests to other hosts.
import { chromium } from 'playwright-core';

export async function launch(path) {
  return chromium.launch({ executablePath: path, chromiumSandbox: false, args: ['--disable-gpu', '--font-render-hinting=none'] });
}

// A Visitor is a profile of the browser with one page. options: lang, theme, scripts,
// width, state (cookies of another visitor).
export class Visitor {
  static async open(browser, url, options = {}) {
    const { lang = 'en', theme, scripts = true, width = 1280, height = 900, state, ...rest } = options;
    const context = await browser.newContext({
      viewport: { width, height }, javaScriptEnabled: scripts, storageState: state, reducedMotion: 'reduce',
      locale: lang === 'zh' ? 'zh-CN' : 'en-US', timezoneId: 'UTC', serviceWorkers: 'block', acceptDownloads: true, ...rest,
    });
    if (theme) await context.addCookies([{ name: 'rollcall_theme', value: theme, url: `${url}/console` }]);
    const v = new Visitor(context, url);
    v.scripts = scripts;
    v.page = await context.newPage();
    return v;
  }

  constructor(context, url) {
    Object.assign(this, { context, url, complaints: [], expected: [] });
    context.setDefaultTimeout(60_000); // only limits a hang
    context.on('console', (m) => {
      if (['error', 'warning'].includes(m.type())) this.complain(`console: ${m.text()} ${m.location().url}`);
    });
    context.on('weberror', (e) => this.complain(`exception: ${e.error().message}`));
    context.on('dialog', (d) => { this.complain(`dialog: ${d.message()}`); d.dismiss(); });
    context.on('request', (r) => {
      const to = new URL(r.url());
      if (!['data:', 'blob:'].includes(to.protocol) && to.origin !== url) this.complain(`asked ${to.origin}`);
    });
  }

  complain(text) {
    const i = this.expected.findIndex((e) => e.test(text));
    if (i >= 0) this.expected.splice(i, 1);
    else this.complaints.push(`${this.page?.url() ?? ''}: ${text}`);
  }

  // status lets the browser remark once that a response had that status.
  status(code) { this.expected.push(new RegExp(`status of ${code}`)); }

  // visit opens an address of the console and returns its status.
  async visit(address) {
    const response = await this.page.goto(this.url + address, { waitUntil: 'load' });
    return response.status();
  }

  async login(token) {
    this.status(401);
    await this.visit('/console');
    await this.page.locator('#token').fill(token);
    await this.page.locator('main form button').click();
    await this.page.locator('form[action="/console/logout"]').waitFor();
    return this.context.storageState();
  }

  close() { return this.context.close(); }
}
