/**
 * The soundswallower package, as far as it is used here: a C decoder for finite grammars, compiled to WebAssembly.
 * Each decoder gets an instance of its own, so that one that broke can be thrown away whole, memory included.
 */

import createModule from 'soundswallower'

/** A stretch of an alignment. `b` and `d` are seconds, `p` is a probability per stretch, `w` the stretches inside. */
export interface Stretch {
  readonly t: string
  readonly b: number
  readonly d: number
  readonly p: number
  readonly w?: readonly Stretch[]
}

export interface Decoder {
  /** Addresses inside the engine's memory. */
  readonly cdecoder: number
  readonly cacmod: number
  initialize(): Promise<void>
  set_grammar(jsgf: string): void
  /** A grammar of one sentence. */
  set_align_text(words: string): void
  add_words(...words: readonly (readonly [string, string])[]): void
  start(): void
  stop(): void
  process_audio(samples: Float32Array, isWithoutSearch: boolean, isWhole: boolean): number
  get_text(): string
  get_alignment(options: { readonly align_level: 0 | 1 | 2 }): Stretch
}

export interface Engine {
  readonly Decoder: new (config: Readonly<Record<string, string | number | boolean>>) => Decoder
  /** The engine's memory; another view after it has grown. */
  readonly HEAP32: Int32Array
  _malloc(sizeBytes: number): number
  _decoder_hyp(decoder: number, score: number): number
  _decoder_init_fe(decoder: number): number
  _decoder_init_feat_s3file(decoder: number, none: 0): number
  _acmod_reinit_feat(acoustics: number, frontEnd: number, features: number): number
}

/** Where the package keeps its acoustic models. */
export const MODELS = new URL('model/', import.meta.resolve('soundswallower'))

type CreateEngine = (options: { readonly modelBase: string; readonly printErr: () => void }) => Promise<Engine>

/** @param modelFolder the path of MODELS, with its last slash */
export async function createEngine(modelFolder: string): Promise<Engine> {
  const handlers = process.listeners('uncaughtException')
  const engine = await (createModule as unknown as CreateEngine)({ modelBase: modelFolder, printErr() {} })
  // Each instance adds a handler to the whole process that throws again: not its business.
  for (const handler of process.listeners('uncaughtException')) {
    if (!handlers.includes(handler)) process.off('uncaughtException', handler)
  }
  return engine
}
