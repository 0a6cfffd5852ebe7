/** A whole server in this process, its API and its events, and real phones in temporary folders. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { readConfig } from '../../src/config.ts'
import { EventStream } from '../../src/demo/caller/api-client.ts'
import type { Log, LogFields } from '../../src/kernel/log.ts'
import { startNode } from '../../src/node.ts'
import { DEFAULT_PHRASES } from '../../src/speech/phrases.ts'
import { type Lines, speakLines } from './lines.ts'
import type { Make, PhoneOptions, RealPhone } from './phones/phone.ts'
import { HERE } from './tools.ts'
import { until } from './until.ts'

export type Doc = Readonly<Record<string, unknown>>

export interface Event {
  readonly type: string
  readonly data: Doc
}

export interface LogLine {
  readonly level: 'error' | 'warn' | 'info' | 'debug'
  readonly fields: LogFields
  readonly message: string
}

export interface World {
  readonly folder: string
  readonly httpPort: number
  readonly sipPort: number
  /** 0 without a certificate. */
  readonly sipTlsPort: number
  readonly token: string
  readonly customerId: string
  readonly lines: Lines
  /** Everything the server told its customer, in order. */
  readonly events: readonly Event[]
  /** Everything the server logged. */
  readonly log: readonly LogLine[]
  liveCalls(): number
  /** Asks the API; anything but 2xx fails. */
  ask(method: string, route: string, body?: object): Promise<Doc>
  /** Makes an extension. */
  extension(user: string, name?: string): Promise<Doc>
  /** Makes a number whose calls run these actions. */
  number(number: string, actions: readonly object[]): Promise<void>
  /** Opens a phone for the extension and waits until it is registered. */
  phone(make: Make, user: string, more?: Partial<PhoneOptions>): Promise<RealPhone>
  /** From now on also hears the events of another customer. @returns asks the API as that one */
  enter(other: { readonly token: string; readonly customerId: string }): Promise<World['ask']>
  /** Waits for an event. */
  event(type: string, where?: (data: Doc) => boolean): Promise<Doc>
  close(): Promise<void>
}

export const PASSWORD = 'correct-horse'
/** Marks requests of the tests among those of the programs under test. */
export const OWN_REQUEST = 'interop-test'

export interface WorldOptions {
  /** UDP ports of the server's sound. */
  readonly rtpPorts: string
  /** What phones will say. */
  readonly lines?: readonly string[]
  /** Further settings of the server. */
  readonly settings?: Readonly<Record<string, string>>
}

export async function openWorld(options: WorldOptions): Promise<World> {
  await using parts = new AsyncDisposableStack()
  const folder = mkdtempSync(path.join(tmpdir(), 'quietline-interop-'))
  parts.defer(() => rmSync(folder, { recursive: true, force: true }))
  const lines = await speakLines(folder, options.lines ?? [])
  const phrases = path.join(folder, 'phrases.txt')
  writeFileSync(phrases, [...DEFAULT_PHRASES, ...(options.lines ?? [])].join('\n'))
  const log: LogLine[] = []
  const node = await startNode(
    readConfig({
      QUIETLINE_DATA_DIR: path.join(folder, 'data'),
      QUIETLINE_HTTP_PORT: '0',
      QUIETLINE_SIP_PORT: '0',
      QUIETLINE_DEMO: '0',
      QUIETLINE_STT_PHRASES: phrases,
      QUIETLINE_RTP_PORTS: options.rtpPorts,
      ...options.settings,
    }),
    collector(log),
  )
  parts.defer(() => node.close())
  const base = `http://${HERE}:${node.httpPort}/v1.0`
  const access = { base, token: node.accessKey, customerId: node.customerId }
  const events: Event[] = []
  const note = (frame: unknown): void => {
    const { type, data } = frame as Partial<Event>
    if (typeof type === 'string' && data !== undefined) events.push({ type, data })
  }
  const stream = await EventStream.open(access, note)
  parts.defer(() => stream.close())

  const asking =
    (token: string): World['ask'] =>
    async (method, route, body) => {
      const response = await fetch(`${base}${route}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'x-request-id': OWN_REQUEST,
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
      const text = await response.text()
      assert.ok(response.ok, `${method} ${route}: ${response.status} ${text}`)
      return JSON.parse(text) as Doc
    }
  const ask = asking(node.accessKey)
  let phones = 0
  const owned = parts.move()
  return {
    folder,
    httpPort: node.httpPort,
    sipPort: node.sipPort,
    sipTlsPort: node.parts.sip.tlsLocal?.port ?? 0,
    token: node.accessKey,
    customerId: node.customerId,
    lines,
    events,
    log,
    ask,
    liveCalls: () => node.parts.runner.liveCalls,
    extension: (user, name = user) => ask('POST', '/extensions', { extension: user, password: PASSWORD, name }),
    number: async (number, actions) => {
      const flow = await ask('POST', '/flows', { name: number, actions })
      await ask('POST', '/numbers', { number, call_flow_id: flow['id'] })
    },
    phone: async (make, user, more = {}) => {
      const own = mkdtempSync(path.join(folder, `phone-${phones++}-`))
      const { sipPort } = node
      const options = { sipPort, user, password: PASSWORD, folder: own, silence: lines.silence, ...more }
      const phone = await make.open(options)
      owned.defer(() => phone.close())
      await until(`${make.name} to register`, () => phone.registration === 'registered').catch((cause: Error) => {
        throw new Error(`${cause.message}\n${phone.words}`)
      })
      return phone
    },
    enter: async ({ token, customerId }) => {
      const theirs = await EventStream.open({ base, token, customerId }, note)
      owned.defer(() => theirs.close())
      return asking(token)
    },
    event: async (type, where = () => true) => {
      const found = (): Event | undefined => events.find((event) => event.type === type && where(event.data))
      await until(`the event ${type}`, () => found() !== undefined)
      return found()!.data
    },
    close: () => owned.disposeAsync(),
  }
}

function collector(lines: LogLine[]): Log {
  const at =
    (level: LogLine['level']) =>
    (fields: LogFields, message: string): void =>
      void lines.push({ level, fields, message })
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') }
}
