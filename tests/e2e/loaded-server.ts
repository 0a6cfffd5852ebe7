/** The server of `deliveries-server.ts`, as its tests hold it. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Load, LoadAnswers, Ready } from './deliveries-server.ts'

export class LoadedServer {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (value: never) => void>()
  #asked = 0

  /** @param settings as `readConfig` reads them */
  constructor(settings: Readonly<Record<string, string>>) {
    this.#child = fork(fileURLToPath(new URL('./deliveries-server.ts', import.meta.url)), [JSON.stringify(settings)], {
      execArgv: [
        '--disable-warning=ExperimentalWarning',
        '--import',
        new URL('./deliveries-starts.ts', import.meta.url).href,
      ],
      env: { ...process.env, NODE_TEST_CONTEXT: '' },
    })
    this.#child.on('message', ({ id, value }: { id: number; value: never }) => this.#waiting.get(id)?.(value))
  }

  async ready(): Promise<Ready> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(-1, resolve as (value: never) => void)
      this.#child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
    })
  }

  ask<Q extends keyof LoadAnswers>(question: Q, want: Load | null = null): Promise<LoadAnswers[Q]> {
    const id = this.#asked++
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve as (value: never) => void)
      this.#child.send({ id, question, want })
    })
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const ended = once(this.#child, 'exit')
    await this.ask('close')
    await ended
  }
}
