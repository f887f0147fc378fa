// A person's browser: Chromium, driven by Playwright. Each line on standard input is a visit as JSON; each line on standard
// output is what was seen, as JSON. It ends with its standard input. Nothing but loopback is ever asked for.
//
//	{"url", "javascript", "dark", "fault", "decision", "fragment"}
//
// With a decision, the consent page of the sandbox's server is filled in on the way; with fragment, the page is one that
// sends its fragment again.
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const limit = 30_000;
const browser = await chromium.launch({
  executablePath: process.argv[2],
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  ],
});

// violations are what axe-core finds wrong with a page, each with the places where.
async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run());
  return found.violations.map((v) => `${v.id} at ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`);
}

async function visit({ url, javascript, dark, fault, decision, fragment }) {
  const seen = { requests: [], outside: [], errors: [], violations: [] };
  const context = await browser.newContext({ javaScriptEnabled: javascript, colorScheme: dark ? 'dark' : 'light' });
  try {
    context.setDefaultTimeout(limit);
    await context.route('**/*', (route) => {
      const to = new URL(route.request().url());
      if (to.hostname !== '127.0.0.1') {
        seen.outside.push(to.href);
        return route.abort();
      }
      return route.continue();
    });
    const page = await context.newPage();
    page.on('request', (request) => seen.requests.push(new URL(request.url()).pathname));
    page.on('pageerror', (error) => seen.errors.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && !/status of 4\d\d/.test(message.text()) && seen.errors.push(message.text()));
    let response = await page.goto(url);
    if (decision) {
      if (javascript) seen.violations.push(...await violations(page));
      await page.getByLabel('Password').fill('password');
      await page.getByLabel('What should happen').selectOption(fault);
      seen.requests.length = 0;
      [response] = await Promise.all([
        page.waitForResponse((r) => r.request().isNavigationRequest() && r.status() !== 303 && r.status() !== 302),
        page.locator(`button[value=${decision}]`).click(),
      ]);
      await page.waitForLoadState();
    }
    if (fragment) {
      await page.waitForURL((at) => at.search !== '' && at.hash === '');
      await page.waitForLoadState();
    }
    if (javascript) seen.violations.push(...await violations(page));
    Object.assign(seen, {
      status: response.status(),
      title: await page.title(),
      heading: await page.locator('h1').innerText(),
      text: await page.locator('body').innerText(),
    });
  } finally {
    await context.close();
  }
  return seen;
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = await visit(JSON.parse(line));
  } catch (error) {
    answer = { failed: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
