// Every form, and input that is wrong. What is covered:
// * for each role, every button of every kind of form of every page pattern is pressed with the form as it stands: an
//   answer for people, never 5xx, no error of a script. Forms that delete or clear come last, the administrator's too;
// * hostile text in every text field (hostile.mjs for records; here views, plans, options, notes, search and filters);
// * bad addresses, imports, stale tokens, an expired login, a form sent twice, records that are gone, two windows, Helm
//   that is absent: a readable page that keeps what was typed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { HOSTILE, hostileRecords } from './hostile.mjs';
import { GATEWAY, assertNone, crawl, launch, login, send } from './lib.mjs';

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser.close(); });

/** Forms that take something away: they are sent when all others have been. */
const DANGEROUS = /delete|clear|merge|approve|unlink|cancel|password|enabled/;

/** What tells the buttons of a page apart: where they send their form, and what they say. */
async function buttonsOf(page) {
  return page.$$eval('main form', (forms) => forms.flatMap((form, place) => {
    const buttons = [...form.querySelectorAll('button:not([type="button"])')];
    return buttons.map((button, index) => {
      const action = new URL(button.formAction || form.action).pathname.replace(/\/[^/]*\d[^/]*/g, '/N');
      const kind = `${form.method} ${action} ${button.name} ${button.textContent.trim().replace(/\d+/g, 'N')}`;
      return { place, index, kind };
    });
  }));
}

/** The page says for people what is wrong: a heading, a message, a way on. */
async function assertReadable(page, answer, statuses, words) {
  assert.ok(statuses.includes(answer.status()), `${page.url()}: status ${answer.status()}`);
  assert.match(answer.headers()['content-type'], /text\/html/, page.url());
  assert.equal(await page.locator('h1').count(), 1);
  const said = (await page.locator('[role="alert"]').allTextContents()).join(' ');
  assert.match(said, words, page.url());
}

/** Presses a button of a form as it stands. Returns the status of the answer; nothing when the button is gone. */
async function press(page, url, place, index) {
  // An earlier form may have deleted what this page shows.
  const opened = await page.goto(url);
  if (opened.status() >= 400) return null;
  const button = page.locator('main form').nth(place).locator('button:not([type="button"])').nth(index);
  if (await button.count() === 0) return null;
  const click = () => button.evaluate((one) => {
    one.form.noValidate = true;
    one.click();
  });
  return (await send(page, { click })).status();
}

for (const role of ['Client', 'Billing', 'Technician', 'Administrator']) {
  test(`${role}: every button of every form is answered`, async () => {
    const { context, page, errors } = await login(browser, role);
    const buttons = new Map();
    await crawl(context, async (opened) => {
      for (const button of await buttonsOf(opened)) {
        if (!buttons.has(button.kind)) buttons.set(button.kind, { url: opened.url(), ...button });
      }
    });
    const faults = [];
    const isDangerous = ([kind]) => Number(DANGEROUS.test(kind));
    const queue = [...buttons].sort((a, b) => isDangerous(a) - isDangerous(b));
    await Promise.all([page, await context.newPage()].map(async (window) => {
      while (queue.length > 0) {
        const [kind, { url, place, index }] = queue.shift();
        const status = await press(window, url, place, index).catch((error) => error.message.split('\n')[0]);
        if (status !== null && !(status < 500)) faults.push(`${kind} (${url}): ${status}`);
      }
    }));
    await context.close();
    console.log(`# ${role}: ${buttons.size} buttons`);
    assertNone([...faults, ...errors]);
  });
}

test('addresses that cannot be are answered with what would be right', async () => {
  const { context, page, errors } = await login(browser, 'Technician');
  for (const list of ['companies', 'contacts', 'assets', 'tickets', 'locations']) {
    for (const query of ['page=0', 'page=abc', 'page=99999', 'cursor=abc', 'sort=nothing', 'nothing=1', 'nothing__gt=1']) {
      const answer = await page.goto(`${GATEWAY}/codex/${list}/?${query}`);
      const name = query.split('=')[query.startsWith('sort') ? 1 : 0];
      await assertReadable(page, answer, [400], new RegExp(name));
    }
    await page.locator('.action-footer a').click();
    assert.equal(await page.locator('[role="alert"]').count(), 0, 'there is a way on');
  }
  for (const path of ['assets/?columns=nothing', 'assets/999999', 'companies/nobody', 'tickets/0', 'nowhere', 'views/9999/edit', 'sync/jobs/x/']) {
    await assertReadable(page, await page.goto(`${GATEWAY}/codex/${path}`), [400, 404], /\w/);
  }
  await assertReadable(page, await page.goto(`${GATEWAY}/codex/assets/?view=999999`), [404], /view/);
  await context.close();
  assert.deepEqual(errors, []);
});

