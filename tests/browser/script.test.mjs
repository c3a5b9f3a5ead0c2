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
  await page.waitForFunction(() => document.activeElement.closest('thead') !== null);
  const sorted = page.url();
  await page.getByRole('link', { name: 'Next page' }).first().click();
  await page.waitForURL((url) => url.href !== sorted);
  assert.ok(await isMarked(page));
  await page.goBack();
  await page.waitForURL(sorted);
  await page.waitForFunction(() => window.marked === undefined && window.htmx !== undefined);
  assert.ok(await page.locator('tbody tr').count() > 0, 'the list is there after going back');
  await mark(page);
  await page.locator('#list-q').pressSequentially('-LT-00', { delay: 20 });
  await page.waitForURL(/q=-LT-00/);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'list-q', 'the reader goes on typing');
  assert.equal(await page.inputValue('#list-q'), '-LT-00');
  assert.notEqual((await page.locator('#announce').textContent()).trim(), '');
  await leave(person);
});

test('lists of jobs and decisions are filtered, sorted and cleared in place', async () => {
  const person = await at('Technician', '/sync/jobs/');
  const { page } = person;
  const rows = () => page.locator('tbody tr').count();
  const all = await rows();
  await page.locator('.info-item', { hasText: 'Sync' }).getByRole('link').first().click();
  await page.waitForURL(/sync__exact=/);
  assert.ok(await isMarked(page), 'the document stayed');
  assert.ok(await rows() > 0 && await rows() <= all);
  await page.getByRole('link', { name: 'Started', exact: true }).click();
  await page.waitForURL(/sort=/);
  assert.equal(await page.locator('th[aria-sort]').count(), 1);
  assert.match(page.url(), /sync__exact=/);
  await page.getByRole('link', { name: /^Remove the filter: Sync/ }).click();
  await page.waitForURL((url) => !url.search.includes('sync__exact'));
  await page.selectOption('select[name="field"]', 'state');
  await page.fill('input[name="value"]', 'completed');
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.waitForURL(/state=completed/);
  await page.getByRole('link', { name: 'Clear search and filters' }).click();
  await page.waitForURL((url) => !url.search.includes('state='));
  assert.equal(await rows(), all);
  assert.ok(await isMarked(page));
  for (const path of ['/outbox/', '/holds/', '/duplicates/', '/deleted/']) {
    await page.goto(`${CODEX}${path}?total=true`);
    assert.match(await page.locator('.results-header__count').textContent(), /in all/, path);
  }
  await leave(person);
});

test('lists of jobs and decisions are filtered without script', async () => {
  const { context, page, errors } = await login(browser, 'Technician', { javaScriptEnabled: false });
  for (const [path, field, value] of [
    ['/sync/jobs/', 'state', 'completed'], ['/outbox/', 'kind', 'note'], ['/holds/', 'state', 'held'], ['/duplicates/', 'kind', 'asset'],
    ['/deleted/', 'kind', 'asset'],
  ]) {
    await page.goto(`${CODEX}${path}`);
    await page.selectOption('select[name="field"]', field);
    await page.fill('input[name="value"]', value);
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.waitForURL((url) => url.searchParams.get(field) === value);
    await page.getByRole('link', { name: /^Remove the filter: / }).first().click();
    await page.waitForURL((url) => url.searchParams.get(field) === null);
  }
  await context.close();
  assert.deepEqual(errors, []);
});

