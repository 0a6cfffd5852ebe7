/** A thread's two ends without the thread: commands and events cross in order, a microtask later, never within a call. */

import type { Channel } from '../../src/drivers/channel.ts'

export class InThreadChannel<Command, Event> implements Channel<Command, Event> {
  onEvents: (events: readonly Event[]) => void = () => {}
  onLost: () => void = () => {}
  readonly #handle: (command: Command) => void
  #commands: Command[] = []
  #events: Event[] = []
  #isCarrying = false
  #isDead = false

  constructor(handle: (command: Command) => void) {
    this.#handle = handle
  }

  /** The thread dies: what was on its way either way is lost, and so is what is posted until `revive`. */
  kill(): void {
    this.#isDead = true
    this.#commands = []
    this.#events = []
    this.onLost()
  }

  revive(): void {
    this.#isDead = false
  }

  post(command: Command): void {
    if (this.#isDead) return
    this.#commands.push(command)
    this.#wake()
  }

  /** Told by the thread's side. */
  emit(event: Event): void {
    if (this.#isDead) return
    this.#events.push(event)
    this.#wake()
  }

  async close(): Promise<void> {}

  #wake(): void {
    if (this.#isCarrying) return
    this.#isCarrying = true
    queueMicrotask(() => {
      this.#isCarrying = false
      for (const command of this.#commands.splice(0)) this.#handle(command)
      const events = this.#events.splice(0)
      if (events.length > 0) this.onEvents(events)
    })
  }
}
