/**
 * Brings older records to the form they would be written in today: sealed with the present key, their words known to the
 * search. Walks every table once, a few records at a time; a restart begins again and finds most of it done.
 */

import { TABLES, type TableName } from '../port.ts'
import type { Codec, Columns } from '../rows.ts'
import type { Sealer } from '../sealer.ts'
import type { Statements } from '../statements.ts'
import { textEvent, textRow } from '../texts.ts'
import { isTended, type Meta, markTended } from './keys.ts'
import type { Prepared } from './prepared.ts'

export interface TendWorld {
  readonly prepared: Prepared
  readonly statements: Statements
  readonly codec: Codec
  readonly sealer: Sealer
  readonly meta: Meta
}

type Tended = TableName | 'events' | 'input_logs'

const ORDER: readonly Tended[] = ['transcripts', 'events', 'input_logs', ...otherTables()]

export class Tending {
  readonly #world: TendWorld
  #table = 0
  /** The last id that was looked at; '' at the beginning of a table. */
  #after = ''
  #isDone: boolean

  constructor(world: TendWorld) {
    this.#world = world
    this.#isDone = isTended(world.meta, world.sealer)
  }

  /** @returns how many records it looked at; 0 when all is done. To be called inside a transaction. */
  step(limit: number): number {
    while (!this.#isDone) {
      const table = ORDER[this.#table]
      if (table === undefined) {
        markTended(this.#world.meta, this.#world.sealer)
        this.#isDone = true
        return 0
      }
      const found = this.#some(table, limit)
      if (found.length > 0) return found.length
      this.#table += 1
      this.#after = ''
    }
    return 0
  }

  #some(table: Tended, limit: number): readonly Columns[] {
    const { prepared, statements } = this.#world
    const found = prepared.all(`walk ${table}`, () => statements.walk(table), [this.#after, limit])
    for (const columns of found) this.#tend(table, columns)
    this.#after = String(found.at(-1)?.[table === 'input_logs' ? 'call_id' : 'id'] ?? '')
    return found
  }

  #tend(table: Tended, columns: Columns): void {
    if (table === 'events') this.#tendEvent(columns)
    else if (table === 'input_logs') this.#tendLog(columns)
    else this.#tendRow(table, columns)
  }

  #tendRow(table: TableName, columns: Columns): void {
    const { prepared, statements, codec, sealer } = this.#world
    const row = textRow(table, codec.rowFrom(table, columns))
    if (!sealer.isPresent(String(columns['doc']))) {
      prepared.run(`put ${table}`, () => statements.putRow(table), codec.rowValues(table, row))
    }
    if (table !== 'transcripts' || row.tm_delete_us !== null) return
    for (const token of codec.tokens(row)) {
      prepared.run('add word', () => statements.addWord(), [token, row.tm_create_us, row.id])
    }
  }

  #tendEvent(columns: Columns): void {
    const { prepared, statements, codec, sealer } = this.#world
    const found = codec.eventFrom(columns)
    const event = textEvent(found)
    if (sealer.isPresent(String(columns['data'])) && event.at(-1) === null) return
    const values = codec.eventValues(event, found.cursor)
    prepared.run('change event', () => statements.changeEvent(), [values.at(-2)!, values.at(-1)!, found.id])
  }

  #tendLog(columns: Columns): void {
    const { prepared, statements, codec, sealer } = this.#world
    const [callId, text] = [String(columns['call_id']), String(columns['lines'])]
    if (sealer.isPresent(text)) return
    const sealed = codec.logText(callId, codec.logLines(callId, text))
    prepared.run('change log', () => statements.changeLog(), [sealed, callId])
  }
}

function otherTables(): readonly TableName[] {
  return (Object.keys(TABLES) as TableName[]).filter((table) => table !== 'transcripts')
}
