// What people of each role do with the pages all day, with script and without.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { GATEWAY, launch, login, send } from './lib.mjs';

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser.close(); });

const path = (page) => page.url().replace(`${GATEWAY}/codex`, '');
const open = (page, to) => page.goto(`${GATEWAY}/codex${to}`);
const button = (page, name) => page.getByRole('button', { name, exact: true });
const text = (page) => page.locator('main').textContent();
const rowLinks = (page) => page.locator('tbody th[scope="row"] a');
/** A word that no other run has used. */
const fresh = (word) => `${word} ${Date.now().toString(36)}`;

/** Types into the search of every page and sends it. */
async function find(page, words) {
  const box = page.getByRole('searchbox').first();
  await box.fill(words);
  await Promise.all([page.waitForURL((url) => url.search.includes('q=') || !url.pathname.includes('/search')), box.press('Enter')]);
  await page.waitForLoadState();
}

/** Saves a file that a link leads to. Returns its text. */
async function saved(page, link) {
  const href = await link.evaluate((one) => one.href);
  const answer = await page.context().request.get(href);
  assert.equal(answer.status(), 200, href);
  assert.match(answer.headers()['content-disposition'] ?? '', /attachment/);
  return answer.text();
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with script' : 'without script';
  const person = (role) => login(browser, role, { javaScriptEnabled });

  test(`technician finds a device by its serial number ${how}`, async () => {
    const { context, page, errors } = await person('Technician');
    await open(page, '/');
    await find(page, 'SN000007');
    if (path(page).startsWith('/search')) await page.getByRole('link', { name: /-0007$/ }).first().click();
    assert.match(path(page), /^\/assets\/\d+/);
    assert.ok((await text(page)).includes('SN000007'));
    await context.close();
    assert.deepEqual(errors, []);
  });

  test(`technician filters a list, saves it as a view and exports it ${how}`, async () => {
    const { context, page, errors } = await person('Technician');
    await open(page, '/assets/?online=true');
    await page.selectOption('select[name="field"]', 'hardware_type');
    await page.selectOption('select[name="op"]', 'eq');
    await page.fill('input[name="value"]', 'Server');
    await send(page, button(page, 'Apply'));
    await page.waitForURL(/hardware_type=Server/);
    assert.match(path(page), /online=true/);
    const count = await rowLinks(page).count();
    assert.ok(count > 0, 'servers are listed');
    const csv = await saved(page, page.getByRole('link', { name: 'CSV' }));
    assert.equal(csv.trim().split('\n').length, count + 1, 'exactly what is listed is exported');

    const name = fresh('Servers');
    await page.getByText('Save as view').click();
    await page.getByLabel('Name', { exact: true }).fill(name);
    await button(page, 'Save view').click();
    await page.waitForURL(/done=/);
    await open(page, '/assets/?view=all');
    await page.getByRole('link', { name }).first().click();
    await page.waitForURL(/hardware_type=Server|view=\d/);
    assert.equal(await rowLinks(page).count(), count);
    await context.close();
    assert.deepEqual(errors, []);
  });

  test(`technician edits a company and releases the value ${how}`, async () => {
    const { context, page, errors } = await person('Technician');
    await open(page, '/companies/?q=Heron');
    const name = rowLinks(page).first();
    const company = (await name.textContent()).trim();
    await name.click();
    await page.waitForURL(/\/companies\/\w+/);
    assert.equal((await page.locator('h1').textContent()).trim(), company);
    const value = fresh(`Edited ${how}`);
    await send(page, page.getByRole('link', { name: 'Edit', exact: true }));
    await page.fill('[name="description"]', value);
    await send(page, button(page, 'Save'));
    await page.waitForURL(/done=saved/);
    assert.ok((await text(page)).includes(value));
    await send(page, button(page, 'Release the manual value of Description'));
    assert.ok(!(await text(page)).includes(value));
    await context.close();
    assert.deepEqual(errors, []);
  });

  test(`two people edit one company: the later sees both values ${how}`, async () => {
    const one = await person('Technician');
    const two = await person('Administrator');
    await open(one.page, '/companies/?q=Heron');
    const href = await rowLinks(one.page).nth(1).getAttribute('href');
    const edit = new URL(`${href}/edit`, GATEWAY).href;
    await one.page.goto(edit);
    await two.page.goto(edit);
    const [first, second] = [fresh('The first'), fresh('The second')];
    await one.page.fill('[name="description"]', first);
    await send(one.page, button(one.page, 'Save'));
    await two.page.fill('[name="description"]', second);
    assert.equal((await send(two.page, button(two.page, 'Save'))).status(), 412);
    assert.equal(await two.page.inputValue('[name="description"]'), second);
    assert.ok((await two.page.content()).includes(first));
    await send(two.page, button(two.page, 'Save'));
    assert.ok((await text(two.page)).includes(second), 'the choice is stored');
    await one.context.close();
    await two.context.close();
    assert.deepEqual([...one.errors, ...two.errors], []);
  });

  test(`technician changes thirty assets at once ${how}`, async () => {
    const { context, page, errors } = await person('Technician');
    await open(page, '/assets/');
    const boxes = page.locator('tbody').getByRole('checkbox');
    for (let place = 0; place < 30; place += 1) await boxes.nth(place).check();
    await send(page, page.getByRole('button', { name: /Edit selected/ }));
    const value = fresh('Spare');
    await page.getByLabel('Field', { exact: true }).selectOption('description');
    await page.getByLabel('New value').fill(value);
    await send(page, button(page, 'Show the plan'));
    const planned = await rowLinks(page).evaluateAll((links) => links.map((link) => link.href));
    assert.equal(new Set(planned).size, 30, 'the plan names each record');
    await send(page, page.locator('main .action-footer').getByRole('button').last());
    assert.match(await text(page), /The records were changed/);
    for (const href of [planned[0], planned.at(-1)]) {
      await page.goto(href);
      assert.ok((await text(page)).includes(value), href);
    }
    await context.close();
    assert.deepEqual(errors, []);
  });

  test(`technician reveals a key, and the change log names the reader ${how}`, async () => {
    const { context, page, errors } = await person('Technician');
    let shown = false;
    await open(page, '/assets/');
    const hrefs = await rowLinks(page).evaluateAll((links) => links.map((link) => link.href));
    for (const href of hrefs.slice(0, 20)) {
      await page.goto(href);
      const show = page.getByRole('button', { name: /^Show the .*key/i }).first();
      if (await show.count() === 0) continue;
      await show.click();
      await page.getByText('The change log names you').waitFor();
      assert.match(await page.locator('.code-block').textContent(), /\w{4,}/);
      shown = true;
      break;
    }
    assert.ok(shown, 'an asset has a key');
    await context.close();
    assert.deepEqual(errors, []);
  });

  test(`technician adds a note to a ticket ${how}`, async () => {
    const { context, page, errors } = await person('Technician');
    await open(page, '/tickets/');
    await rowLinks(page).first().click();
    await page.waitForURL(/\/tickets\/\d+/);
    const note = fresh('Called back');
    await page.getByLabel('Private note').fill(note);
    await send(page, button(page, 'Save'));
    assert.ok((await text(page)).includes(note));
    await context.close();
    assert.deepEqual(errors, []);
  });

  test(`administrator runs a sync and watches it to its end ${how}`, async () => {
    const { context, page, errors } = await person('Administrator');
    await open(page, '/sync/');
    await send(page, button(page, 'Start the sync keycloak'));
    assert.match(path(page), /^\/sync\/jobs\//);
    const ended = page.locator('.badge', { hasText: 'completed' });
    for (let look = 0; look < 40 && await ended.count() === 0; look += 1) {
      await page.waitForTimeout(250);
      const refresh = page.getByRole('link', { name: 'Refresh' });
      if (await refresh.count() > 0) await refresh.click({ timeout: 1_000 }).catch(() => {});
    }
    assert.equal(await ended.count(), 1);
    assert.match(await text(page), /agent/i);
    await context.close();
    assert.deepEqual(errors, []);
  });

  test(`billing makes a plan, copies a term, sets a price of a company ${how}`, async () => {
    const { context, page, errors } = await person('Billing');
    const name = fresh('Gold');
    await open(page, '/billing-plans/create');
    await page.getByLabel(/^Name/).fill(name);
    await send(page, button(page, 'Create plan'));
    await page.locator('input[name^="per_user_cost"]').first().fill('42.50');
    await send(page, button(page, 'Save'));
    await open(page, `/billing-plans/edit?plan_name=${encodeURIComponent(name)}`);
    await send(page, button(page, 'Copy'));
    await open(page, `/billing-plans/edit?plan_name=${encodeURIComponent(name)}`);
    const prices = await page.locator('input[name^="per_user_cost"]').evaluateAll((all) => all.map((one) => one.value));
    assert.ok(prices.length > 1 && prices.every((price) => Number(price) === 42.5), prices.join());

    await open(page, '/companies/');
    const href = await rowLinks(page).first().evaluate((link) => link.href);
    await page.goto(`${href}?tab=plan`);
    const row = page.locator('tr', { has: page.getByRole('button', { name: 'Set the override of Per user cost' }) });
    await row.locator('input[type="text"]').fill('77.25');
    await send(page, row.getByRole('button', { name: /^Set/ }));
    assert.ok((await text(page)).includes('77.25'));
    await send(page, page.getByRole('button', { name: 'Clear the override of Per user cost' }));
    await context.close();
    assert.deepEqual(errors, []);
  });

  test(`administrator exports the plans and imports them again ${how}`, async () => {
    const { context, page, errors } = await person('Administrator');
    await open(page, '/billing-plans/');
    const json = await saved(page, page.getByRole('link', { name: 'Export', exact: true }));
    assert.ok(JSON.parse(json).plans.length > 0);
    const name = fresh('Imported');
    const [plan] = JSON.parse(json).plans;
    const file = JSON.stringify({ plans: [{ ...plan, plan_name: name }], feature_options: [] });
    await open(page, '/billing-plans/import');
    await page.setInputFiles('input[type="file"]', { name: 'plans.json', mimeType: 'application/json', buffer: Buffer.from(file) });
    await send(page, button(page, 'Import'));
    assert.ok((await text(page)).includes(name), await text(page));
    await context.close();
    assert.deepEqual(errors, []);
  });

  test(`each role changes its theme ${how}`, async () => {
    for (const role of ['Technician', 'Client']) {
      const { context, page, errors } = await person(role);
      for (const theme of ['Dark', 'Light']) {
        await open(page, '/settings');
        await page.getByRole('radio', { name: theme }).check();
        await send(page, button(page, 'Save'));
        await open(page, '/');
        assert.equal(await page.locator('html').getAttribute('data-theme'), theme.toLowerCase());
      }
      await context.close();
      assert.deepEqual(errors, []);
    }
  });

  test(`client sees its own company alone ${how}`, async () => {
    const { context, page, errors } = await person('Client');
    await open(page, '/companies/');
    assert.equal(await page.locator('tbody tr').count(), 1);
    assert.equal((await open(page, '/admin/')).status(), 403);
    assert.equal((await open(page, '/sync/')).status(), 403);
    await open(page, '/');
    await find(page, 'Blue Heron');
    assert.equal(await rowLinks(page).count(), 0, 'companies of others are not found');
    await context.close();
    assert.deepEqual(errors, []);
  });
}

test('administrator approves a held deletion', async () => {
  const { context, page, errors } = await login(browser, 'Administrator');
  await open(page, '/holds/');
  await rowLinks(page).first().click();
  await page.waitForURL(/\/holds\/.+/);
  assert.ok(await page.locator('tbody tr').count() > 0, 'the records are named');
  await send(page, button(page, 'Approve: delete the records'));
  assert.match(await text(page), /approved/);
  assert.equal(await button(page, 'Approve: delete the records').count(), 0);
  await context.close();
  assert.deepEqual(errors, []);
});

test('an ended login leads to the login page', async () => {
  const { context, page } = await login(browser, 'Technician');
  await context.clearCookies();
  await open(page, '/companies/');
  assert.match(page.url(), /\/login/);
  await context.close();
});
