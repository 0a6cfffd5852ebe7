/** A program of others as a child: its words are kept, its folder is its own, and it is ended by its pid. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { until } from './until.ts'

export interface ProgramOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
}

/** How long a program may take to leave after it was asked to. */
const LEAVE_MS = 3_000

export class Program {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #name: string
  readonly #gone: Promise<unknown>
  #output = ''

  constructor({ command, args, cwd, env }: ProgramOptions) {
    this.#name = command
    // Nothing of ours leaks in: no proxy, no editor, no locale.
    this.#child = spawn(command, args, { cwd, env: { PATH: process.env['PATH'] ?? '', HOME: cwd, LANG: 'C', ...env } })
    this.#gone = once(this.#child, 'exit')
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        this.#output += chunk
      })
    }
    this.#child.stdin.on('error', () => {})
  }

  /** Everything said so far, on both streams. */
  get output(): string {
    return this.#output
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Null while it runs or when a signal ended it. */
  get exitCode(): number | null {
    return this.#child.exitCode
  }

  type(line: string): void {
    this.#child.stdin.write(`${line}\n`)
  }

  /** Waits until it has said something; its whole output goes into the failure. */
  async says(pattern: RegExp, limitMs?: number): Promise<void> {
    const holds = (): boolean => pattern.test(this.#output)
    await until(`${this.#name} to say ${pattern}`, () => holds() || !this.isRunning, limitMs).catch((cause: Error) => {
      throw new Error(`${cause.message}\n${this.#output}`)
    })
    if (!holds()) throw new Error(`${this.#name} ended before it said ${pattern}\n${this.#output}`)
  }

  /** Waits until it leaves by itself. */
  async ended(limitMs: number): Promise<void> {
    await until(`${this.#name} to end`, () => !this.isRunning, limitMs).catch((cause: Error) => {
      throw new Error(`${cause.message}\n${this.#output}`)
    })
  }

  /** May be called twice. */
  async close(): Promise<void> {
    if (!this.isRunning) return
    this.#child.kill('SIGTERM')
    const force = setTimeout(() => this.#child.kill('SIGKILL'), LEAVE_MS)
    await this.#gone
    clearTimeout(force)
  }
}
