/** What a store file says about its keys: which ones seal its texts, and the key of its hashes. */

import { randomBytes } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { BLINDED, Codec } from '../rows.ts'
import { Blinder, Sealer } from '../sealer.ts'

const INDEX_KEY_PLACE = 'meta/index_key'
/** Raised when records of earlier releases have to be brought to a new form. */
const FORM = '1'

/** The store is sealed and the right key was not given. The message is a sentence for the operator. */
export class StoreSealed extends Error {
  constructor(path: string) {
    super(
      `The store ${path} is encrypted: set QUIETLINE_DATA_KEY to the key it was written with ` +
        '(or name that key in QUIETLINE_DATA_KEY_OLD, to read with it and write with the new one).',
    )
    this.name = 'StoreSealed'
  }
}

/** The few values a store keeps about itself. */
export class Meta {
  readonly #database: DatabaseSync

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  get(name: string): string | null {
    const row = this.#database.prepare('select value from meta where name = ?').get(name)
    return row ? String(row['value']) : null
  }

  set(name: string, value: string): void {
    const write = 'insert into meta (name, value) values (?, ?) on conflict (name) do update set value = excluded.value'
    this.#database.prepare(write).run(name, value)
  }
}

/**
 * @param mode `made`: the file is new; `writes`: what is missing is written; `reads`: nothing is
 * @throws StoreSealed
 */
export function openCodec(
  database: DatabaseSync,
  path: string,
  dataKeys: readonly string[],
  mode: 'made' | 'writes' | 'reads',
): { readonly codec: Codec; readonly sealer: Sealer } {
  const meta = new Meta(database)
  const sealer = new Sealer(dataKeys)
  const used = usedKeys(meta)
  if (!used.every((id) => sealer.knows(id))) throw new StoreSealed(path)
  if (mode === 'made') markTended(meta, sealer)
  const blinder = new Blinder(indexKey(meta, sealer, mode), sealer.keyId !== null)
  if (mode === 'writes' && used.length === 0 && sealer.keyId !== null) blindKeys(database, blinder)
  // Last: a start that is killed before this begins again.
  if (mode !== 'reads' && sealer.keyId !== null && !used.includes(sealer.keyId))
    setUsedKeys(meta, [...used, sealer.keyId])
  return { codec: new Codec(sealer, blinder), sealer }
}

/** At the first start with a data key: what is looked for by its hash has to have one. Some seconds a million calls. */
function blindKeys(database: DatabaseSync, blinder: Blinder): void {
  database.function('blinded', { deterministic: true }, (value) =>
    value === null ? null : blinder.value(String(value)),
  )
  for (const [table, keys] of Object.entries(BLINDED)) {
    for (const key of keys) database.exec(`update ${table} set ${key} = blinded(${key}) where ${key} is not null`)
  }
}

/** Whether every record is in the form it would be written in today. */
export function isTended(meta: Meta, sealer: Sealer): boolean {
  return meta.get('tended') === formOf(sealer)
}

/** Every record is sealed with the present key: older ones are not needed any more. */
export function markTended(meta: Meta, sealer: Sealer): void {
  meta.set('tended', formOf(sealer))
  setUsedKeys(meta, sealer.keyId === null ? [] : [sealer.keyId])
}

function formOf({ keyId }: Sealer): string {
  return `${FORM} ${keyId ?? 'plain'}`
}

function usedKeys(meta: Meta): readonly string[] {
  return JSON.parse(meta.get('seal_keys') ?? '[]') as string[]
}

function setUsedKeys(meta: Meta, ids: readonly string[]): void {
  meta.set('seal_keys', JSON.stringify(ids))
}

/** Made once and kept, itself sealed when there is a data key: a new data key needs no new hashes. */
function indexKey(meta: Meta, sealer: Sealer, mode: 'made' | 'writes' | 'reads'): Uint8Array {
  const stored = meta.get('index_key')
  const hex = stored === null ? randomBytes(32).toString('hex') : sealer.open(stored, INDEX_KEY_PLACE)
  if (mode !== 'reads' && (stored === null || !sealer.isPresent(stored))) {
    meta.set('index_key', sealer.seal(hex, INDEX_KEY_PLACE))
  }
  return Buffer.from(hex, 'hex')
}
