// What must be true of every page, whatever it shows.
import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// Without these, axe-core computes a selector for every element and asks for every style
// sheet again.
const options = { resultTypes: ['violations'], selectors: false, ancestry: true, preload: false };

// barriers returns what axe-core finds that is serious or critical. The policy of the page
// does not concern what the browser is told to run.
export async function barriers(page) {
  await page.evaluate(`if (!window.axe) { ${axe} }`);
  const found = await page.evaluate(async (o) => (await window.axe.run(document, o)).violations.map(({ id, impact, nodes }) => ({
    id, impact, where: nodes.slice(0, 2).map((n) => n.html.slice(0, 160)).join(' and '),
  })), options);
  return found.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => `axe: ${v.id} at ${v.where}`);
}

// shape returns what is wrong with the form of a page in its window.
export function shape(page, lang) {
  return page.evaluate((want) => {
    const faults = [];
    const wide = document.documentElement.scrollWidth - innerWidth;
    if (wide > 0) {
      const widest = [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth && !e.closest('.scroll, pre'))
        .map((e) => `${e.tagName.toLowerCase()}.${e.className}`).slice(0, 3);
      faults.push(`is ${wide} pixels wider than the window: ${widest}`);
    }
    if (document.querySelectorAll('h1').length !== 1) faults.push('has not one h1');
    if (document.documentElement.lang !== want) faults.push(`is in ${document.documentElement.lang}`);
    if (/^[a-z-]+(\.[a-z-]+)+$/.test(document.querySelector('h1')?.innerText)) faults.push('shows the key of a text');
    for (const form of document.querySelectorAll('form.search, form.filters')) { // controls beside each other are in one line
      const all = [...form.querySelectorAll('input:not([type=hidden]), select, button')].map((e) => [e, e.getBoundingClientRect()]);
      for (const [a, x] of all) for (const [b, y] of all) if (x.bottom > y.top && x.top < y.top - 1) faults.push(`has ${b.name || b.type} lower than ${a.name || a.type}`);
    }
    return faults;
  }, lang);
}

// harmless returns what is wrong with how a page shows texts of strangers.
export function harmless(page) {
  return page.evaluate(() => {
    const faults = [];
    if (document.querySelector('img[src="x"], main script')) faults.push('has elements of a stranger');
    const hidden = document.body.innerText.match(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/);
    if (hidden) faults.push(`shows U+${hidden[0].codePointAt(0).toString(16)} as it is`);
    return faults;
  });
}

// keyboard presses Tab through the page and returns what is wrong: the skip link, an
// element that Tab does not reach, or one whose focus cannot be seen.
export async function keyboard(page) {
  const faults = [];
  await page.evaluate(() => {
    document.activeElement?.blur?.();
    window.stops = new Set();
    const look = (e) => { const s = getComputedStyle(e); return [s.outlineStyle, s.outlineWidth, s.boxShadow, s.borderColor, s.backgroundColor].join(); };
    window.addEventListener('focusin', ({ target }) => {
      window.stops.add(target);
      const s = getComputedStyle(target);
      target.unseen = (s.outlineStyle === 'none' || s.outlineWidth === '0px') && look(target);
    });
  });
  const count = await page.evaluate(() => document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]').length);
  await page.keyboard.down('Tab');
  const skip = await page.evaluate(() => {
    const e = document.activeElement, box = e.getBoundingClientRect();
    return e.matches('a.skip[href="#main"]') && box.left >= 0 && box.top >= 0 && box.width > 0;
  });
  if (!skip) faults.push('Tab does not show the skip link first');
  // Each further event repeats the key, and the browser keeps their order.
  await Promise.all(Array.from({ length: count + 2 }, () => page.keyboard.down('Tab')));
  await page.keyboard.up('Tab');
  return faults.concat(await page.evaluate(() => {
    const name = (e) => e.outerHTML.slice(0, 120);
    const able = (e) => e.checkVisibility({ visibilityProperty: true }) && !e.disabled && e.type !== 'hidden' && e.tabIndex >= 0 && !(e.type === 'radio' && !e.checked);
    const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary')].filter(able);
    return [
      ...all.filter((e) => !window.stops.has(e)).slice(0, 3).map((e) => `Tab does not reach ${name(e)}`),
      ...[...window.stops].filter((e) => e.unseen).slice(0, 3).map((e) => `the focus of ${name(e)} cannot be seen`),
    ];
  }));
}
