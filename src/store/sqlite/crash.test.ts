import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { SeededRandom } from '../../kernel/random.ts'
import { CUSTOMER, callOf, numberedBatch, sizeOf } from './drills/numbered-batch.ts'
import { openSqlite } from './sqlite-store.ts'

const ROUNDS = Number(process.env['QUIETLINE_KILL_ROUNDS'] ?? 5)
const SEED = process.env['QUIETLINE_SEED'] ?? String(Date.now())
/** How many batches the process has under way. */
const AT_ONCE = 4
const NOBODY = 65_534

const drill = (name: string): string => fileURLToPath(new URL(`./drills/${name}`, import.meta.url))

/** Runs the committing process and kills it after `acknowledged` lines. @returns the numbers it said were stored */
async function commitUntilKilled(path: string, first: number, acknowledged: number): Promise<number[]> {
  const child = spawn(process.execPath, [drill('commit-forever.ts'), path, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const numbers: number[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    numbers.push(Number(line))
    if (numbers.length === acknowledged) child.kill('SIGKILL')
  }
  const [, signal] = await exited
  assert.equal(signal, 'SIGKILL')
  return numbers
}

/**
 * Every batch of a round is there whole or not at all, and those acknowledged are there.
 * @returns how many are there
 */
function checkRound(path: string, first: number, acknowledged: readonly number[]): number {
  const core = openSqlite({ path })
  const last = Math.max(...acknowledged) + AT_ONCE
  let stored = 0
  for (let number = first; number <= last; number++) {
    const rows = core.find('transcripts', { transcribe_id: callOf(number) })
    const events = core.eventsOfCall(CUSTOMER, callOf(number)).map(({ cursor: _, ...event }) => event)
    const there = rows.length > 0 || acknowledged.includes(number)
    assert.equal(rows.length, there ? sizeOf(number) : 0, `rows of batch ${number}`)
    assert.deepEqual(events, there ? numberedBatch(number).events : [], `events of batch ${number}`)
    if (there) stored += 1
  }
  core.close()
  return stored
}

/** Cursors have no hole, every event has its delivery, the file is sound. */
function checkFile(path: string): void {
  const database = new DatabaseSync(path)
  const one = (sql: string): unknown => Object.values(database.prepare(sql).get()!)[0]
  assert.equal(one('PRAGMA integrity_check'), 'ok')
  assert.equal(one('select max(cursor) from events'), one('select count(*) from events'))
  assert.equal(one('select count(*) from transcripts'), one('select count(*) from events'))
  assert.equal(
    one('select count(*) from deliveries d join events e on e.id = d.event_id'),
    one('select count(*) from events'),
  )
  database.close()
}

describe('a killed server', () => {
  test(`loses nothing it acknowledged (kill -9, ${ROUNDS} rounds, seed ${SEED})`, async (t) => {
    const random = new SeededRandom(SEED)
    const folder = mkdtempSync(join(tmpdir(), 'quietline-kill-'))
    const path = join(folder, 'store.db')
    const acknowledged: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const first = round * 100_000
      const mine = await commitUntilKilled(path, first, 1 + random.below(300))
      acknowledged.push(...mine)
      const stored = checkRound(path, first, mine)
      checkFile(path)
      t.diagnostic(`round ${round}: ${mine.length} acknowledged, ${stored} stored`)
    }
    const core = openSqlite({ path })
    for (const number of acknowledged) assert.equal(core.eventsOfCall(CUSTOMER, callOf(number)).length, sizeOf(number))
    core.close()
    rmSync(folder, { recursive: true })
  })
})

describe('a folder without permission', () => {
  test('fails commits, and the store is live again when the permission is back', (t) => {
    const asRoot = process.getuid?.() === 0
    const folder = mkdtempSync(join(tmpdir(), 'quietline-permission-'))
    if (asRoot) chownSync(folder, NOBODY, NOBODY)
    const who = asRoot ? { uid: NOBODY, gid: NOBODY } : {}
    const script = drill('lose-permission.ts')
    const readable = spawnSync(process.execPath, ['-e', `fs.readFileSync(${JSON.stringify(script)})`], who)
    if (readable.status !== 0) {
      t.skip('an unprivileged user cannot read this folder of sources')
      return
    }
    const run = spawnSync(process.execPath, [script, folder], { ...who, encoding: 'utf8' })
    rmSync(folder, { recursive: true })
    assert.equal(run.stdout.trim(), 'ok failed ok', run.stderr)
  })
})