test('a view of a column that is gone is refused, or opens without it', async () => {
  const { context, page, errors } = await login(browser, 'Technician');
  await page.goto(`${GATEWAY}/codex/assets/?online=true`);
  await page.getByText('Save as view').click();
  await page.getByLabel('Name', { exact: true }).fill(`Gone ${Date.now().toString(36)}`);
  await send(page, page.getByRole('button', { name: 'Save view' }));
  await page.goto(`${GATEWAY}/codex/views/`);
  await page.getByRole('link', { name: /^Change or delete Gone/ }).first().click();
  const query = 'columns=hostname,nothing&nothing=1&sort=nothing&online=true';
  await page.getByLabel(/^Query/).fill(query);
  const answer = await send(page, page.getByRole('button', { name: 'Save view' }));
  if (answer.status() === 200) {
    await page.getByRole('link', { name: /^Gone/ }).first().click();
    assert.match(await page.locator('main [role="status"]').first().textContent(), /nothing/);
  } else {
    await assertReadable(page, answer, [400, 422], /nothing/);
    assert.equal(await page.getByLabel(/^Query/).inputValue(), query);
  }
  await context.close();
  assert.deepEqual(errors, []);
});

test('imports that cannot be read change nothing and keep the text', async () => {
  const { context, page } = await login(browser, 'Administrator');
  const text = page.locator('textarea[name="json"]');
  const button = page.getByRole('button', { name: 'Import', exact: true });
  for (const bad of ['not JSON', '[]', '{"plans": 7}', '{"plans": [{"plan_name": "Half", "term_length": "1 Year", "per_user_cost": "many"}]}']) {
    await page.goto(`${GATEWAY}/codex/billing-plans/import`);
    await text.fill(bad);
    await assertReadable(page, await send(page, button), [400, 422], /Nothing was imported/);
    assert.equal(await text.inputValue(), bad);
  }
  await page.goto(`${GATEWAY}/codex/billing-plans/import`);
  const buffer = Buffer.alloc(20_000_000, ' ');
  await page.setInputFiles('input[type="file"]', { name: 'large.json', mimeType: 'application/json', buffer });
  await assertReadable(page, await send(page, button), [413], /large|at most|MB/i);
  await page.goto(`${GATEWAY}/codex/billing-plans/`);
  assert.equal(await page.getByRole('heading', { name: 'Half' }).count(), 0);
  await context.close();
});

/** The form of a company on a page of its own, with a description typed. */
async function typed(page, text) {
  await page.goto(`${GATEWAY}/codex/companies/?sort=account_number`);
  const href = await page.locator('tbody th[scope="row"] a').nth(2).getAttribute('href');
  await page.goto(`${new URL(href, GATEWAY).href}/edit`);
  await page.fill('[name="description"]', text);
  return page.getByRole('button', { name: 'Save', exact: true });
}

