/**
 * The shape of the stored tables, as a list of steps that only grows. Written with Kysely's schema builder in the subset
 * that SQLite and PostgreSQL share (text, bigint, JSON as text, partial indexes), and carried out by the database at hand.
 * A step that has been released is never edited: the tables it names are spelled out here, not taken from `TABLES`.
 */

import type { Compilable, Kysely } from 'kysely'

export interface Migration {
  /** For people and for the name of the backup. */
  readonly name: string
  /** @returns the statements, in order */
  up(db: Kysely<unknown>): readonly Compilable[]
}

/** Step n brings a store of version n to version n + 1. */
export const MIGRATIONS: readonly Migration[] = [
  { name: 'first tables', up: firstTables },
  { name: 'webhooks, usage, limits, search', up: secondTables },
]

interface Resource {
  readonly table: string
  readonly keys?: readonly string[]
  /** Columns no two live rows may share. */
  readonly unique?: readonly (readonly string[])[]
}

const SESSION_KEYS = ['status', 'reference_type', 'reference_id', 'node_id', 'boot_id']

const FIRST_RESOURCES: readonly Resource[] = [
  { table: 'customers', keys: ['email'] },
  { table: 'agents', keys: ['username'], unique: [['username']] },
  { table: 'accesskeys', keys: ['token_hash'], unique: [['token_hash']] },
  { table: 'numbers', keys: ['number'], unique: [['number']] },
  { table: 'extensions', keys: ['extension', 'name'], unique: [['customer_id', 'extension']] },
  { table: 'flows' },
  { table: 'calls', keys: ['status', 'groupcall_id', 'node_id', 'boot_id'] },
  { table: 'groupcalls', keys: ['status', 'node_id', 'boot_id'] },
  { table: 'activeflows', keys: ['status', 'reference_id', 'node_id', 'boot_id'] },
  { table: 'transcribes', keys: SESSION_KEYS },
  { table: 'transcripts', keys: ['transcribe_id', 'direction'] },
  { table: 'speakings', keys: SESSION_KEYS },
  { table: 'contacts', keys: ['extension_id'] },
  { table: 'settings', keys: ['name'], unique: [['name']] },
]

function firstTables(db: Kysely<unknown>): readonly Compilable[] {
  return [
    ...FIRST_RESOURCES.flatMap((resource) => resourceTable(db, resource)),
    ...eventTable(db),
    ...deliveryTable(db),
    db.schema
      .createTable('input_logs')
      .addColumn('call_id', 'text', (column) => column.notNull().primaryKey())
      .addColumn('customer_id', 'text', (column) => column.notNull())
      .addColumn('lines', 'text', (column) => column.notNull()),
  ]
}

const SECOND_RESOURCES: readonly Resource[] = [
  { table: 'webhooks', keys: ['url'], unique: [['customer_id', 'url']] },
  { table: 'usages', keys: ['call_id', 'day'] },
  { table: 'limits' },
  { table: 'do_not_call', keys: ['number'], unique: [['customer_id', 'number']] },
]
const SECOND_KEYS: readonly (readonly [table: string, key: string])[] = [
  ['calls', 'source'],
  ['calls', 'destination'],
  ['calls', 'master_call_id'],
  ['transcripts', 'reference_id'],
]

function secondTables(db: Kysely<unknown>): readonly Compilable[] {
  return [
    ...SECOND_RESOURCES.flatMap((resource) => resourceTable(db, resource)),
    ...SECOND_KEYS.flatMap(([table, key]) => [
      db.schema.alterTable(table).addColumn(key, 'text'),
      index(db, `${table}_by_${key}`, table, [key, 'tm_create_us', 'id']),
    ]),
  ]
}

/** A resource: its keys are nullable text; lists go newest first; deleted rows stay but no longer own their unique keys. */
function resourceTable(db: Kysely<unknown>, { table, keys = [], unique = [] }: Resource): readonly Compilable[] {
  let create = db.schema
    .createTable(table)
    .addColumn('id', 'text', (column) => column.notNull().primaryKey())
    .addColumn('customer_id', 'text', (column) => column.notNull())
    .addColumn('tm_create_us', 'bigint', (column) => column.notNull())
    .addColumn('tm_delete_us', 'bigint')
  for (const key of keys) create = create.addColumn(key, 'text')
  create = create
    .addColumn('doc', 'text', (column) => column.notNull())
    .addColumn('hidden', 'text', (column) => column.notNull())
  return [
    create,
    index(db, `${table}_newest`, table, ['customer_id', 'tm_create_us', 'id']),
    ...keys.map((key) => index(db, `${table}_by_${key}`, table, [key, 'tm_create_us', 'id'])),
    ...unique.map((columns) =>
      db.schema
        .createIndex(`${table}_one_${columns.at(-1)}`)
        .unique()
        .on(table)
        .columns([...columns])
        .where('tm_delete_us', 'is', null),
    ),
  ]
}

function eventTable(db: Kysely<unknown>): readonly Compilable[] {
  return [
    db.schema
      .createTable('events')
      .addColumn('id', 'text', (column) => column.notNull().primaryKey())
      .addColumn('customer_id', 'text', (column) => column.notNull())
      .addColumn('cursor', 'bigint', (column) => column.notNull())
      .addColumn('call_id', 'text')
      .addColumn('seq', 'bigint')
      .addColumn('wall_us', 'bigint', (column) => column.notNull())
      .addColumn('offset_ms', 'double precision')
      .addColumn('type', 'text', (column) => column.notNull())
      .addColumn('data', 'text', (column) => column.notNull()),
    index(db, 'events_by_cursor', 'events', ['customer_id', 'cursor'], 'unique'),
    index(db, 'events_by_seq', 'events', ['call_id', 'seq'], 'unique'),
  ]
}

function deliveryTable(db: Kysely<unknown>): readonly Compilable[] {
  return [
    db.schema
      .createTable('deliveries')
      .addColumn('id', 'text', (column) => column.notNull().primaryKey())
      .addColumn('event_id', 'text', (column) => column.notNull())
      .addColumn('customer_id', 'text', (column) => column.notNull())
      .addColumn('call_id', 'text')
      .addColumn('destination', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('attempts', 'bigint', (column) => column.notNull())
      .addColumn('due_us', 'bigint', (column) => column.notNull())
      .addColumn('last', 'text', (column) => column.notNull())
      .addColumn('event_type', 'text', (column) => column.notNull()),
    index(db, 'deliveries_by_event', 'deliveries', ['event_id', 'destination'], 'unique'),
    index(db, 'deliveries_due', 'deliveries', ['state', 'due_us']),
  ]
}

function index(
  db: Kysely<unknown>,
  name: string,
  table: string,
  columns: readonly string[],
  kind: 'unique' | 'plain' = 'plain',
): Compilable {
  const create = db.schema
    .createIndex(name)
    .on(table)
    .columns([...columns])
  return kind === 'unique' ? create.unique() : create
}
