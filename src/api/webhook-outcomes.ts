/** Writes what became of deliveries: those that end while a commit is under way share the next one. */

import type { Log } from '../kernel/log.ts'
import type { DeliveryRow, Store } from '../store/port.ts'

export class WebhookOutcomes {
  readonly #store: Pick<Store, 'commit'>
  readonly #log: Log
  #unwritten = new Map<string, DeliveryRow>()
  #writing: Promise<void> | null = null

  constructor(store: Pick<Store, 'commit'>, log: Log) {
    this.#store = store
    this.#log = log
  }

  /** A later outcome of the same delivery replaces one that is not written yet. */
  write(delivery: DeliveryRow): void {
    this.#unwritten.set(delivery.id, delivery)
    this.#writing ??= this.#writeAll()
  }

  /** Resolves when nothing is left to write. */
  async settled(): Promise<void> {
    await this.#writing
  }

  /** An outcome that cannot be stored is let go: after a restart the delivery may be made twice. */
  async #writeAll(): Promise<void> {
    while (this.#unwritten.size > 0) {
      const deliveries = [...this.#unwritten.values()]
      this.#unwritten = new Map()
      const answer = await this.#store.commit({ deliveries })
      if (!answer.ok) this.#log.warn({ deliveries: deliveries.length, answer }, 'webhook outcomes not stored')
    }
    this.#writing = null
  }
}