test('a form of an earlier login keeps its text and can be sent again', async () => {
  const { context, page } = await login(browser, 'Technician');
  const words = `Typed before the login ended ${Date.now()}`;
  const save = await typed(page, words);
  await context.clearCookies();
  const other = await context.newPage();
  await other.goto(GATEWAY);
  await other.getByRole('button', { name: /Ada Lovelace/ }).click();
  await other.waitForURL(/\/codex\//);
  const answer = await send(page, save);
  await assertReadable(page, answer, [403], /again/);
  assert.equal(await page.inputValue('[name="description"]'), words);
  assert.equal((await send(page, page.getByRole('button', { name: 'Save', exact: true }))).status(), 200);
  await page.waitForURL(/done=saved/);
  await context.close();
});

test('a form sent after the login has ended leads to the login, or says so and keeps its text', async () => {
  for (const javaScriptEnabled of [true, false]) {
    const { context, page } = await login(browser, 'Technician', { javaScriptEnabled });
    const save = await typed(page, 'Typed too late');
    await context.clearCookies();
    await send(page, save);
    if (!/\/login/.test(page.url())) {
      assert.match(await page.locator('#announce').textContent(), /login/);
      assert.equal(await page.inputValue('[name="description"]'), 'Typed too late');
    }
    await context.close();
  }
});

test('a form without a token is refused with its text', async () => {
  const { context, page } = await login(browser, 'Technician');
  const save = await typed(page, 'Typed without a token');
  await page.evaluate(() => document.querySelectorAll('[name="csrf_token"]').forEach((one) => one.remove()));
  await assertReadable(page, await send(page, save), [403], /again/);
  assert.equal(await page.inputValue('[name="description"]'), 'Typed without a token');
  await context.close();
});

test('a form sent twice is stored once and explains the second', async () => {
  const { context, page } = await login(browser, 'Technician');
  const save = await typed(page, `Sent twice ${Date.now()}`);
  assert.equal((await send(page, save)).status(), 200);
  await page.goBack();
  await page.locator('[name="description"]').waitFor();
  const answer = await send(page, page.getByRole('button', { name: 'Save', exact: true }));
  assert.ok([200, 412].includes(answer.status()), `status ${answer.status()}`);
  await context.close();
});

test('what is deleted says so to the back button and to a second window', async () => {
  const { context, page } = await login(browser, 'Technician');
  await page.goto(`${GATEWAY}/codex/tags/new`);
  await page.fill('[name="name"]', `gone ${Date.now().toString(36)}`);
  await send(page, page.getByRole('button', { name: /^Create/ }));
  const own = page.url().split('?')[0];
  const other = await context.newPage();
  await other.goto(`${own}/edit`);
  await page.goto(`${own}/delete`);
  await send(page, page.getByRole('button', { name: /^Delete/ }));
  assert.match(page.url(), /done=deleted/);
  await other.fill('[name="name"]', 'Typed too late');
  const late = await send(other, other.getByRole('button', { name: 'Save', exact: true }));
  await assertReadable(other, late, [404, 410, 412], /\w/);
  await assertReadable(page, await page.goBack(), [404], /\w/);
  await context.close();
});

test('hostile text is text in records, notes, views, plans, search and filters', async () => {
  await hostileRecords(browser);
  const { context, page, errors } = await login(browser, 'Administrator');
  const name = `<b>&"'\u{1F9EA} ${Date.now().toString(36)}`;
  const shows = async (text) => {
    assert.equal(await page.evaluate(() => window.hostile), undefined, page.url());
    assert.ok((await page.locator('main').textContent()).includes(text), `${page.url()} shows ${text}`);
  };
  await page.goto(`${GATEWAY}/codex/billing-plans/create`);
  await page.fill('[name="new_plan_name"]', name);
  await send(page, page.getByRole('button', { name: 'Create plan' }));
  await shows(name);
  await page.goto(`${GATEWAY}/codex/billing-plans/features`);
  await page.fill('[name="category_name"]', name);
  await send(page, page.getByRole('button', { name: 'Add kind' }));
  await shows(name.split(' ')[0]);
  await page.goto(`${GATEWAY}/codex/assets/?hostname__contains=${encodeURIComponent(HOSTILE)}`);
  await shows(HOSTILE);
  await page.getByText('Save as view').click();
  await page.fill('[name="name"]', name);
  await send(page, page.getByRole('button', { name: 'Save view' }));
  await shows(name);
  await page.goto(`${GATEWAY}/codex/search?q=${encodeURIComponent(HOSTILE)}&go=1`);
  await shows('<script>window.hostile=1</script>');
  await page.goto(`${GATEWAY}/codex/tickets/`);
  await page.locator('tbody th[scope="row"] a').first().click();
  await page.fill('[name="notes"]', `${HOSTILE} ${'W'.repeat(5000)}`);
  await send(page, page.getByRole('button', { name: 'Save', exact: true }));
  await shows('<script>window.hostile=1</script>');
  await context.close();
  assert.deepEqual(errors, []);
});

test('without Helm the pages of agents say so', async () => {
  const { context, page, errors } = await login(browser, 'Administrator');
  await page.goto(`${GATEWAY}/codex/agents`);
  await page.locator('tbody th[scope="row"] a').first().click();
  assert.match(await page.locator('main').innerText(), /Helm/);
  await page.goto(`${GATEWAY}/codex/agents/new`);
  await page.fill('main form.card [name="username"]', 'new.person');
  await page.fill('main form.card [name="email"]', 'new.person@msp.example');
  const answer = await send(page, page.getByRole('button', { name: 'Create user' }));
  assert.ok(answer.status() < 500, `status ${answer.status()}`);
  assert.match((await page.locator('[role="alert"]').allTextContents()).join(), /Helm/);
  assert.equal(await page.inputValue('main form.card [name="username"]'), 'new.person');
  await context.close();
  assert.deepEqual(errors, []);
});
