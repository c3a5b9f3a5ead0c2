// Every form of every kind of page, sent as it stands by each role: an answer for people, never 5xx, no error of a
// script. The administrator comes last, because some of these forms delete.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { GATEWAY, launch, login, walk } from './lib.mjs';

/** Forms that a role sends at most. */
const MOST_FORMS = 200;

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser.close(); });

/** What tells the forms of a page apart: where they go and what their buttons say. */
async function formsOf(page) {
  return page.$$eval('main form', (forms) => forms.map((form, index) => {
    const action = new URL(form.action).pathname.replace(/\/\d[^/]*/g, '/N');
    const button = form.querySelector('button, [type="submit"]')?.textContent.trim() ?? '';
    return { index, kind: `${form.method} ${action} ${button.replace(/\d+/g, 'N')}` };
  }));
}

for (const role of ['Client', 'Billing', 'Technician', 'Administrator']) {
  test(`${role}: every form is answered`, async () => {
    const { context, page, errors } = await login(browser, role);
    const forms = new Map();
    await walk(page, async (_, kind, isFirst) => {
      if (!isFirst) return;
      for (const { index, kind: form } of await formsOf(page)) {
        if (!forms.has(form)) forms.set(form, { url: page.url(), index });
      }
    });
    const faults = [];
    for (const [form, { url, index }] of [...forms].slice(0, MOST_FORMS)) {
      // An earlier form may have deleted what this page shows.
      const opened = await page.goto(url);
      if (opened.status() >= 400) continue;
      const sent = page.waitForResponse((answer) => answer.request().isNavigationRequest());
      const done = await page.evaluate((at) => {
        const found = document.querySelectorAll('main form')[at];
        if (!found) return false;
        found.noValidate = true;
        const button = found.querySelector('button:not([type="button"]), [type="submit"]');
        if (button) button.click(); else found.requestSubmit();
        return true;
      }, index);
      if (!done) { sent.catch(() => {}); continue; }
      const answer = await sent.catch((error) => error);
      if (answer instanceof Error) faults.push(`${form} (${url}): ${answer.message.split('\n')[0]}`);
      else if (answer.status() >= 500) faults.push(`${form} (${url}): status ${answer.status()}`);
      await page.waitForLoadState();
    }
    await context.close();
    console.log(`# ${role}: ${forms.size} forms`);
    assert.deepEqual([...faults, ...errors], []);
  });
}
