// What the browser tests share: a Chromium from Debian, a person of each role, and the checks of one page.
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

export async function launch() {
  const executablePath = process.env.CODEX_CHROMIUM ?? '/usr/bin/chromium';
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
}

/** A window of a person who has logged in at the gateway. Errors of scripts are kept in `errors`. */
export async function login(browser, role, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(TIMEOUT);
  const page = await context.newPage();
  const errors = [];
  page.on('pageerror', (error) => errors.push(`${page.url()}: ${error.message}`));
  page.on('console', (message) => {
    // The browser itself logs each answer of 4xx; the tests judge the status of answers.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) {
      errors.push(`${page.url()}: ${message.text()}`);
    }
  });
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
    'no-implicit-button-type': 'error',
  },
});

/** Faults of a document's HTML, one line each. */
export async function htmlFaults(html) {
  const report = await validator.validateString(html);
  const messages = report.results.flatMap((result) => result.messages);
  return messages.map((one) => `${one.ruleId} at line ${one.line}: ${one.message}`);
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

/** What axe does not see: one `h1`, a skip link that leads somewhere, captions, `aria-sort` on one column at most. */
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
    return faults;
  });
}

/** Whether a page must be scrolled sideways at a width: tables may, in their own box. */
export async function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Keeps a picture of the whole page when `CODEX_SCREENSHOTS` names a folder. */
export async function shot(page, name) {
  if (!SHOTS) return;
  await mkdir(SHOTS, { recursive: true });
  await page.screenshot({ path: `${SHOTS}/${name}.png`, fullPage: true });
}

/** The kind of a page: its path with numbers and names of records as one word, and which parameters it has. */
export function kindOf(url) {
  const { pathname, searchParams } = new URL(url);
  const path = pathname.replace(/\/\d[^/]*/g, '/N');
  const names = [...new Set([...searchParams.keys()].map((name) => name.split('__')[0]))].sort();
  const tab = searchParams.get('tab');
  return `${path}${tab ? `?tab=${tab}` : ''}${names.filter((name) => name !== 'tab').map((name) => ` ${name}`).join('')}`;
}

/** Pages that a walk opens at most, and how many of one kind. */
const MOST_PAGES = 160;
const MOST_OF_A_KIND = 2;

/** Links of a page into Codex that are pages: no files, no API. */
async function linksOf(page) {
  const hrefs = await page.$$eval('main a[href]', (links) => links.map((link) => link.href));
  const pages = hrefs.map((href) => href.split('#')[0]).filter((href) => href.startsWith(`${GATEWAY}/codex/`));
  return [...new Set(pages)].filter((href) => !/\/codex\/(api|docs|openapi|health|metrics)|\/export|format=|\/events$/.test(href));
}

/** Opens pages by their links, breadth first, and calls `look` on each. */
export async function walk(page, look) {
  const queue = [`${GATEWAY}/codex/`];
  const seen = new Set(queue);
  const kinds = new Map();
  let opened = 0;
  while (queue.length > 0 && opened < MOST_PAGES) {
    const url = queue.shift();
    const kind = kindOf(url);
    const count = kinds.get(kind) ?? 0;
    if (count >= MOST_OF_A_KIND) continue;
    kinds.set(kind, count + 1);
    opened += 1;
    const answer = await page.goto(url);
    // Some links lead to JSON.
    if (!/text\/html/.test(answer.headers()['content-type'] ?? '')) continue;
    await look(answer, kind, count === 0);
    for (const link of await linksOf(page)) {
      if (!seen.has(link)) {
        seen.add(link);
        queue.push(link);
      }
    }
  }
  return kinds;
}
