// Records whose every field is hostile, made with the forms that people use.
import assert from 'node:assert/strict';
import { GATEWAY, login, send } from './lib.mjs';

/** Breaks out of texts and attributes that are not escaped; writes from the right; has signs of four bytes. */
export const HOSTILE = `<script>window.hostile=1</script>"'><img src=x onerror=window.hostile=1> `
  + '\u{1F9EA}\u{1D518} \u05E2\u05D1\u05E8\u05D9\u05EA \u0639\u0631\u0628\u064A {{7*7}} &lt;b&gt; %00 ${7*7}';

/** What every hostile text has in it, and fits into a name of 30 letters. */
const SHORT = `"'><img src=x>\u{1F9EA}`;

/** The same with 5,000 letters without a blank. */
const LONG = `${HOSTILE} ${'W'.repeat(5000)}`;

/** What is tried in an input, one after the other, until the form takes it. Some fields must differ from record to record. */
const run = Date.now().toString(36);
const VALUES = [`${LONG} ${run}`, `${HOSTILE} ${run}`, `${SHORT} ${run}`, ''];

/** The kinds of records that have a form. The others belong to the company, which comes first. */
const KINDS = ['companies', 'contacts', 'assets', 'locations', 'tags'];

/** Fills every text input of the form that holds a button with hostile text, and sends it until all inputs are taken. */
export async function fillHostile(page, button, kept = {}) {
  const inputs = 'main form.card :is(input[type="text"], textarea)';
  await page.evaluate(() => document.querySelectorAll('form').forEach((form) => { form.noValidate = true; }));
  const values = new Map();
  for (const name of await page.$$eval(inputs, (found) => found.map((one) => one.name))) values.set(name, 0);
  for (let round = 0; round < 2 * VALUES.length * values.size; round += 1) {
    const filled = [...values].map(([name, step]) => [name, kept[name] ?? VALUES[step]]);
    await page.evaluate((pairs) => {
      for (const [name, value] of pairs) document.querySelector(`main form.card [name="${name}"]`).value = value;
    }, filled);
    const answer = await send(page, button());
    if (answer.status() < 400) return;
    assert.equal(answer.status(), 422, `${page.url()}: status ${answer.status()}`);
    const invalid = await page.$$eval(`${inputs}[aria-invalid="true"]`, (found) => found.map((one) => one.name));
    assert.ok(invalid.length > 0, `${page.url()} says that no input is wrong: ${await page.locator('[role="alert"]').allTextContents()}`);
    for (const name of invalid) {
      assert.ok(values.get(name) + 1 < VALUES.length, `${page.url()}: ${name} takes nothing`);
      values.set(name, values.get(name) + 1);
    }
    await page.evaluate(() => document.querySelectorAll('form').forEach((form) => { form.noValidate = true; }));
  }
  assert.fail(`${page.url()}: the form is never taken`);
}

/** Creates a record of each kind. Returns the addresses of their pages, and of lists that show them. */
export async function hostileRecords(browser) {
  const { context, page } = await login(browser, 'Administrator');
  const addresses = [`${GATEWAY}/codex/search?q=${encodeURIComponent('window.hostile')}&go=1`];
  const kept = {};
  for (const kind of KINDS) {
    await page.goto(`${GATEWAY}/codex/${kind}/new`);
    await fillHostile(page, () => page.getByRole('button', { name: /^Create/ }), kept);
    const own = page.url().split('?')[0];
    assert.ok((await page.locator('h1').textContent()).includes(`"'><img src=x`), `${own} shows its name as it was typed`);
    if (kind === 'companies') {
      const number = own.split('/').at(-1);
      Object.assign(kept, { company_account_number: number, company_account_numbers: number });
    }
    addresses.push(own, `${own}/edit`, `${own}/delete`);
    if (kind !== 'tags') addresses.push(`${GATEWAY}/codex/${kind}/?q=hostile`);
  }
  await context.close();
  return addresses;
}
