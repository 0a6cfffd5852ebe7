/**
 * A soundswallower decoder as a recogniser of whole phrases. The grammar has nothing but the phrases: whatever is
 * said, the decoder answers with the nearest one, so how well that one fits decides whether it is believed
 * (`credibility.ts`). Each utterance starts without memory of the last; its own first part tells what the line sounds
 * like (the mean of the spectrum, which the decoder subtracts).
 */

import type { Recogniser, Verdict } from '../../listen/port.ts'
import type { PhraseList } from '../../phrases.ts'
import { FRAME_SAMPLES, isBelieved, isPromising, voiceAboveNoise } from './credibility.ts'
import type { Dictionary } from './dictionary.ts'
import { createEngine, type Decoder, type Engine, type Stretch } from './engine.ts'

/**
 * Phrases are whole sentences and equally likely, so words cost nothing extra (`lw`), a silence between them little
 * (`silprob`), and a phrase that begins badly in noise may still win (`wbeam`): together these take the exact sentences
 * at 20 dB of white noise from 85 to 93 of 100. `dict` names no file: words are added one by one.
 */
const CONFIG = { samprate: 8000, loglevel: 'FATAL', dict: 'none', lw: 1, silprob: 0.1, wbeam: 1e-40 }
const PRIME_SAMPLES = 4800
const PIECE_SAMPLES = 1024
/** A word that is silence. */
const SILENCE_WORD = '(silence)'
const NO_SPEECH: Verdict = { text: '', rejected: false }
const REJECTED: Verdict = { text: '', rejected: true }

export class PhraseRecogniser implements Recogniser {
  readonly primeSamples = PRIME_SAMPLES
  readonly #engine: Engine
  readonly #decoder: Decoder
  readonly #dictionary: Dictionary
  readonly #scoreAt: number
  readonly #piece = new Float32Array(PIECE_SAMPLES)
  readonly #prime = new Float32Array(PRIME_SAMPLES)
  /** Words the decoder has learnt so far. */
  readonly #words = new Set<string>()
  #phrases: PhraseList | null = null
  /** '' when no phrase can be recognised: then everything is outside them. */
  #grammar = ''
  #isStarted = false
  #heardSamples = 0
  #voiceAboveNoiseDb = 0

  private constructor(engine: Engine, decoder: Decoder, dictionary: Dictionary) {
    this.#engine = engine
    this.#decoder = decoder
    this.#dictionary = dictionary
    this.#scoreAt = engine._malloc(Int32Array.BYTES_PER_ELEMENT)
  }

  /** About 35 ms and 20 MB each. @param modelFolder with its last slash */
  static async make(modelFolder: string, dictionary: Dictionary): Promise<PhraseRecogniser> {
    const engine = await createEngine(modelFolder)
    const decoder = new engine.Decoder(CONFIG)
    await decoder.initialize()
    decoder.add_words([SILENCE_WORD, 'SIL'])
    return new PhraseRecogniser(engine, decoder, dictionary)
  }

  begin(phrases: PhraseList): void {
    if (phrases !== this.#phrases) this.#learn(phrases)
    this.#forget()
    this.#heardSamples = 0
  }

  /** Taken as one utterance, whose mean the decoder then keeps. Searched for silence only, because that is cheap. */
  prime(samples: Int16Array): void {
    if (this.#grammar === '') return
    this.#voiceAboveNoiseDb = voiceAboveNoise(samples)
    this.#decoder.set_align_text(SILENCE_WORD)
    this.#start()
    this.#decoder.process_audio(asFloats(samples, this.#prime), true, true)
    this.#stop()
    this.#decoder.set_grammar(this.#grammar)
    this.#start()
  }

  feed(samples: Int16Array): void {
    if (!this.#isStarted) return
    for (let at = 0; at < samples.length; at += PIECE_SAMPLES) {
      this.#decoder.process_audio(asFloats(samples.subarray(at, at + PIECE_SAMPLES), this.#piece), false, false)
    }
    this.#heardSamples += samples.length
  }

  partial(): string {
    if (!this.#isStarted) return ''
    return isPromising(this.#meanScore()) ? this.#decoder.get_text() : ''
  }

  end(): Verdict {
    if (!this.#isStarted) return this.#grammar === '' ? REJECTED : NO_SPEECH
    this.#stop()
    const text = this.#decoder.get_text()
    if (text === '' || !isPromising(this.#meanScore())) return REJECTED
    const alignment = this.#alignment()
    return alignment && isBelieved(alignment, this.#voiceAboveNoiseDb) ? { text, rejected: false } : REJECTED
  }

  again(): void {
    this.#heardSamples = 0
    if (this.#grammar !== '') this.#start()
  }

  #learn(phrases: PhraseList): void {
    const isKnown = (word: string) => this.#dictionary.pronunciations(word).length > 0
    const sentences = phrases.spoken().filter((sentence) => sentence.split(' ').every(isKnown))
    const fresh = new Set(sentences.flatMap((sentence) => sentence.split(' ')).filter((word) => !this.#words.has(word)))
    const entries = [...fresh].flatMap((word) => this.#dictionary.pronunciations(word))
    if (entries.length > 0) this.#decoder.add_words(...entries.map((found) => [found.entry, found.phones] as const))
    for (const word of fresh) this.#words.add(word)
    this.#grammar = sentences.length > 0 ? grammar(sentences) : ''
    this.#phrases = phrases
  }

  /** The decoder keeps the line's noise and mean spectrum from utterance to utterance: those are made anew. */
  #forget(): void {
    if (this.#isStarted) this.#stop()
    const { cdecoder, cacmod } = this.#decoder
    const frontEnd = this.#engine._decoder_init_fe(cdecoder)
    const features = this.#engine._decoder_init_feat_s3file(cdecoder, 0)
    if (frontEnd === 0 || features === 0 || this.#engine._acmod_reinit_feat(cacmod, frontEnd, features) < 0) {
      throw new Error('the decoder cannot be reset')
    }
  }

  /** @returns null when the phrase's phones cannot be laid onto the sound at all: then the engine gives no JSON */
  #alignment(): Stretch | null {
    try {
      return this.#decoder.get_alignment({ align_level: 1 })
    } catch (error) {
      if (error instanceof SyntaxError) return null
      throw error
    }
  }

  /** The best path's score per frame of 10 ms, in the decoder's units. */
  #meanScore(): number {
    this.#engine.HEAP32[this.#scoreAt / 4] = 0
    this.#engine._decoder_hyp(this.#decoder.cdecoder, this.#scoreAt)
    return this.#engine.HEAP32[this.#scoreAt / 4]! / (this.#heardSamples / FRAME_SAMPLES)
  }

  #start(): void {
    this.#decoder.start()
    this.#isStarted = true
  }

  #stop(): void {
    this.#isStarted = false
    this.#decoder.stop()
  }
}

function grammar(sentences: readonly string[]): string {
  return `#JSGF V1.0;\ngrammar phrases;\npublic <phrase> = ${sentences.join(' | ')} ;`
}

function asFloats(samples: Int16Array, into: Float32Array): Float32Array {
  const count = Math.min(samples.length, into.length)
  for (let i = 0; i < count; i++) into[i] = samples[i]! / 32_768
  return into.subarray(0, count)
}
