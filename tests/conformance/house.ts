/** A whole node in this process on free ports, its first customer, phones and receivers. One for each file of checks. */

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { readConfig } from '../../src/config.ts'
import { speakIntoMemory } from '../../src/demo/caller/voice.ts'
import { type RunningNode, startNode } from '../../src/node.ts'
import { DEFAULT_PHRASES } from '../../src/speech/phrases.ts'
import { askAnyone, Client, type EventSocket } from './client.ts'
import { type PhoneWants, TestPhone } from './phones.ts'
import { Receiver } from './receiver.ts'
import { assertAnswer } from './valid.ts'

export interface HouseWants {
  /** A range that no other file uses. */
  readonly rtpPorts: string
  /** What callers will say. */
  readonly lines?: readonly string[]
  /** What the server understands besides its own phrases. Absent: the lines. */
  readonly phrases?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export class House {
  readonly node: RunningNode
  /** The first customer. */
  readonly client: Client
  readonly #lines: ReadonlyMap<string, Int16Array>
  readonly #closers: (() => unknown)[]

  static async open({ rtpPorts, lines = [], phrases = lines, env = {} }: HouseWants): Promise<House> {
    const closers: (() => unknown)[] = []
    const folder = await mkdtemp(path.join(tmpdir(), 'quietline-checks-'))
    closers.push(() => rm(folder, { recursive: true, force: true }))
    const phraseFile = path.join(folder, 'phrases.txt')
    await writeFile(phraseFile, [...DEFAULT_PHRASES, ...phrases].join('\n'))
    const [node, sounds] = await Promise.all([
      startNode(
        readConfig({
          QUIETLINE_DATA_DIR: path.join(folder, 'data'),
          QUIETLINE_HTTP_PORT: '0',
          QUIETLINE_SIP_PORT: '0',
          QUIETLINE_DEMO: '0',
          QUIETLINE_STT_PHRASES: phraseFile,
          QUIETLINE_RTP_PORTS: rtpPorts,
          QUIETLINE_LOG_LEVEL: 'error',
          ...env,
        }),
      ),
      lines.length > 0 ? speakIntoMemory(lines) : [],
    ])
    closers.push(() => node.close())
    return new House(node, new Map(lines.map((line, at) => [line, sounds[at]!])), closers)
  }

  private constructor(node: RunningNode, lines: ReadonlyMap<string, Int16Array>, closers: (() => unknown)[]) {
    this.node = node
    this.client = new Client(`http://127.0.0.1:${node.httpPort}`, node.accessKey, node.customerId)
    this.#lines = lines
    this.#closers = closers
  }

  /** May be called twice. After it the node has no call, run or timer left. */
  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close()
    assert.equal(this.node.parts.runner.census().timers, 0)
  }

  get origin(): string {
    return this.client.origin
  }

  /** The sound of a line, 8 kHz mono. */
  line(text: string): Int16Array {
    const sound = this.#lines.get(text)
    if (!sound) throw new Error(`nobody spoke "${text}"`)
    return sound
  }

  /** Another customer, signed up as 000 does. */
  async customer(username: string): Promise<Client> {
    const body = { username, password: `${username} secret`, email: `${username}@example.com` }
    const answer = await askAnyone(`${this.origin}/v1.0/auth/signup`, 'POST', body)
    assertAnswer('POST', '/auth/signup', answer.status, answer.body)
    return new Client(this.origin, answer.body.accesskey.token, answer.body.customer.id)
  }

  async phone(wants: Omit<PhoneWants, 'sipPort'>): Promise<TestPhone> {
    const phone = await TestPhone.open({ sipPort: this.node.sipPort, ...wants })
    this.#closers.push(() => phone.close())
    return phone
  }

  /** An extension of a customer, and a phone that is registered for it. */
  async extension(
    client: Client,
    user: string,
    more: { readonly name?: string; readonly autoAnswer?: boolean } = {},
  ): Promise<TestPhone> {
    const password = `${user}-secret`
    await client.must('POST', '/extensions', { extension: user, password, name: more.name ?? user })
    return this.phone({ user, password, autoAnswer: more.autoAnswer ?? false })
  }

  async receiver(): Promise<Receiver> {
    const receiver = await Receiver.open()
    this.#closers.push(() => receiver.close())
    return receiver
  }

  /** An event socket that ends with the house. */
  async events(client: Client = this.client, ...topics: readonly string[]): Promise<EventSocket> {
    const socket = await client.listen(...topics)
    this.#closers.push(() => socket.close())
    return socket
  }
}

/** Words only, so that a recogniser's spelling does not matter. */
export function plain(text: string): string {
  return text.toLowerCase().replace(/[^a-z ]/g, '')
}
