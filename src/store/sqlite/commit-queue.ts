/**
 * Batches on their way to the writer. What is committed while the writer is at work goes to it together when it answers: one
 * message, one write of the file, one answer. A batch that comes alone goes at once. Under load a second message waits at the
 * writer already, so that it never waits for a thread that is busy with the first one's answers.
 */

import type { Batch, CommitResult } from '../port.ts'
import { type TextBatch, textBatch } from '../texts.ts'
import type { StoreThread } from './thread.ts'

/** In one message; more would make the first of them wait for the last. */
const MOST_BATCHES = 128
/** Messages at the writer. */
const MOST_ASKED = 2
/** So many waiting are worth a second message; fewer go with the next answer. */
const WORTH_ASKING = 16

interface Waiting {
  readonly batch: TextBatch
  readonly resolve: (result: CommitResult) => void
}

export class CommitQueue {
  readonly #writer: Pick<StoreThread, 'ask'>
  #waiting: Waiting[] = []
  #isSoon = false
  #isClosed = false
  /** Messages that are not answered. */
  #asked = 0

  constructor(writer: Pick<StoreThread, 'ask'>) {
    this.#writer = writer
  }

  /** Never rejects. Batches are applied in the order in which they were added. */
  add(batch: Batch): Promise<CommitResult> {
    return new Promise((resolve) => {
      try {
        this.#waiting.push({ batch: textBatch(batch), resolve })
      } catch (error) {
        return resolve(failed(error))
      }
      if (this.#isClosed) return this.#send()
      if (this.#isSoon || !this.#isDue) return
      // Whatever else this turn of the event loop commits goes along: requests that came together share a message.
      this.#isSoon = true
      setImmediate(() => {
        this.#isSoon = false
        if (this.#isDue) this.#send()
      })
    })
  }

  get #isDue(): boolean {
    const most = this.#waiting.length >= WORTH_ASKING ? MOST_ASKED : 1
    return this.#waiting.length > 0 && this.#asked < most
  }

  /** Sends all that waits; what is added later fails with the closed thread. */
  close(): void {
    this.#isClosed = true
    while (this.#waiting.length > 0) this.#send()
  }

  #send(): void {
    const sent = this.#waiting.splice(0, MOST_BATCHES)
    this.#asked++
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
      return JSON.parse(String(await this.#writer.ask((id) => ({ kind: 'commits', id, batches }))))
    } catch (error) {
      if (sent.length === 1 || !(error instanceof Error && error.name === 'DataCloneError')) throw error
      return (await Promise.all(sent.map((one) => this.#ask([one]).catch((cause: unknown) => [failed(cause)])))).flat()
    }
  }

  #answered(sent: readonly Waiting[], results: readonly CommitResult[]): void {
    this.#asked--
    for (const [i, { resolve }] of sent.entries()) resolve(results[i]!)
    if (this.#isDue) this.#send()
  }
}

function failed(error: unknown): CommitResult {
  return { ok: false, kind: 'failed', why: error instanceof Error ? error.message : String(error) }
}
