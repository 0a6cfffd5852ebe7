/** The server as people start it: a process of its own, told by its environment, known by what it prints. */

import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'
import { until } from './until.ts'

const PROGRAM = path.resolve(import.meta.dirname, '../../bin/quietline.js')

export interface Exit {
  readonly code: number | null
  readonly signal: string | null
}

export class ServerProcess {
  stdout = ''
  stderr = ''
  exit: Exit | null = null
  readonly #child: ChildProcess

  /** @param env settings; nothing else of the test's own is passed on */
  constructor(env: Readonly<Record<string, string>>) {
    const inherited = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' }
    this.#child = spawn(process.execPath, [PROGRAM, 'start'], {
      env: {
        ...inherited,
        QUIETLINE_HTTP_PORT: '0',
        QUIETLINE_SIP_PORT: '0',
        QUIETLINE_DEMO: '0',
        QUIETLINE_LOG_LEVEL: 'silent',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child.stdout!.on('data', (chunk) => {
      this.stdout += chunk
    })
    this.#child.stderr!.on('data', (chunk) => {
      this.stderr += chunk
    })
    this.#child.on('close', (code, signal) => {
      this.exit = { code, signal }
    })
  }

  get pid(): number {
    return this.#child.pid!
  }

  async up(): Promise<void> {
    await until('the server is up', () => this.exit !== null || /Try next:/.test(this.stdout))
    if (this.exit) throw new Error(`the server ended: ${this.stderr}`)
  }

  /** `http://127.0.0.1:7700/v1.0` */
  get base(): string {
    return this.#told(/^ {2}base +(\S+)$/m)
  }

  get customerId(): string {
    return this.#told(/^ {2}customer id +(\S+)$/m)
  }

  get sipPort(): number {
    return Number(this.#told(/ server \S+:(\d+)$/m))
  }

  /** Printed by the first start only; null afterwards. */
  get accessKey(): string | null {
    return / {2}access key {3}(\S+) {3}\(shown only now\)/.exec(this.stdout)?.[1] ?? null
  }

  get extensions(): readonly { readonly extension: string; readonly password: string }[] {
    return [...this.stdout.matchAll(/^ {2}user (\S+) +password (\S+)/gm)].map((match) => ({
      extension: match[1]!,
      password: match[2]!,
    }))
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL', limitMs = 10_000): Promise<Exit> {
    this.#child.kill(signal)
    return this.ended(limitMs)
  }

  async ended(limitMs = 10_000): Promise<Exit> {
    await until('the server has ended', () => this.exit !== null, limitMs)
    return this.exit!
  }

  #told(pattern: RegExp): string {
    const match = pattern.exec(this.stdout)
    if (!match) throw new Error(`the server did not say ${pattern}: ${this.stdout}`)
    return match[1]!
  }
}
