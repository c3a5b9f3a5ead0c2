// What the browser tests share: a Chromium from Debian, a person of each role, and the checks of one page.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { mkdir } from 'node:fs/promises';
import { HtmlValidate } from 'html-validate';
import { chromium } from 'playwright-core';

export const GATEWAY = process.env.CODEX_GATEWAY;
const SHOTS = process.env.CODEX_SCREENSHOTS;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The roles of the gateway, as its buttons name them. */
export const ROLES = ['Administrator', 'Technician', 'Billing', 'Client'];

/** Milliseconds that a page may take to answer in these tests. */
export const TIMEOUT = 10_000;

/** Bytes of a page before compression: 60 kB and what the gateway adds. */
export const MOST_HTML = 60_000;

/** Milliseconds that the daemon may take for a page here: the budget is measured with a release build, by `load`. A debug
 * build on a busy machine is some ten times slower. */
export const MOST_SERVER_TIME = 1_000;

/** Milliseconds that the daemon took, as it says. */
export function serverTime(answer) {
  return Number(/app;dur=([\d.]+)/.exec(answer.headers()['server-timing'] ?? '')?.[1] ?? Infinity);
}

export async function launch() {
  const executablePath = process.env.CODEX_CHROMIUM ?? '/usr/bin/chromium';
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
}

/** A window of a person who has logged in at the gateway. Errors of scripts are kept in `errors`. */
export async function login(browser, role, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce', ...options });
  context.setDefaultTimeout(TIMEOUT);
  const errors = [];
  context.on('weberror', (error) => errors.push(`${error.page()?.url()}: ${error.error().message}`));
  context.on('console', (message) => {
    // The browser itself logs each answer of 4xx; the tests judge the status of answers.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) {
      errors.push(`${message.page()?.url()}: ${message.text()}`);
    }
  });
  const page = await context.newPage();
  await page.goto(GATEWAY);
  await page.locator('form', { has: page.getByRole('heading', { name: role, exact: true }) }).getByRole('button').click();
  await page.waitForURL(/\/codex\//);
  return { context, page, errors };
}

const validator = new HtmlValidate({
  extends: ['html-validate:recommended'],
  rules: {
    // Rules of taste, and rules about the document around `main`, which Nexus writes.
    'long-title': 'off',
    'no-trailing-whitespace': 'off',
    'void-style': 'off',
    'attribute-boolean-style': 'off',
    'attribute-empty-style': 'off',
    'no-inline-style': 'off',
    'require-sri': 'off',
    'doctype-style': 'off',
    'tel-non-breaking': 'off',
    'prefer-native-element': 'off',
    'no-redundant-role': 'off',
    // ARIA lets every list have a name.
    'aria-label-misuse': ['error', { allowAnyNamable: true }],
    'no-implicit-button-type': 'error',
  },
});

/** Faults of a document's HTML, one line for each rule. */
export async function htmlFaults(html) {
  const report = await validator.validateString(html);
  const messages = report.results.flatMap((result) => result.messages);
  const first = new Map(messages.toReversed().map((one) => [one.ruleId, one]));
  return [...first.values()].map(({ ruleId, line, message }) => `${ruleId}, first at line ${line}: ${message}`);
}

/** Fails with the faults, one on each line. */
export function assertNone(faults) {
  const different = [...new Set(faults)];
  assert.ok(different.length === 0, `${different.length} faults\n${different.join('\n')}`);
}

