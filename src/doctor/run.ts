/**
 * `quietline doctor`: asks the server that runs on this machine what it tells phones, calls it with a softphone, talks with its
 * engines, and says in words what works and what to change. All it makes belongs to an account of its own, which it closes.
 */

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { Config } from '../config.ts'
import { RealClock } from '../drivers/real-clock.ts'
import { askOperator } from '../operator.ts'
import { type Facts, type Finding, findingOfCall, findingsOf, type Machine } from './findings.ts'
import { type Account, callAndTalk, callEcho } from './test-call.ts'

interface Visit {
  readonly facts: Facts
  readonly base: string
  readonly access_key: string
  readonly customer_id: string
  readonly domain: string
}

const MARKS = { ok: '  ok      ', note: '  note    ', problem: '  PROBLEM ' } as const
const SENTENCE = 'please check the line'
const HEARD_WITHIN_MS = 8_000
/** Of half a second at least. */
const ENOUGH_VOICED_FRAMES = 25

/** @returns the exit code: 1 when something is wrong */
export async function runDoctor(config: Config): Promise<number> {
  const visit = (await (await askOperator(config, '/doctor', { method: 'POST' })).json()) as Visit
  const api = new Api(visit)
  const findings: Finding[] = []
  const tell = (finding: Finding): void => {
    findings.push(finding)
    process.stdout.write(`${MARKS[finding.level]}${finding.what}\n`)
    if (finding.change) process.stdout.write(`          -> ${finding.change}\n`)
  }
  process.stdout.write(`quietline ${visit.facts.version} on this machine\n\n`)
  try {
    for (const finding of findingsOf(visit.facts, machine())) tell(finding)
    await tryCalls(visit, api, tell)
  } finally {
    await api.leave()
  }
  const problems = findings.filter(({ level }) => level === 'problem').length
  process.stdout.write(problems === 0 ? '\nNothing is wrong.\n' : `\n${problems} to look at.\n`)
  return problems === 0 ? 0 : 1
}

async function tryCalls(visit: Visit, api: Api, tell: (finding: Finding) => void): Promise<void> {
  const { facts, domain } = visit
  const clock = new RealClock()
  const port = facts.sip.find(({ transport }) => transport === 'udp')?.port ?? 5060
  const account = await api.makePhone(domain)
  const echo = await api.makeNumber([{ type: 'answer' }, { type: 'echo', option: { duration: 30_000 } }])
  const near = isWildcard(facts.bind) ? '127.0.0.1' : facts.bind
  tell(findingOfCall(await callEcho(clock, account, near, { address: near, port }, echo), true))
  if (facts.advertised !== near) {
    const local = facts.own_addresses.find((one) => one.includes(':') === facts.advertised.includes(':')) ?? near
    const isOwnPath = facts.own_addresses.includes(facts.advertised)
    tell(findingOfCall(await callEcho(clock, account, local, { address: facts.advertised, port }, echo), isOwnPath))
  }
  const open = await api.makeNumber([{ type: 'answer' }, { type: 'sleep', option: { duration: 60_000 } }])
  for (const finding of await tryEngines(api, account, { address: near, port, number: open, local: near }))
    tell(finding)
}

async function tryEngines(
  api: Api,
  account: Account,
  server: { address: string; port: number; number: string; local: string },
): Promise<Finding[]> {
  let transcribeId = ''
  let callId = ''
  try {
    const voiced = await callAndTalk(new RealClock(), account, server, SENTENCE, {
      begin: async () => {
        callId = await api.liveCall()
        transcribeId = await api.listenOn(callId, SENTENCE)
      },
      say: async () => api.sayOn(callId, 'The line works, and I can speak.'),
    })
    const heard = await api.heardOn(transcribeId, HEARD_WITHIN_MS)
    return [spoke(voiced), understood(heard)]
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    return [{ level: 'problem', what: `The engines could not be tried: ${why}.` }]
  }
}

