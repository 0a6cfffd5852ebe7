/** A few warm recognisers that all ears of a thread share. Each holds one utterance at a time and costs about 20 MB. */

import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Recogniser, RecogniserPool } from '../../listen/port.ts'
import type { PhraseList } from '../../phrases.ts'
import { Dictionary } from './dictionary.ts'
import { MODELS } from './engine.ts'
import { PhraseRecogniser } from './recogniser.ts'

const MODEL = 'en-us'
const LANGUAGE = /^en(?:-|$)/i

export class PhraseRecogniserPool implements RecogniserPool {
  readonly name = 'soundswallower'
  readonly #folder: string
  readonly #dictionary: Dictionary
  readonly #free: Recogniser[] = []
  readonly #wanted: number
  #size = 0
  #making = 0

  private constructor(folder: string, dictionary: Dictionary, wanted: number) {
    this.#folder = folder
    this.#dictionary = dictionary
    this.#wanted = wanted
  }

  /** @throws when the package or its model is missing */
  static async open(size: number): Promise<PhraseRecogniserPool> {
    const folder = fileURLToPath(MODELS)
    const dictionary = await readFile(`${folder}${MODEL}/dict.txt`)
    const pool = new PhraseRecogniserPool(folder, new Dictionary(dictionary), size)
    for (let made = 0; made < size; made++) await pool.#make()
    return pool
  }

  get size(): number {
    return this.#size
  }

  get busy(): number {
    return this.#size - this.#free.length
  }

  /** Whether a recogniser is being made to take a broken one's place: the event loop has to turn for that. */
  get isMaking(): boolean {
    return this.#making > 0
  }

  speaks(language: string): boolean {
    return LANGUAGE.test(language)
  }

  unknownWords(phrases: PhraseList): readonly string[] {
    return phrases.words().filter((word) => this.#dictionary.pronunciations(word).length === 0)
  }

  take(): Recogniser | null {
    const free = this.#free.pop()
    if (!free) this.#complete()
    return free ?? null
  }

  give(recogniser: Recogniser): void {
    this.#free.push(recogniser)
  }

  replace(_broken: Recogniser): void {
    this.#size--
    this.#complete()
  }

  /** Makes one that is missing. A failure (memory, files) is tried again when a recogniser is next wanted. */
  #complete(): void {
    if (this.#size + this.#making < this.#wanted) this.#make().catch(() => {})
  }

  async #make(): Promise<void> {
    this.#making++
    try {
      this.#free.push(await PhraseRecogniser.make(this.#folder, this.#dictionary))
      this.#size++
    } finally {
      this.#making--
    }
  }
}
