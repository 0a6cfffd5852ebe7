/**
 * The talk thread: one local synthesiser for all legs. `TalkCommand` in, `TalkEvent[]` out; sound goes into the play-out
 * rings. It lowers its own priority, so that the media thread's ticks stay sharp beside it.
 */

import { constants, setPriority } from 'node:os'
import { type MessagePort, parentPort, receiveMessageOnPort } from 'node:worker_threads'
import type { TalkCommand, TalkEvent } from '../speech/protocol.ts'
import { COMMON_WORDS } from '../speech/providers/flite/common-words.ts'
import { FliteSynthesiser } from '../speech/providers/flite/synthesiser.ts'
import { CachedSynthesiser } from '../speech/talk/cache.ts'
import { TalkThread } from '../speech/talk/thread.ts'
import { DEFAULT_VOICE } from '../speech/voices.ts'
import { monotonicMs } from './monotonic.ts'

const PUMP_EVERY_MS = 20
const IDLE_EVERY_MS = 50
const WARM_UP = 'One moment please, I am getting ready to speak.'
const WARM_UP_RUNS = 3
const TELEPHONE_HZ = 8_000

function main(port: MessagePort): void {
  setPriority(0, constants.priority.PRIORITY_BELOW_NORMAL)
  const engine = new FliteSynthesiser()
  for (let run = 0; run < WARM_UP_RUNS; run++) engine.render(WARM_UP, DEFAULT_VOICE, TELEPHONE_HZ)
  const loop = new TalkLoop(port, new CachedSynthesiser(engine))
  port.on('message', (command: TalkCommand) => loop.receive(command))
  port.postMessage([{ kind: 'ready' } satisfies TalkEvent])
  loop.whenIdle(COMMON_WORDS.map((words) => () => engine.learn(words)))
}

/** Between two clauses it looks for commands, so that what was dropped costs nothing; while sound waits it fills the rings. */
class TalkLoop {
  readonly #port: MessagePort
  readonly #thread: TalkThread
  #events: TalkEvent[] = []
  #timer: NodeJS.Timeout | null = null
  #idle: NodeJS.Timeout | null = null
  #isClosed = false

  constructor(port: MessagePort, engine: CachedSynthesiser) {
    this.#port = port
    this.#thread = new TalkThread({
      engine,
      emit: (event) => this.#events.push(event),
      clock: monotonicMs,
    })
  }

  receive(command: TalkCommand): void {
    this.#handle(command)
    this.#run()
  }

  /** Small tasks for moments in which nobody waits, in order. */
  whenIdle(tasks: readonly (() => void)[]): void {
    const [task, ...rest] = tasks
    if (!task) return
    this.#idle = setTimeout(() => {
      if (!this.#thread.isBusy) task()
      this.whenIdle(this.#thread.isBusy ? tasks : rest)
    }, IDLE_EVERY_MS)
  }

  #handle(command: TalkCommand): void {
    this.#thread.handle(command, monotonicMs())
    this.#isClosed ||= command.kind === 'shutDown'
  }

  #run(): void {
    do {
      for (let next = receiveMessageOnPort(this.#port); next; next = receiveMessageOnPort(this.#port))
        this.#handle(next.message)
      this.#tell()
    } while (this.#thread.work(monotonicMs()))
    this.#thread.pump(monotonicMs())
    this.#tell()
    if (this.#isClosed) this.#close()
    else if (this.#thread.isBusy) this.#timer ??= setTimeout(() => this.#wake(), PUMP_EVERY_MS)
  }

  #wake(): void {
    this.#timer = null
    this.#run()
  }

  #tell(): void {
    if (this.#events.length === 0) return
    this.#port.postMessage(this.#events)
    this.#events = []
  }

  #close(): void {
    if (this.#timer) clearTimeout(this.#timer)
    if (this.#idle) clearTimeout(this.#idle)
    this.#port.close()
  }
}

if (parentPort) main(parentPort)
