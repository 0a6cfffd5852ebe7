/** What one input of a mailbox is to store, tell and answer. */

import type { Outcome } from '../calls/commands.ts'
import type { CallInput, CallOutput } from '../calls/part.ts'
import type { Change } from '../calls/ports.ts'
import type { Row } from '../store/port.ts'
import type { Mailbox } from './mailbox.ts'

/** Rows, events and answers of one `handle`: one commit. */
export class ChangeInMaking {
  readonly rows: { readonly table: NonNullable<Change['rows']>[number]['table']; readonly row: Row }[] = []
  readonly replies: { readonly to: number; readonly outcome: Outcome }[] = []
  readonly marks: number[] = []
  readonly after: CallInput[] = []
  created: string | null = null
  readonly #mailbox: Mailbox
  readonly #events: Change['events'][number][] = []
  #logs: NonNullable<Change['inputLogs']>[number][] = []

  constructor(mailbox: Mailbox) {
    this.#mailbox = mailbox
  }

  get isEmpty(): boolean {
    return this.rows.length + this.#events.length + this.replies.length + this.after.length + this.#logs.length === 0
  }

  /** Nothing to store: the answers wait for no commit, not even an earlier one on a disk that hangs. */
  get isOnlyReplies(): boolean {
    const { rows, marks, after, replies } = this
    return (
      replies.length > 0 && rows.length + marks.length + after.length + this.#events.length + this.#logs.length === 0
    )
  }

  /** @returns false when the output is not a record */
  take(output: CallOutput): boolean {
    const { ref, customerId } = this.#mailbox
    const isCall = ref.kind === 'call'
    switch (output.kind) {
      case 'row': {
        const { id, tmCreate, tmDelete, keys, doc, hidden } = output.row
        const row = { id, customer_id: customerId, tm_create_us: tmCreate, tm_delete_us: tmDelete, keys, doc, hidden }
        const known = this.rows.findIndex((one) => one.table === output.table && one.row.id === id)
        if (known >= 0) this.rows.splice(known, 1)
        this.rows.push({ table: output.table, row })
        return true
      }
      case 'event': {
        const { type, seq, offsetMs, data, ephemeral } = output.event
        this.#events.push({
          type,
          customerId,
          callId: isCall ? ref.id : null,
          seq: isCall ? seq : null,
          offsetMs: isCall ? offsetMs : null,
          data,
          ephemeral,
        })
        return true
      }
      case 'reply':
        if (output.to !== 0) this.replies.push({ to: output.to, outcome: output.outcome })
        if (output.created !== undefined) this.created = output.created
        return true
      case 'mark':
        this.marks.push(output.mark)
        return true
      case 'afterStored':
        this.after.push(output.input)
        return true
      default:
        return false
    }
  }

  addLog(lines: readonly string[]): void {
    this.#logs.push({ call_id: this.#mailbox.ref.id, customer_id: this.#mailbox.customerId, lines })
  }

  build(): Change {
    return { rows: this.rows, events: this.#events, ...(this.#logs.length > 0 ? { inputLogs: this.#logs } : {}) }
  }
}
