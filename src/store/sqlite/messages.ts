/** What the store and its threads say to each other. Everything is plain data; a thread answers in the order it was asked. */

import type { TextBatch } from '../texts.ts'
import type { SyncStore } from './core.ts'

/** What the writer is asked besides commits. */
export type WriteName = 'purge' | 'tend'
export type ReadName = Exclude<keyof SyncStore, 'commit' | 'close' | WriteName>
export type CallName = ReadName | WriteName

/** A method's name and its arguments. */
export type CoreCall = {
  [name in CallName]: { readonly name: name; readonly args: Parameters<SyncStore[name]> }
}[CallName]

/** What a thread is started with. Reads go to one `reader`, everything else to one `writer`. */
export interface ThreadOptions {
  readonly role: 'writer' | 'reader'
  readonly path: string
  readonly synchronous: 'normal' | 'full'
  /** See `SqliteCore.limitPages`. */
  readonly maxPages: number | null
  /** See `SqliteOptions.dataKeys`. */
  readonly dataKeys: readonly string[]
}

export type ToThread =
  /** Answered by JSON of as many `CommitResult`s. */
  | { readonly kind: 'commits'; readonly id: number; readonly batches: readonly TextBatch[] }
  | { readonly kind: 'call'; readonly id: number; readonly call: CoreCall }
  /** Raises or lowers the bound of the file. */
  | { readonly kind: 'limitPages'; readonly pages: number }
  /** A drill: the thread does nothing for `ms`. */
  | { readonly kind: 'freeze'; readonly ms: number }
  | { readonly kind: 'close' }

export type FromThread =
  | { readonly kind: 'ready' }
  /** The file could not be opened; the thread ends. `name` is the error's. */
  | { readonly kind: 'unopened'; readonly name: string; readonly message: string }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'threw'; readonly id: number; readonly message: string }
