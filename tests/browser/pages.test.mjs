// Every page that a person of each role can reach by links: its status, its HTML, its accessibility in light and dark,
// at 320 px, and no error of a script.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  MOST_HTML, ROLES, accessibilityFaults, htmlFaults, launch, login, overflow, shot, structureFaults, walk,
} from './lib.mjs';

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser.close(); });

async function setTheme(page, theme) {
  await page.evaluate((value) => document.documentElement.setAttribute('data-theme', value), theme);
}

const slug = (kind) => kind.replace(/[^a-z0-9]+/gi, '-').replace(/^-|-$/g, '');

for (const role of ROLES) {
  test(`${role}: every linked page is valid and accessible`, async () => {
    const { context, page, errors } = await login(browser, role);
    const faults = [];
    const kinds = await walk(page, async (answer, kind, isFirst) => {
      const at = `${kind} (${page.url()})`;
      if (answer.status() >= 400) faults.push(`${at}: status ${answer.status()}`);
      const html = await answer.text();
      if (isFirst) {
        for (const fault of await htmlFaults(html)) faults.push(`${at}: ${fault}`);
        for (const fault of await structureFaults(page)) faults.push(`${at}: ${fault}`);
        for (const theme of ['light', 'dark']) {
          await setTheme(page, theme);
          await shot(page, `${role.toLowerCase()}-${slug(kind)}-${theme}`);
          for (const fault of await accessibilityFaults(page)) faults.push(`${at} ${theme}: ${fault}`);
        }
        await page.setViewportSize({ width: 320, height: 700 });
        const wide = await overflow(page);
        if (wide > 0) faults.push(`${at}: ${wide} px too wide at 320 px`);
        await page.setViewportSize({ width: 1280, height: 900 });
      }
      const bytes = await page.evaluate(() => document.querySelector('main').outerHTML.length);
      if (bytes > MOST_HTML) faults.push(`${at}: ${bytes} bytes of HTML`);
    });
    await context.close();
    assert.ok(kinds.size > 3, `only ${kinds.size} kinds of pages were found`);
    console.log(`# ${role}: ${kinds.size} kinds of pages`);
    assert.deepEqual([...new Set(faults), ...errors], []);
  });
}
