/** The page in a real browser against a real node: a call without a microphone, in both colour schemes and widths. */

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Browser, chromium, type Page } from 'playwright-core'
import { readConfig } from '../../src/config.ts'
import { type RunningNode, startNode } from '../../src/node.ts'

const CHROMIUM = '/usr/bin/chromium'
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const skip = existsSync(CHROMIUM) ? false : `no browser at ${CHROMIUM}: the page was not looked at`
const PICTURES = path.join(tmpdir(), 'quietline-page')

async function world(t: TestContext): Promise<{ node: RunningNode; browser: Browser }> {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'quietline-page-'))
  const node = await startNode(
    readConfig({
      QUIETLINE_DATA_DIR: dataDir,
      QUIETLINE_HTTP_PORT: '0',
      QUIETLINE_SIP_PORT: '0',
      QUIETLINE_RTP_PORTS: '24000-24998',
      QUIETLINE_LOG_LEVEL: 'error',
    }),
  )
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS })
  t.after(async () => {
    await browser.close()
    await node.close()
    rmSync(dataDir, { recursive: true, force: true })
  })
  await node.demoReady
  mkdirSync(PICTURES, { recursive: true })
  return { node, browser }
}

/** Fails the test on anything the browser complains about, a refused request to another host above all. */
function strict(page: Page): string[] {
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  return complaints
}

async function say(page: Page, phrase: string): Promise<void> {
  const chip = page.getByRole('button', { name: phrase, exact: true })
  await chip.waitFor()
  await chip.click()
}

async function agentSaid(page: Page, words: string): Promise<void> {
  await page.locator('.turn.agent.said .words', { hasText: words }).last().waitFor({ timeout: 30_000 })
}

async function callerSaid(page: Page, words: string): Promise<void> {
  await page.locator('.turn.caller.heard .words', { hasText: words }).last().waitFor({ timeout: 15_000 })
}

test('a call from the page: its words appear, what was cut is struck through, and every turn has its time', {
  skip,
  timeout: 180_000,
}, async (t) => {
  const { node, browser } = await world(t)
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme: 'light' })
  const complaints = strict(page)
  await page.goto(node.pageUrl)
  await page.locator('#studio').waitFor()
  assert.doesNotMatch(page.url(), /token/, 'the key leaves the address bar')

  await page.check('#use-chips')
  await page.getByRole('button', { name: 'Call the demo agent' }).click()
  await agentSaid(page, 'this is the Quietline demo')
  await say(page, 'opening hours')
  await callerSaid(page, 'opening hours')
  await say(page, 'stop') // offered first while the agent's voice is heard
  await callerSaid(page, 'stop')
  await page.locator('.turn.agent.cut s').waitFor()
  assert.match(await page.locator('.turn.agent.cut .words').innerText(), /^From Monday/)
  await agentSaid(page, 'You stopped me after the word')
  await say(page, 'the weather is lovely in spring')
  await page.locator('.turn.caller.outside').waitFor({ timeout: 15_000 })
  await agentSaid(page, 'Say, yes please, or, no thank you')
  await say(page, 'no thank you')
  await agentSaid(page, 'What else can I do for you')
  await page.locator('.turn.caller .latency').nth(3).waitFor({ timeout: 15_000 })
  for (const scheme of ['light', 'dark'] as const) {
    for (const width of [1280, 390]) {
      await page.emulateMedia({ colorScheme: scheme })
      await page.setViewportSize({ width, height: 900 })
      await page.screenshot({ path: path.join(PICTURES, `call-${scheme}-${width}.png`), fullPage: true })
      const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
      assert.equal(overflow, 0, `nothing sticks out at ${width} pixels`)
    }
  }
  t.diagnostic(`pictures in ${PICTURES}`)
  await page.getByRole('button', { name: 'Hang up' }).click()
  await page.getByText('You hung up.').waitFor()
  assert.deepEqual(complaints, [])
})