/** Violations of WCAG 2.2 A and AA that axe-core finds. */
export async function accessibilityFaults(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
  }));
  return found.violations.map((one) => {
    const where = one.nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary?.split('\n')[1]?.trim() ?? ''}`);
    return `${one.id}: ${one.help} (${where.join('; ')})`;
  });
}

/** What axe does not see: one `h1`, a skip link that leads somewhere, captions, `aria-sort` on one column at most, the
 * order of focus, names of dialogs. */
export async function structureFaults(page) {
  return page.evaluate(() => {
    const faults = [];
    const main = document.querySelector('main');
    if (!main) return ['there is no main'];
    if (main.querySelectorAll('h1').length !== 1) faults.push(`${main.querySelectorAll('h1').length} h1`);
    const skip = main.querySelector('a[href^="#"]');
    if (!skip || !document.querySelector(skip.getAttribute('href'))) faults.push('the skip link leads nowhere');
    for (const table of main.querySelectorAll('table')) {
      if (!table.caption?.textContent.trim()) faults.push('a table has no caption');
      if (table.querySelectorAll('[aria-sort]').length > 1) faults.push('two columns are sorted');
    }
    if (main.querySelector('[style], [onclick], script:not([src])')) faults.push('an inline style, handler or script');
    const outside = [...document.body.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (outside) faults.push('text outside of main');
    if (document.querySelector('[tabindex]:not([tabindex="0"], [tabindex="-1"])')) faults.push('an order of focus of its own');
    for (const dialog of main.querySelectorAll('dialog, [role="dialog"]')) {
      if (!dialog.ariaLabel && !dialog.getAttribute('aria-labelledby')) faults.push('a dialog has no name');
    }
    return faults;
  });
}

/** Whether a page must be scrolled sideways at a width: tables may, in their own box. */
export async function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Pixels of a picture from top to bottom at most: Chromium ends at pictures that are much taller. */
const TALLEST = 4_000;

/** Keeps a picture of the page from its top when `CODEX_SCREENSHOTS` names a folder. */
export async function shot(page, name) {
  if (!SHOTS) return;
  await mkdir(SHOTS, { recursive: true });
  const { width, height } = await page.evaluate(() => {
    const { scrollWidth, scrollHeight } = document.documentElement;
    return { width: scrollWidth, height: scrollHeight };
  });
  const clip = { x: 0, y: 0, width, height: Math.min(height, TALLEST) };
  await page.screenshot({ path: `${SHOTS}/${name}.png`, fullPage: true, clip });
}

/**
 * Presses a button or a link. Returns the answer to the page that follows, whether it is opened or a script
 * swaps a part of it in.
 */
export async function send(page, button) {
  await page.evaluate(() => {
    window.settled = new Promise((done) => {
      document.addEventListener('htmx:afterSettle', done, { once: true });
      // An answer that is no page of Codex is not swapped in.
      document.addEventListener('htmx:afterRequest', () => setTimeout(done, 300), { once: true });
    });
  });
  const isFinal = (answer) => {
    const request = answer.request();
    const isPage = request.isNavigationRequest() || request.resourceType() === 'xhr';
    return isPage && !(answer.status() >= 300 && answer.status() < 400);
  };
  const opened = page.waitForNavigation();
  opened.catch(() => {}); // it is of interest for a page alone
  const [answer] = await Promise.all([page.waitForResponse(isFinal), button.click()]);
  if (answer.request().isNavigationRequest()) await opened;
  else await page.evaluate(() => window.settled.then(() => {}));
  return answer;
}

/** Sets the brightness as Nexus does, without a stored setting. */
export async function setTheme(page, theme) {
  await page.evaluate((value) => document.documentElement.setAttribute('data-theme', value), theme);
}

/** A word that names a record in a path: a number, a UUID, anything with a digit; a company that has no number yet. */
const RECORD = /\/([^/]*\d[^/]*|TBD)/g;

/** The path of a page with names of records as one word, and its tab. */
function pathOf(url) {
  const { pathname, searchParams } = new URL(url);
  const tab = searchParams.get('tab');
  return pathname.replace('/codex', '').replace(RECORD, '/N') + (tab ? `?tab=${tab}` : '');
}

/** The pattern of a page: pages of one pattern have one template. */
export function patternOf(url) {
  return pathOf(url).replace(/^\/admin\/(settings|clear)\/[^/]+/, '/admin/$1/N').replace(/^\/bulk\/[^/]+/, '/bulk/N');
}

/** The kind of an address: its path with the names of its parameters. Such addresses are answered by the same code. */
export function kindOf(url) {
  const names = [...new URL(url).searchParams.keys()].filter((name) => name !== 'tab');
  return [pathOf(url), ...new Set(names.sort())].join(' ');
}

/** Addresses of Codex that a page links. */
async function linksOf(page) {
  const hrefs = await page.$$eval('main a[href]', (links) => links.map((link) => link.href.baseVal ?? link.href));
  const absolute = hrefs.map((href) => new URL(href, GATEWAY).href.split('#')[0]);
  return [...new Set(absolute)].filter((href) => href.startsWith(`${GATEWAY}/codex/`));
}

/** Links that are files or JSON: they are asked for and not opened. */
const NO_PAGE = /\/codex\/(api|docs|openapi|health|metrics)|\/export|\/events$/;

/** Windows that look at pages at the same time. */
const WINDOWS = 2;

/**
 * Opens one page of each pattern, breadth first by links from the start page, and calls `look(page, answer, pattern)` on
 * each, and on each of `further`. Returns one link of each kind.
 */
export async function crawl(context, look, further = []) {
  const starts = [...further];
  const seen = new Set();
  const links = new Map();
  let level = [`${GATEWAY}/codex/`];
  const windows = await Promise.all(Array.from({ length: WINDOWS }, () => context.newPage()));
  while (level.length > 0) {
    const found = [];
    const open = level.filter((url) => !seen.has(patternOf(url)) && seen.add(patternOf(url)));
    open.push(...starts.splice(0));
    await Promise.all(windows.map(async (page) => {
      while (open.length > 0) {
        const url = open.shift();
        const answer = await page.goto(url);
        // Some links lead to JSON.
        if (!/text\/html/.test(answer.headers()['content-type'] ?? '')) continue;
        await look(page, answer, patternOf(url));
        found.push(...await linksOf(page));
      }
    }));
    for (const link of found) if (!links.has(kindOf(link))) links.set(kindOf(link), link);
    level = [...links.values()].filter((link) => !NO_PAGE.test(link) && !seen.has(patternOf(link)));
  }
  await Promise.all(windows.map((page) => page.close()));
  return { patterns: [...seen], links: [...links.values()] };
}

/** Asks for addresses without opening them; faults are answers of 4xx and 5xx. */
export async function answers(context, urls) {
  const faults = [];
  const rest = [...urls];
  await Promise.all(Array.from({ length: WINDOWS }, async () => {
    while (rest.length > 0) {
      const url = rest.shift();
      const answer = await context.request.get(url, { headers: { accept: 'text/html' }, timeout: TIMEOUT });
      if (answer.status() >= 400) faults.push(`${url}: status ${answer.status()}`);
      await answer.dispose();
    }
  }));
  return faults;
}