test('what is typed while an answer is on its way stays', async () => {
  const person = await at('Technician', '/assets/');
  const { page } = person;
  await page.route(/q=G&|q=G$/, async (route) => {
    await new Promise((done) => { setTimeout(done, 800); });
    await route.continue();
  });
  await page.locator('#list-q').pressSequentially('G');
  await page.waitForRequest(/q=G(&|$)/);
  await page.waitForTimeout(450);
  await page.locator('#list-q').pressSequentially('RANIT', { delay: 20 });
  await page.waitForURL(/q=GRANIT/);
  assert.equal(await page.inputValue('#list-q'), 'GRANIT');
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
  await page.keyboard.type(' manu');
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

/** Opens the form of the nth company in its page; the description is free text. */
async function edit(role, nth) {
  const person = await at(role, '/companies/');
  const { page } = person;
  await page.locator('tbody th[scope="row"] a').nth(nth).click();
  await page.waitForURL(/\/companies\/\d+/);
  await page.waitForFunction(() => window.htmx !== undefined);
  await mark(page);
  await page.getByRole('link', { name: 'Edit', exact: true }).click();
  await page.locator('#edit').waitFor();
  await page.waitForFunction(() => document.activeElement.closest('#edit') !== null);
  return person;
}

const save = (page) => page.locator('#edit button[type=submit]').click();

test('a record is edited in place', async () => {
  const person = await edit('Technician', 2);
  const { page } = person;
  await page.fill('#edit [name="description"]', 'Edited in place');
  await save(page);
  await page.locator('#notice [role=status]').waitFor();
  assert.ok(await isMarked(page), 'the document stayed');
  assert.ok((await page.locator('#content').textContent()).includes('Edited in place'));
  assert.equal(await page.locator('#edit').count(), 0);
  await page.waitForFunction(() => document.activeElement.textContent === 'Edit');
  assert.notEqual((await page.locator('#announce').textContent()).trim(), '');
  // The form closes again without a change.
  await page.getByRole('link', { name: 'Edit', exact: true }).click();
  await page.locator('#edit').getByRole('link', { name: 'Cancel' }).click();
  await page.locator('#edit').waitFor({ state: 'detached' });
  assert.ok(await isMarked(page));
  await leave(person);
});

test('a value that is wrong is named beside its field', async () => {
  const person = await edit('Technician', 3);
  const { page } = person;
  await page.locator('#edit').evaluate((form) => { form.noValidate = true; });
  await page.fill('#edit [name="name"]', '');
  await page.fill('#edit [name="description"]', 'Typed before');
  await save(page);
  await page.locator('#edit [aria-invalid=true]').first().waitFor();
  await page.waitForFunction(() => document.activeElement.getAttribute('aria-invalid') === 'true');
  assert.ok(await isMarked(page));
  assert.equal(await page.inputValue('#edit [name="description"]'), 'Typed before');
  assert.notEqual((await page.locator('#about-name .u-text-danger').textContent()).trim(), '');
  await leave(person);
});

test('two people edit one company in place: the later sees both', async () => {
  const [first, second] = ['first', 'second'].map((who) => `The ${who} at ${Date.now()}`);
  const one = await edit('Technician', 4);
  const two = await edit('Administrator', 4);
  await one.page.fill('#edit [name="description"]', first);
  await save(one.page);
  await one.page.locator('#notice [role=status]').waitFor();
  await two.page.fill('#edit [name="description"]', second);
  await save(two.page);
  await two.page.getByText(`Changed meanwhile to: ${first}`).waitFor();
  assert.equal(await two.page.inputValue('#edit [name="description"]'), second);
  await save(two.page);
  await two.page.locator('#notice [role=status]').waitFor();
  assert.ok(await isMarked(two.page));
  await leave(one);
  await leave(two);
});

/** Opens the nth company with its empty fields, too. */
async function company(role, nth, options = {}) {
  const person = await login(browser, role, options);
  const { page } = person;
  await page.goto(`${CODEX}/companies/`);
  const href = await page.locator('tbody th[scope="row"] a').nth(nth).evaluate((link) => link.href);
  await page.goto(`${href}?empty=true`);
  return person;
}

const field = (page, label) => page.getByRole('link', { name: `Edit ${label}`, exact: true });
const isFocused = (page, label) => page.waitForFunction(
  (name) => document.activeElement.getAttribute('aria-label') === name,
  `Edit ${label}`,
);

test('one field is edited in its place', async () => {
  const person = await company('Technician', 6);
  const { page } = person;
  await page.waitForFunction(() => window.htmx !== undefined);
  await mark(page);
  const { pathname } = new URL(page.url());
  await field(page, 'Description').click();
  await page.waitForFunction(() => document.activeElement.id === 'field-description');
  const names = await page.locator('#edit [name^="before."]').evaluateAll((all) => all.map((one) => one.name));
  assert.deepEqual(names, ['before.description']);
  assert.equal(await page.locator('#fact-description #edit').count(), 1, 'the form stands in the place of the value');
  const value = `Alone ${Date.now()}`;
  await page.fill('#edit [name="description"]', value);
  // A second form is not opened beside it.
  await field(page, 'Name').click();
  await page.locator('#announce', { hasText: 'A form is open already' }).waitFor();
  assert.equal(await page.locator('#edit').count(), 1);
  assert.equal(await page.inputValue('#edit [name="description"]'), value);
  await save(page);
  await page.locator('#notice [role=status]').waitFor();
  await isFocused(page, 'Description');
  assert.ok(await isMarked(page), 'the document stayed');
  assert.equal(new URL(page.url()).pathname, pathname);
  assert.ok((await page.locator('#fact-description').textContent()).includes(value));
  assert.match(await page.locator('#announce').textContent(), /saved/);
  await leave(person);
});

test('Escape and Cancel leave a field as it was', async () => {
  const person = await company('Technician', 6);
  const { page } = person;
  await page.waitForFunction(() => window.htmx !== undefined);
  await mark(page);
  const before = await page.locator('#fact-description').textContent();
  for (const leaveForm of [() => page.keyboard.press('Escape'), () => page.locator('#edit').getByRole('link', { name: 'Cancel' }).click()]) {
    await field(page, 'Description').click();
    await page.waitForFunction(() => document.activeElement.id === 'field-description');
    await page.keyboard.type('Never sent');
    await leaveForm();
    await page.locator('#edit').waitFor({ state: 'detached' });
    if (await page.locator('#fact-description').count() > 0) {
      await isFocused(page, 'Description');
      assert.equal(await page.locator('#fact-description').textContent(), before);
    }
    await page.locator('#announce', { hasText: 'Nothing was changed' }).waitFor();
    assert.ok(await isMarked(page));
  }
  await leave(person);
});

test('a refused value is named in the place of its field', async () => {
  const person = await company('Technician', 7);
  const { page } = person;
  await page.waitForFunction(() => window.htmx !== undefined);
  await mark(page);
  await field(page, 'Name').click();
  await page.waitForFunction(() => document.activeElement.id === 'field-name');
  await page.locator('#edit').evaluate((form) => { form.noValidate = true; });
  await page.fill('#edit [name="name"]', '');
  await save(page);
  await page.locator('#fact-name #about-name .u-text-danger').waitFor();
  await page.waitForFunction(() => document.activeElement.id === 'field-name');
  assert.ok(await field(page, 'Description').count() > 0, 'the rest of the page stayed');
  assert.notEqual((await page.locator('#announce').textContent()).trim(), '');
  const name = `Renamed ${Date.now()}`;
  await page.fill('#edit [name="name"]', name);
  await save(page);
  await page.locator('#notice [role=status]').waitFor();
  assert.equal((await page.locator('h1').textContent()).trim(), name);
  assert.ok(await isMarked(page));
  await leave(person);
});

test('without script the link of a field opens the whole form', async () => {
  const person = await company('Technician', 6, { javaScriptEnabled: false });
  const { page } = person;
  await field(page, 'Description').click();
  await page.waitForURL(/\/edit#field-description$/);
  assert.ok(await page.locator('#edit [name^="before."]').count() > 1);
  await leave(person);
});

test('an ended login leaves the form as it was typed', async () => {
  const person = await edit('Technician', 5);
  const { page, context } = person;
  await page.fill('#edit [name="description"]', 'A long text');
  await context.clearCookies();
  await save(page);
  await page.locator('#announce', { hasText: 'your login may have ended' }).waitFor();
  assert.equal(await page.inputValue('#edit [name="description"]'), 'A long text');
  assert.ok(await page.locator('#edit button[type=submit]').isEnabled(), 'it can be sent again');
  await context.close();
});

test('a button that is pressed twice adds one note', async () => {
  const person = await at('Technician', '/tickets/');
  const { page } = person;
  await page.locator('tbody th[scope="row"] a').first().click();
  await page.waitForURL(/\/tickets\/\d+/);
  const note = `Sent twice ${Date.now()}`;
  await page.fill('#ticket-note', note);
  let sent = 0;
  page.on('request', (request) => { if (request.method() === 'POST') sent += 1; });
  await page.getByRole('button', { name: 'Save' }).dblclick();
  await page.waitForURL(/done=/);
  assert.ok(sent >= 1);
  const found = await page.locator('#content article', { hasText: note }).count();
  assert.equal(found, 1);
  await leave(person);
});

for (const javaScriptEnabled of [true, false]) {
  test(`Back acts once and says so, a new page acts again ${javaScriptEnabled ? 'with' : 'without'} script`, async () => {
    const { context, page, errors } = await login(browser, 'Administrator', { javaScriptEnabled });
    const start = () => page.getByRole('button', { name: 'Start the sync keycloak', exact: true });
    const job = () => new URL(page.url()).pathname;
    const sentBefore = page.getByText('This form was sent before.');
    const ended = async () => {
      for (let look = 0; look < 40; look += 1) {
        await page.goto(`${GATEWAY}${job()}`);
        if (await page.locator('.badge', { hasText: /completed|failed/ }).count() > 0) return;
        await page.waitForTimeout(250);
      }
      assert.fail('the job does not end');
    };
    const tokens = () => page.locator('[name="csrf_token"]');
    await page.goto(`${CODEX}/sync/`);
    const sent = await tokens().evaluateAll((all) => all.map((one) => one.value));
    await start().click();
    await page.waitForURL(/\/sync\/jobs\/.+/);
    const first = job();
    assert.equal(await sentBefore.count(), 0);
    await page.goBack();
    await page.waitForURL(/\/sync\/$/);
    // A browser may load the page anew: the rendering that was sent is the one of the token.
    await tokens().evaluateAll((all, old) => all.forEach((one, place) => { one.value = old[place]; }), sent);
    await start().click();
    await page.waitForURL(/\/sync\/jobs\/.+/);
    assert.equal(job(), first);
    await sentBefore.waitFor();
    await page.getByRole('link', { name: 'Open the form again' }).click();
    await page.waitForURL(/\/sync\/$/);
    await page.goto(`${GATEWAY}${first}`);
    await ended();
    await page.goto(`${CODEX}/sync/`);
    await start().click();
    await page.waitForURL(/\/sync\/jobs\/.+/);
    assert.notEqual(job(), first);
    assert.equal(await sentBefore.count(), 0);
    await ended();
    await context.close();
    assert.deepEqual(errors, []);
  });
}

for (const [how, isRefused] of [['', false], [' though its events are refused', true]]) {
  test(`a running job shows how it goes on${how}`, async () => {
    const person = await at('Administrator', '/sync/');
    const { page } = person;
    let asked = 0;
    await page.route(/\/sync\/jobs\/[^/]+\/events$/, (route) => {
      asked += 1;
      return isRefused ? route.fulfill({ status: 503, body: '' }) : route.continue();
    });
    const [opened] = await Promise.all([
      page.waitForResponse((answer) => /\/sync\/jobs\/[^/]+\/\?/.test(answer.url()) && answer.status() === 200),
      page.locator('form[action*="/sync/"] button').first().click(),
    ]);
    const isRunning = (await opened.text()).includes('data-events');
    // The answer is here before the document is.
    await page.waitForURL(/\/sync\/jobs\/.+/);
    await page.locator('#job').waitFor();
    await mark(page);
    await page.waitForFunction(() => !document.querySelector('#job[data-events]'), null, { timeout: 60_000 });
    assert.ok(await isMarked(page), 'the document stayed');
    assert.ok(asked > 0 || !isRunning, 'the job was watched');
    await leave(person);
  });
}

test('an ended login leads from a list to the login page', async () => {
  const person = await at('Technician', '/assets/');
  const { page, context } = person;
  await context.clearCookies();
  await page.locator('thead a').first().click();
  await page.waitForURL(/\/login/);
  await context.close();
});