function spoke(voicedFrames: number): Finding {
  if (voicedFrames >= ENOUGH_VOICED_FRAMES) return { level: 'ok', what: 'The synthesiser speaks.' }
  return {
    level: 'problem',
    what: 'A sentence was asked for and not heard.',
    change: 'look at the log of the talk thread',
  }
}

function understood(heard: string | null): Finding {
  if (heard === SENTENCE) return { level: 'ok', what: 'The recogniser understands (a synthetic voice).' }
  const what = heard === null ? 'A spoken sentence gave no transcript.' : 'A spoken sentence was taken for another one.'
  return { level: 'problem', what, change: 'look at the log of the listen thread' }
}

/** The public API, as any customer uses it. */
class Api {
  readonly #visit: Visit
  #numbers = 0

  constructor(visit: Visit) {
    this.#visit = visit
  }

  async #ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const { access_key: key, base } = this.#visit
    const answer = await fetch(`${base}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`${method} ${path} was answered with ${answer.status}`)
    return (await answer.json()) as T
  }

  async makePhone(domain: string): Promise<Account> {
    const user = 'doctor'
    const password = crypto.randomUUID()
    await this.#ask('POST', '/extensions', { extension: user, password, name: 'doctor' })
    return { user, password, domain }
  }

  /** @returns a virtual number whose flow is this */
  async makeNumber(actions: readonly unknown[]): Promise<string> {
    const number = `+8998${String(process.pid % 10_000).padStart(4, '0')}${++this.#numbers}`
    const flow = await this.#ask<{ id: string }>('POST', '/flows', { name: 'doctor', actions })
    await this.#ask('POST', '/numbers', { number, call_flow_id: flow.id })
    return number
  }

  async liveCall(): Promise<string> {
    const { result } = await this.#ask<{ result: { id: string }[] }>('GET', '/calls?status=progressing')
    if (!result[0]) throw new Error('the call is not listed')
    return result[0].id
  }

  async listenOn(callId: string, phrase: string): Promise<string> {
    const reference = { reference_type: 'call', reference_id: callId }
    const wish = { ...reference, language: 'en-US', direction: 'in', phrases: [phrase, 'something else entirely'] }
    return (await this.#ask<{ id: string }>('POST', '/transcribes', wish)).id
  }

  async sayOn(callId: string, text: string): Promise<void> {
    const wish = { reference_type: 'call', reference_id: callId, language: 'en-US' }
    const { id } = await this.#ask<{ id: string }>('POST', '/speakings', wish)
    await this.#ask('POST', `/speakings/${id}/say`, { text })
  }

  /** The first thing heard; null when nothing was within that time. */
  async heardOn(transcribeId: string, ms: number): Promise<string | null> {
    const giveUp = Date.now() + ms
    while (Date.now() < giveUp) {
      const path = `/transcripts?transcribe_id=${transcribeId}`
      const { result } = await this.#ask<{ result: { message: string }[] }>('GET', path)
      const [first] = result
      if (first) return first.message.toLowerCase().replace(/[^a-z ]/g, '')
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    return null
  }

  /** Erases what was said, and closes the account. */
  async leave(): Promise<void> {
    const sure = { confirmation_phrase: 'DELETE' }
    await this.#ask('POST', '/privacy/erase', { everything: true, ...sure }).catch(() => undefined)
    await this.#ask('POST', '/auth/unregister', { ...sure, immediate: true }).catch(() => undefined)
  }
}

function machine(): Machine {
  return {
    cores: availableParallelism(),
    receiveBufferMax: numberIn('/proc/sys/net/core/rmem_max'),
    openFiles: openFiles(),
  }
}

function openFiles(): number | null {
  const said = spawnSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).stdout?.trim() ?? ''
  return /^\d+$/.test(said) ? Number(said) : null
}

function numberIn(file: string): number | null {
  try {
    return Number(readFileSync(file, 'utf8'))
  } catch {
    return null
  }
}

function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}
