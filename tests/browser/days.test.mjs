// What people do with the pages all day, with script and without: find, filter, edit, decide.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { GATEWAY, launch, login } from './lib.mjs';

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser.close(); });

const path = (page) => page.url().replace(`${GATEWAY}/codex`, '');

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with script' : 'without script';

  test(`technician finds, filters and edits ${how}`, async () => {
    const { context, page, errors } = await login(browser, 'Technician', { javaScriptEnabled });
    await page.goto(`${GATEWAY}/codex/companies/`);
    const name = page.locator('tbody th[scope="row"] a').first();
    const company = (await name.textContent()).trim();
    await name.click();
    const own = path(page);
    assert.match(own, /^\/companies\/\d+/);
    assert.equal((await page.locator('h1').textContent()).trim(), company);

    // An account number leads to its company at once.
    const number = own.split('/')[2].split('?')[0];
    await page.locator('main form[action$="/search"] input[name="q"]').first().fill(number);
    await page.locator('main form[action$="/search"] button').first().click();
    assert.ok((await page.content()).includes(company), 'the company is found by its number');

    await page.goto(`${GATEWAY}/codex/assets/?online=true`);
    await page.selectOption('select[name="field"]', 'hardware_type');
    await page.selectOption('select[name="op"]', 'eq');
    await page.fill('input[name="value"]', 'Server');
    await page.getByRole('button', { name: 'Apply' }).click();
    assert.match(path(page), /online=true/);
    assert.match(path(page), /hardware_type=Server/);

    await page.goto(`${GATEWAY}/codex/companies/${number}/edit`);
    await page.fill('[name="description"]', `Edited ${how}`);
    await page.getByRole('button', { name: 'Save' }).click();
    assert.match(path(page), /done=saved/);
    assert.ok((await page.content()).includes(`Edited ${how}`));
    await context.close();
    assert.deepEqual(errors, []);
  });
}

test('two people edit one company: the later sees both values', async () => {
  const one = await login(browser, 'Technician');
  const two = await login(browser, 'Administrator');
  await one.page.goto(`${GATEWAY}/codex/companies/`);
  const href = await one.page.locator('tbody th[scope="row"] a').nth(1).getAttribute('href');
  const edit = new URL(`${href}/edit`, GATEWAY).href;
  await one.page.goto(edit);
  await two.page.goto(edit);
  await one.page.fill('[name="description"]', 'The first');
  await one.page.getByRole('button', { name: 'Save' }).click();
  await two.page.fill('[name="description"]', 'The second');
  const [answer] = await Promise.all([
    two.page.waitForResponse((got) => got.request().isNavigationRequest()),
    two.page.getByRole('button', { name: 'Save' }).click(),
  ]);
  assert.equal(answer.status(), 412);
  await two.page.waitForLoadState();
  assert.equal(await two.page.inputValue('[name="description"]'), 'The second');
  assert.ok((await two.page.content()).includes('The first'));
  await one.context.close();
  await two.context.close();
});

test('client sees its own company alone', async () => {
  const { context, page } = await login(browser, 'Client');
  await page.goto(`${GATEWAY}/codex/companies/`);
  assert.equal(await page.locator('tbody tr').count(), 1);
  assert.equal((await page.goto(`${GATEWAY}/codex/admin/`)).status(), 403);
  assert.equal((await page.goto(`${GATEWAY}/codex/sync/`)).status(), 403);
  await context.close();
});

test('an ended login leads to the login page', async () => {
  const { context, page } = await login(browser, 'Technician');
  await context.clearCookies();
  await page.goto(`${GATEWAY}/codex/companies/`);
  assert.match(page.url(), /\/login/);
  await context.close();
});
