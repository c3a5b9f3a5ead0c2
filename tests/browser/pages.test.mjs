// Every page that a person of each role reaches by links. What is covered:
// * one page of each pattern (path with names of records as one word, and tab) is opened for each role, and the pages of
//   records whose every field is hostile: status, errors of scripts, HTML (html-validate), structure, size of `main`,
//   server time, no sideways scrolling at 320 px and at 640 px, which is 1280 px at 200 % zoom;
// * axe-core looks at each pattern in light and dark at 1280 px, for the first role that has it, administrators first;
// * every other kind of link (another parameter, a file, JSON) is asked for once for each role: no 4xx, no 5xx.
// Buttons are those of forms.test.mjs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { hostileRecords } from './hostile.mjs';
import {
  MOST_HTML, MOST_SERVER_TIME, ROLES, accessibilityFaults, answers, assertNone, crawl, htmlFaults, launch, login, overflow,
  serverTime, setTheme, shot, structureFaults,
} from './lib.mjs';

let browser;
let hostile;
before(async () => {
  browser = await launch();
  hostile = await hostileRecords(browser);
});
after(async () => { await browser.close(); });

/** Patterns that axe has looked at, in any role. */
const looked = new Set();

const slug = (pattern) => pattern.replace(/[^a-z0-9]+/gi, '-').replace(/^-|-$/g, '') || 'start';

/** What is wrong with an opened page. */
async function faultsOf(page, answer, pattern, role) {
  const faults = [];
  if (answer.status() >= 400) faults.push(`status ${answer.status()}`);
  faults.push(...await htmlFaults(await answer.text()), ...await structureFaults(page));
  const isHostile = hostile.some((url) => page.url().startsWith(url));
  const bytes = await page.evaluate(() => document.querySelector('main').outerHTML.length);
  // Each field of a hostile record has thousands of letters, and other tests leave such records in lists.
  const hasHostile = isHostile || (await page.content()).includes('&lt;script');
  if (bytes > MOST_HTML && !hasHostile) faults.push(`${bytes} bytes of HTML`);
  const time = serverTime(answer);
  if (time > MOST_SERVER_TIME) faults.push(`${time} ms of server time`);
  if (await page.evaluate(() => window.hostile)) faults.push('a hostile text ran as a script');
  const name = `${slug(pattern)}${isHostile ? '-hostile' : ''}-${role.toLowerCase()}`;
  const isNew = isHostile || !looked.has(pattern);
  if (!isHostile) looked.add(pattern);
  if (isNew) {
    for (const theme of ['light', 'dark']) {
      await setTheme(page, theme);
      await shot(page, `${name}-${theme}`);
      for (const fault of await accessibilityFaults(page)) faults.push(`${theme}: ${fault}`);
    }
  }
  for (const width of [640, 320]) {
    await page.setViewportSize({ width, height: 900 });
    const wide = await overflow(page);
    if (wide > 0) faults.push(`${wide} px too wide at ${width} px`);
  }
  if (isNew) await shot(page, `${name}-narrow`);
  await page.setViewportSize({ width: 1280, height: 900 });
  return faults;
}

for (const role of ROLES) {
  test(`${role}: every page is valid and accessible, every link is answered`, async () => {
    const { context, page, errors } = await login(browser, role);
    await page.close();
    const faults = [];
    const starts = role === 'Administrator' ? hostile : [];
    const { patterns, links } = await crawl(context, async (page, answer, pattern) => {
      const found = await faultsOf(page, answer, pattern, role);
      faults.push(...found.map((fault) => `${pattern} (${page.url()}): ${fault}`));
    }, starts);
    faults.push(...await answers(context, links));
    await context.close();
    assert.ok(patterns.length > 10, `only ${patterns.length} pages were found`);
    console.log(`# ${role}: ${patterns.length} patterns, ${links.length} kinds of links`);
    assertNone([...faults, ...errors]);
  });
}
