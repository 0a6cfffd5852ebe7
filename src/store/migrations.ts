/**
 * The shape of the stored tables, as a list of steps that only grows. Written with Kysely's schema builder in the subset
 * that SQLite and PostgreSQL share (text, bigint, JSON as text, partial indexes), and carried out by the database at hand.
 * A step that has been released is never edited: the tables it names are spelled out here, not taken from `TABLES`.
 */

import { type Compilable, type Kysely, sql } from 'kysely'

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
  { name: 'trunks, providers, routes', up: thirdTables },
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

/** Keys worth an index: few rows share a value. What has a unique index over all customers needs none besides. */
const SECOND_LOOKUPS: readonly (readonly [table: string, key: string])[] = [
  ['customers', 'email'],
  ['extensions', 'extension'],
  ['extensions', 'name'],
  ['calls', 'groupcall_id'],
  ['calls', 'master_call_id'],
  ['calls', 'status'],
  ['groupcalls', 'status'],
  ['activeflows', 'reference_id'],
  ['activeflows', 'status'],
  ['transcribes', 'reference_id'],
  ['transcribes', 'status'],
  ['transcripts', 'transcribe_id'],
  ['speakings', 'reference_id'],
  ['speakings', 'status'],
  ['contacts', 'extension_id'],
  ['webhooks', 'url'],
  ['usages', 'call_id'],
  ['usages', 'day'],
  ['do_not_call', 'number'],
]

/** Lookups that find deleted rows too: what is known of a caller has to be found to be erased. */
const SECOND_TRACES: readonly (readonly [table: string, key: string])[] = [
  ['calls', 'source'],
  ['calls', 'destination'],
  ['transcripts', 'reference_id'],
]

function secondTables(db: Kysely<unknown>): readonly Compilable[] {
  const all = [...FIRST_RESOURCES, ...SECOND_RESOURCES]
  return [
    ...SECOND_RESOURCES.flatMap((resource) => resourceTable(db, resource)),
    ...SECOND_KEYS.map(([table, key]) => db.schema.alterTable(table).addColumn(key, 'text')),
    ...all.flatMap((resource) => liveIndexes(db, resource)),
    ...SECOND_LOOKUPS.map(([table, key]) => lookup(db, table, key).where('tm_delete_us' as string, 'is', null)),
    ...SECOND_TRACES.map(([table, key]) => lookup(db, table, key)),
    ...transcriptsByReference(db),
    ...deliveriesByAge(db),
    ...logsByAge(db),
    ...wordTables(db),
    ...eventsBySubject(db),
  ]
}

const THIRD_RESOURCES: readonly Resource[] = [
  { table: 'trunks', keys: ['domain_name'], unique: [['domain_name']] },
  { table: 'providers' },
  { table: 'routes' },
]

function thirdTables(db: Kysely<unknown>): readonly Compilable[] {
  return THIRD_RESOURCES.flatMap((resource) => [...resourceTable(db, resource), ...liveIndexes(db, resource)])
}

/** Lists look at live rows only, so their indexes hold only these; what is deleted is found by when, to be purged. */
function liveIndexes(db: Kysely<unknown>, { table, keys = [] }: Resource): readonly Compilable[] {
  return [
    ...['newest', ...keys.map((key) => `by_${key}`)].map((name) => db.schema.dropIndex(`${table}_${name}`)),
    liveIndex(db, `${table}_newest`, table, ['customer_id', 'tm_create_us', 'id']),
    db.schema
      .createIndex(`${table}_deleted`)
      .on(table)
      .columns(['tm_delete_us', 'id'])
      .where('tm_delete_us', 'is not', null),
  ]
}

function lookup(db: Kysely<unknown>, table: string, key: string) {
  return db.schema
    .createIndex(`${table}_by_${key}`)
    .on(table)
    .columns([key, 'customer_id', 'tm_create_us', 'id'])
    .where(key, 'is not', null)
}

function liveIndex(db: Kysely<unknown>, name: string, table: string, columns: readonly string[]) {
  return db.schema
    .createIndex(name)
    .on(table)
    .columns([...columns])
    .where('tm_delete_us' as string, 'is', null)
}

