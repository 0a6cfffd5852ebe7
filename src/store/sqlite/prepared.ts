/** A connection with its statements, each prepared once: they are few, one per table and shape of query. */

import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Column, Columns } from '../rows.ts'

export class Prepared {
  readonly database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.database = database
  }

  /** @param sql is asked for the first time only; `name` stands for it. @returns how many rows changed */
  run(name: string, sql: () => string, values: readonly Column[] = []): number {
    return Number(this.#statement(name, sql).run(...values).changes)
  }

  one(name: string, sql: () => string, values: readonly Column[]): Columns | undefined {
    return this.#statement(name, sql).get(...values) as Columns | undefined
  }

  all(name: string, sql: () => string, values: readonly Column[]): readonly Columns[] {
    return this.#statement(name, sql).all(...values) as unknown as readonly Columns[]
  }

  /** All or nothing. Inside another one it is part of that. */
  transaction<T>(work: () => T): T {
    if (this.database.isTransaction) return work()
    this.run('begin', () => 'BEGIN IMMEDIATE')
    try {
      const result = work()
      this.run('commit', () => 'COMMIT')
      return result
    } catch (error) {
      this.#rollBack()
      throw error
    }
  }

  /** A part of a transaction that may fail without the rest. */
  part<T>(work: () => T): T {
    this.run('savepoint', () => 'SAVEPOINT part')
    try {
      const result = work()
      this.run('release', () => 'RELEASE part')
      return result
    } catch (error) {
      if (this.database.isTransaction) {
        this.run('back', () => 'ROLLBACK TO part')
        this.run('release', () => 'RELEASE part')
      }
      throw error
    }
  }

  /** SQLite has already rolled back by itself after some errors (a full disk is one). */
  #rollBack(): void {
    try {
      if (this.database.isTransaction) this.database.exec('ROLLBACK')
    } catch {
      // The connection is beyond use; the next BEGIN says so.
    }
  }

  #statement(name: string, sql: () => string): StatementSync {
    const known = this.#statements.get(name)
    if (known) return known
    const statement = this.database.prepare(sql())
    this.#statements.set(name, statement)
    return statement
  }
}
