/** One thread of the store, kept alive: when it dies, what it was asked fails, and a new one is started a second later. */

import { Worker } from 'node:worker_threads'
import type { Clock, Scheduled } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { FromThread, ThreadOptions, ToThread } from './messages.ts'

const RESTART_MS = 1_000
/** A thread that does not end by itself in this time is ended. */
const CLOSE_MS = 5_000

/** The thread is dead, closed, or could not open the file. */
export class StoreUnavailable extends Error {
  constructor(why: string) {
    super(`The store is not available: ${why}.`)
    this.name = 'StoreUnavailable'
  }
}

export interface ThreadWorld {
  readonly entry: URL
  readonly clock: Clock
  readonly log: Log
}

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

type State = 'opening' | 'ready' | 'dead' | 'closed'

export class StoreThread {
  readonly #options: ThreadOptions
  readonly #world: ThreadWorld
  readonly #waiting = new Map<number, Waiting>()
  #state: State = 'dead'
  /** Only a thread that has been there once is started again. */
  #wanted = false
  #worker: Worker | null = null
  #nextId = 0
  #restart: Scheduled | null = null
  #ended: Promise<void> = Promise.resolve()

  constructor(options: ThreadOptions, world: ThreadWorld) {
    this.#options = options
    this.#world = world
  }

  /** Starts the thread. Rejects with the error that kept it from opening the file; then it is not started again. */
  async open(): Promise<void> {
    await this.#start()
    this.#wanted = true
  }

  /** Rejects with `StoreUnavailable`, or with what the thread threw. */
  ask(question: (id: number) => ToThread): Promise<unknown> {
    if (this.#state !== 'ready')
      return Promise.reject(new StoreUnavailable(`its ${this.#options.role} is ${this.#state}`))
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#worker?.postMessage(question(id))
      this.#waiting.set(id, { resolve, reject })
    })
  }

  /** Without an answer; lost when the thread is not there. */
  tell(message: ToThread): void {
    if (this.#state === 'ready') this.#worker?.postMessage(message)
  }

  /** A drill: ends the thread as a crash would. */
  async crash(): Promise<void> {
    await this.#worker?.terminate()
  }

  /** Ends the thread after it has answered what it was asked. May be called twice. */
  async close(): Promise<void> {
    this.#restart?.cancel()
    if (this.#state === 'ready') this.#worker?.postMessage({ kind: 'close' } satisfies ToThread)
    else if (this.#state === 'opening') void this.#worker?.terminate()
    this.#state = 'closed'
    const { clock } = this.#world
    const limit = clock.schedule(clock.now() + CLOSE_MS, () => void this.#worker?.terminate())
    await this.#ended
    limit.cancel()
  }

  /** Resolves when the thread is ready; rejects when it ends before that. */
  #start(): Promise<void> {
    const { role } = this.#options
    const worker = new Worker(this.#world.entry, { workerData: this.#options, name: `store-${role}`, execArgv: [] })
    this.#worker = worker
    this.#state = 'opening'
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const ended = Promise.withResolvers<void>()
    this.#ended = ended.promise
    let problem: Error = new StoreUnavailable(`its ${role} ended`)
    worker.on('message', (message: FromThread) => {
      if (message.kind === 'unopened') problem = namedError(message)
      if (message.kind === 'ready' && this.#state === 'opening') this.#state = 'ready'
      if (message.kind === 'ready') resolve()
      this.#hear(message)
    })
    worker.on('error', (error) => {
      problem = error instanceof Error ? error : new StoreUnavailable(String(error))
    })
    worker.on('exit', () => {
      this.#gone(problem)
      reject(problem)
      ended.resolve()
    })
    return promise
  }

  #hear(message: FromThread): void {
    if (message.kind !== 'answer' && message.kind !== 'threw') return
    const waiting = this.#waiting.get(message.id)
    this.#waiting.delete(message.id)
    if (message.kind === 'answer') waiting?.resolve(message.value)
    else waiting?.reject(new Error(message.message))
  }

  #gone(problem: Error): void {
    this.#worker = null
    for (const waiting of this.#waiting.values()) waiting.reject(problem)
    this.#waiting.clear()
    if (this.#state === 'closed') return
    const { log } = this.#world
    const fields = { role: this.#options.role, why: problem.message }
    if (this.#state === 'ready') log.error(fields, 'store thread is gone')
    else log.debug(fields, 'store thread did not come back')
    this.#state = 'dead'
    if (!this.#wanted) return
    this.#restartLater()
  }

  #restartLater(): void {
    const { clock, log } = this.#world
    this.#restart = clock.schedule(clock.now() + RESTART_MS, () => {
      this.#start().then(
        () => log.warn({ role: this.#options.role }, 'store thread is back'),
        () => {}, // It was logged and will be tried again.
      )
    })
  }
}

function namedError({ name, message }: { readonly name: string; readonly message: string }): Error {
  const error = new Error(message)
  error.name = name
  return error
}
