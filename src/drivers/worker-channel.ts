/** A worker thread as a channel: starts it, waits until it says `ready`, restarts it once a second when it dies. */

import { Worker } from 'node:worker_threads'
import type { Log } from '../kernel/log.ts'
import type { Channel } from './channel.ts'

const RESTART_MS = 1_000
const CLOSE_MS = 2_000

export class WorkerChannel<Command extends { kind: string }, Event extends { kind: string }>
  implements Channel<Command, Event>
{
  onEvents: (events: readonly Event[]) => void = () => {}
  onLost: () => void = () => {}
  readonly #name: string
  readonly #url: URL
  readonly #workerData: unknown
  readonly #log: Log
  #worker: Worker
  #isClosing = false
  #isReady = false
  #wasEverReady = false
  #ready = Promise.withResolvers<void>()

  constructor(want: { name: string; url: URL; workerData: unknown; log: Log }) {
    this.#name = want.name
    this.#url = want.url
    this.#workerData = want.workerData
    this.#log = want.log
    this.#worker = this.#start()
  }

  /** Resolves when the thread has loaded what it needs; rejects when it dies before. */
  get ready(): Promise<void> {
    return this.#ready.promise
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** For tests of what happens then. */
  async kill(): Promise<void> {
    await this.#worker.terminate()
  }

  post(command: Command): void {
    this.#worker.postMessage(command)
  }

  async close(): Promise<void> {
    if (this.#isClosing) return
    this.#isClosing = true
    const worker = this.#worker
    const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
    worker.postMessage({ kind: 'shutDown' })
    const timer = setTimeout(() => void worker.terminate(), CLOSE_MS)
    await exited
    clearTimeout(timer)
  }

  #start(): Worker {
    const worker = new Worker(this.#url, { workerData: this.#workerData, name: this.#name })
    worker.on('message', (events: readonly Event[]) => {
      if (!this.#isReady && events.some((event) => event.kind === 'ready')) {
        this.#isReady = true
        this.#wasEverReady = true
        this.#ready.resolve()
      }
      this.onEvents(events)
    })
    worker.on('error', (cause) => this.#log.error({ thread: this.#name, err: cause }, 'thread failed'))
    worker.on('exit', () => this.#exited())
    return worker
  }

  #exited(): void {
    this.#isReady = false
    if (this.#isClosing) return
    if (!this.#wasEverReady) return this.#ready.reject(new Error(`the ${this.#name} thread could not start`))
    this.onLost()
    setTimeout(() => {
      if (!this.#isClosing) this.#worker = this.#start()
    }, RESTART_MS).unref()
  }
}