function transcriptsByReference(db: Kysely<unknown>): readonly Compilable[] {
  const reference = named(db)
    .selectFrom('transcribes')
    .select('transcribes.reference_id')
    .whereRef('transcribes.id', '=', 'transcripts.transcribe_id')
  return [named(db).updateTable('transcripts').set({ reference_id: reference })]
}

/**
 * A delivery is as old as its event. Every index of ids that come in no order costs a page of the write-ahead log for each
 * delivery, so what they are found by begins with their age; the deliveries of a call are found by its events.
 */
function deliveriesByAge(db: Kysely<unknown>): readonly Compilable[] {
  const age = named(db).selectFrom('events').select('events.wall_us').whereRef('events.id', '=', 'deliveries.event_id')
  const byAge = (name: string, columns: readonly string[]) =>
    db.schema
      .createIndex(`deliveries_${name}`)
      .on('deliveries')
      .columns([...columns, 'wall_us', 'id'])
  return [
    db.schema.alterTable('deliveries').addColumn('wall_us', 'bigint'),
    named(db).updateTable('deliveries').set({ wall_us: age }),
    db.schema.dropIndex('deliveries_due'),
    db.schema
      .createIndex('deliveries_due')
      .on('deliveries')
      .column('due_us')
      .where('state' as never, '=', 'pending'),
    db.schema.dropIndex('deliveries_by_event'),
    db.schema
      .createIndex('deliveries_by_event')
      .unique()
      .on('deliveries')
      .columns(['wall_us', 'event_id', 'destination']),
    byAge('newest', ['customer_id']),
    byAge('dead', ['customer_id']).where('state', '=', 'dead'),
  ]
}

/** A log is as old as its call. */
function logsByAge(db: Kysely<unknown>): readonly Compilable[] {
  const age = named(db).selectFrom('calls').select('calls.tm_create_us').whereRef('calls.id', '=', 'input_logs.call_id')
  return [
    db.schema.alterTable('input_logs').addColumn('wall_us', 'bigint'),
    named(db).updateTable('input_logs').set({ wall_us: age }),
    index(db, 'input_logs_by_age', 'input_logs', ['customer_id', 'wall_us', 'call_id']),
  ]
}

/** Which transcripts hold a word. `token` stands for a word of a customer and does not show it. */
function wordTables(db: Kysely<unknown>): readonly Compilable[] {
  return [
    db.schema
      .createTable('transcript_words')
      .addColumn('token', 'text', (column) => column.notNull())
      .addColumn('tm_create_us', 'bigint', (column) => column.notNull())
      .addColumn('transcript_id', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('transcript_words_key', ['token', 'tm_create_us', 'transcript_id'])
      // SQLite's own words: the table is its index. Another database has to leave them out.
      .modifyEnd(sql`without rowid`),
    // Cursors never come again, also when the newest event of a customer was removed.
    db.schema
      .createTable('event_floors')
      .addColumn('customer_id', 'text', (column) => column.notNull().primaryKey())
      .addColumn('cursor', 'bigint', (column) => column.notNull()),
  ]
}

/** Events that carry a transcript are found by it, to be removed with it. */
function eventsBySubject(db: Kysely<unknown>): readonly Compilable[] {
  return [
    // Most events of some servers belong to no call; they need no entry.
    db.schema.dropIndex('events_by_seq'),
    db.schema
      .createIndex('events_by_seq')
      .unique()
      .on('events')
      .columns(['call_id', 'seq'])
      .where('call_id' as never, 'is not', null),
    db.schema.alterTable('events').addColumn('subject_id', 'text'),
    db.schema
      .createIndex('events_by_subject')
      .on('events')
      .columns(['subject_id', 'customer_id'])
      .where('subject_id' as never, 'is not', null),
  ]
}

/** Tables are spelled out above; the compiler does not know their columns. */
// biome-ignore lint/suspicious/noExplicitAny: see above
function named(db: Kysely<unknown>): Kysely<any> {
  // biome-ignore lint/suspicious/noExplicitAny: see above
  return db as Kysely<any>
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
