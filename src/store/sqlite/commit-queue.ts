/**
 * Batches on their way to the writer. What is committed while the writer is at work goes to it together when it answers: one
 * message, one write of the file, one answer. A batch that comes alone goes at once.
 */

import type { Batch, CommitResult } from '../port.ts'
import type { StoreThread } from './thread.ts'

/** In one message; more would make the first of them wait for the last. */
const MOST_BATCHES = 64

interface Waiting {
  readonly batch: Batch
  readonly resolve: (result: CommitResult) => void
}

export class CommitQueue {
  readonly #writer: Pick<StoreThread, 'ask'>
  #waiting: Waiting[] = []
  #state: 'idle' | 'soon' | 'asked' | 'closed' = 'idle'

  constructor(writer: Pick<StoreThread, 'ask'>) {
    this.#writer = writer
  }

  /** Never rejects. Batches are applied in the order in which they were added. */
  add(batch: Batch): Promise<CommitResult> {
    return new Promise((resolve) => {
      this.#waiting.push({ batch, resolve })
      if (this.#state === 'closed') this.#send()
      if (this.#state !== 'idle') return
      // Whatever else this turn commits goes along.
      this.#state = 'soon'
      queueMicrotask(() => this.#state === 'soon' && this.#send())
    })
  }

  /** Sends all that waits; what is added later fails with the closed thread. */
  close(): void {
    this.#state = 'closed'
    while (this.#waiting.length > 0) this.#send()
  }

  #send(): void {
    const sent = this.#waiting.splice(0, MOST_BATCHES)
    if (this.#state !== 'closed') this.#state = 'asked'
    this.#ask(sent).then(
      (results) => this.#answered(sent, results),
      (error: unknown) =>
        this.#answered(
          sent,
          sent.map(() => failed(error)),
        ),
    )
  }

  /** A batch that cannot be sent (it holds a function) is found by sending each alone. */
  async #ask(sent: readonly Waiting[]): Promise<readonly CommitResult[]> {
    const batches = sent.map(({ batch }) => batch)
    try {
      return (await this.#writer.ask((id) => ({ kind: 'commits', id, batches }))) as readonly CommitResult[]
    } catch (error) {
      if (sent.length === 1 || !(error instanceof Error && error.name === 'DataCloneError')) throw error
      return (await Promise.all(sent.map((one) => this.#ask([one]).catch((cause: unknown) => [failed(cause)])))).flat()
    }
  }

  #answered(sent: readonly Waiting[], results: readonly CommitResult[]): void {
    for (const [i, { resolve }] of sent.entries()) resolve(results[i]!)
    if (this.#state !== 'asked') return
    this.#state = 'idle'
    if (this.#waiting.length > 0) this.#send()
  }
}

function failed(error: unknown): CommitResult {
  return { ok: false, kind: 'failed', why: error instanceof Error ? error.message : String(error) }
}
