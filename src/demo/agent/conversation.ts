/**
 * The conversation of one call, as a pure part: what was heard goes in, what to say comes out. Two tables carry it:
 * TOPIC, what the talk is about, and VOICE, whether the agent is speaking, has been stopped, or is silent.
 * Knows nothing of the API: `call-session.ts` carries out the outputs.
 */

import type { Millis } from '../../kernel/clock.ts'
import { step } from '../../kernel/machine.ts'
import { keyMeaning } from './keys.ts'
import * as lines from './lines.ts'
import { type Meaning, phrasesFor, type Topic, understand } from './phrases.ts'
import { type CutSay, heardWord, type Spoken, toSay, unheardFrom } from './spoken.ts'
import { type Ask, type Reply, TOPIC, VOICE, type Voice, type VoiceAction, type VoiceInput } from './tables.ts'
import { type CallTimings, speedInWords } from './timings.ts'

export type Input =
  /** The call is answered and can be spoken into. */
  | { readonly kind: 'answered' }
  /** The caller began to make a sound. Nothing is cut for that alone: it may be a cough. */
  | { readonly kind: 'speechStarted' }
  /** A final transcript of the caller. */
  | { readonly kind: 'heard'; readonly text: string }
  /** Speech that is none of the phrases. */
  | { readonly kind: 'unrecognised' }
  | { readonly kind: 'key'; readonly digit: string }
  /** One `say` is over: heard to its end, or cut. */
  | ({ readonly kind: 'settled' } & CutSay)
  /** Answer to `measure`; null when the record could not be read. */
  | { readonly kind: 'timings'; readonly timings: CallTimings | null }
  /** The time asked for by `wake` has come. */
  | { readonly kind: 'woke' }

export type Output =
  | { readonly kind: 'say'; readonly text: string }
  /** Silence what is being said, at once. */
  | { readonly kind: 'flush' }
  /** From now on recognise these sentences and nothing else. A call begins with those of the topic `menu`. */
  | { readonly kind: 'phrases'; readonly phrases: readonly string[] }
  /** Read the call's turn record. */
  | { readonly kind: 'measure' }
  /** Give a `woke` at this time; replaces the one asked for before. */
  | { readonly kind: 'wake'; readonly at: Millis }
  | { readonly kind: 'hangup' }

/** How long a caller may be silent before being asked, and how often that is done. */
const QUIET_MS = 30_000
const QUIET_LIMIT = 3
/** What was heard of a cut sentence is told within milliseconds; without it the agent goes on after this. */
const SETTLE_LIMIT_MS = 1_500
/** Longer than any sentence of ours sounds: after this the agent no longer waits to be told that it was heard. */
const SAY_LIMIT_MS = 60_000
const GOODBYE_LIMIT_MS = 15_000

export class Conversation {
  #topic: Topic = 'menu'
  #voice: Voice = 'silent'
  #booking = lines.NO_BOOKING
  /** Said and not yet known to be heard or cut. */
  #current: Spoken | null = null
  /** Cut to make room for something newer; how far they were heard is of no interest. They settle before `#current`. */
  #overtaken: Spoken[] = []
  /** What "say that again" and "start again" repeat. */
  #last: Spoken | null = null
  /** What was cut, and the text from the cut word on. */
  #rest: Spoken | null = null
  #measuring = false
  #outsideInRow = 0
  #quietTimes = 0
  #wakeAt: Millis | null = null
  #now: Millis = 0
  #outputs: Output[] = []

  get topic(): Topic {
    return this.#topic
  }

  handle(input: Input, now: Millis): Output[] {
    this.#now = now
    this.#outputs = []
    this.#take(input)
    return this.#outputs
  }

  #take(input: Input): void {
    switch (input.kind) {
      case 'answered':
        this.#voice = 'speaking'
        this.#say(lines.GREETING)
        break
      case 'speechStarted':
        this.#quietTimes = 0
        this.#wakeWhenQuiet()
        break
      case 'heard':
        this.#mean(understand(input.text))
        break
      case 'unrecognised':
        this.#mean(null)
        break
      case 'key':
        this.#pressed(input.digit)
        break
      case 'settled':
        this.#settled(input)
        break
      case 'timings':
        this.#tellSpeed(input.timings)
        break
      case 'woke':
        this.#woke()
        break
      default:
        input satisfies never
    }
  }

  #pressed(digit: string): void {
    const meaning = keyMeaning(digit, this.#topic, this.#voice === 'stopped')
    if (meaning) this.#mean(meaning)
  }

  #mean(meaning: Meaning | null): void {
    if (this.#topic === 'leaving') return
    this.#quietTimes = 0
    const input = this.#voiceInput(meaning)
    if (input !== 'outside') this.#outsideInRow = 0
    this.#voiceStep(input, meaning)
  }

  #voiceInput(meaning: Meaning | null): VoiceInput {
    if (!meaning) return 'outside'
    switch (meaning.intent) {
      case 'stop':
      case 'goOn':
      case 'restart':
      case 'yes':
      case 'no':
        return meaning.intent
      default:
        return TOPIC[this.#topic][meaning.intent] === 'ignore' ? 'outside' : 'other'
    }
  }

  #voiceStep(input: VoiceInput, meaning: Meaning | null): void {
    const next = step('voice', VOICE, this.#voice, input)
    this.#voice = next.to
    for (const action of next.run) this.#act(action, meaning)
    if (next.to === 'cutting') this.#wake(SETTLE_LIMIT_MS)
    else this.#wakeWhenQuiet()
  }

  #act(action: VoiceAction, meaning: Meaning | null): void {
    switch (action) {
      case 'flush':
        this.#flush()
        break
      case 'answer':
        if (meaning) this.#answer(meaning)
        break
      case 'repeat':
        this.#repeat()
        break
      case 'resume':
        this.#resume()
        break
      case 'dropRest':
        this.#rest = null
        this.#sayMeta(lines.dropped(this.#topic))
        break
      case 'sayOutside':
        this.#outsideInRow++
        this.#sayMeta(this.#voice === 'stopped' ? lines.YES_OR_NO : lines.outside(this.#topic, this.#outsideInRow))
        break
      case 'sayNotSpeaking':
        this.#sayMeta(lines.thenAsk(lines.NOT_SPEAKING, this.#topic))
        break
      case 'sayNothingLeft':
        this.#sayMeta(lines.thenAsk(lines.NOTHING_LEFT, this.#topic))
        break
      case 'tellWhereCut':
        this.#tellWhereCut()
        break
      default:
        action satisfies never
    }
  }

  #answer(meaning: Meaning): void {
    this.#rest = null
    const before = this.#topic
    const next = step('topic', TOPIC, this.#topic, meaning.intent as Ask)
    this.#topic = next.to
    for (const reply of next.run) this.#reply(reply, meaning)
    if (this.#topic !== before && this.#topic !== 'leaving') this.#offerPhrases()
  }

  #reply(reply: Reply, meaning: Meaning): void {
    switch (reply) {
      case 'measure':
        this.#measuring = true
        this.#outputs.push({ kind: 'measure' })
        break
      case 'repeat':
        this.#repeat()
        break
      case 'sayGoodbye':
        this.#sayMeta(lines.GOODBYE)
        break
      case 'note':
        this.#booking = noted(this.#booking, meaning)
        this.#say(lines.noted(meaning, this.#booking, this.#topic))
        break
      case 'newBooking':
        this.#booking = lines.NO_BOOKING
        this.#say(lines.BOOKING)
        break
      case 'tellBooked':
        this.#say(lines.booked(this.#booking))
        break
      default:
        this.#say(lines.told(reply, this.#topic))
    }
  }

  #tellSpeed(timings: CallTimings | null): void {
    if (!this.#measuring) return
    this.#measuring = false
    this.#say(lines.thenAsk(timings ? speedInWords(timings) : lines.NO_TIMINGS, this.#topic))
  }

  /** Something that may be repeated and gone on with. */
  #say(text: string, from = 0): void {
    this.#last = { full: text, from }
    this.#utter(this.#last)
  }

  /** A remark about the talk itself: "say that again" means what was said before it. */
  #sayMeta(text: string): void {
    this.#utter({ full: text, from: 0 })
  }

  #utter(spoken: Spoken): void {
    this.#measuring = false
    this.#overtake()
    this.#current = spoken
    this.#outputs.push({ kind: 'say', text: toSay(spoken) })
    this.#wake(this.#topic === 'leaving' ? GOODBYE_LIMIT_MS : SAY_LIMIT_MS)
  }

  #overtake(): void {
    if (this.#current) this.#overtaken.push(this.#current)
    this.#current = null
  }

  #repeat(): void {
    this.#rest = null
    this.#say(this.#last?.full ?? lines.GREETING)
  }

  #resume(): void {
    const rest = this.#rest
    this.#rest = null
    if (rest) this.#say(rest.full, rest.from)
    else this.#sayMeta(lines.thenAsk(lines.NOTHING_LEFT, this.#topic))
  }

  #flush(): void {
    this.#measuring = false
    if (this.#current) this.#outputs.push({ kind: 'flush' })
  }

  #tellWhereCut(): void {
    const rest = this.#rest
    if (!rest) this.#voice = 'speaking'
    this.#sayMeta(rest ? lines.stoppedAfter(heardWord(rest)) : lines.thenAsk(lines.JUST_FINISHED, this.#topic))
  }

  #settled(end: CutSay): void {
    const overtaken = this.#overtaken.findIndex((one) => toSay(one) === end.text)
    if (overtaken >= 0) {
      this.#overtaken.splice(overtaken, 1)
      return
    }
    const spoken = this.#current
    if (!spoken || toSay(spoken) !== end.text) return
    this.#current = null
    this.#overtaken = []
    if (this.#topic === 'leaving') {
      this.#outputs.push({ kind: 'hangup' })
    } else if (this.#voice === 'cutting') {
      this.#rest = end.finished ? null : unheardFrom(spoken, end.heard)
      this.#voiceStep('cut', null)
    } else this.#voiceStep('quiet', null)
  }

  #woke(): void {
    if (this.#wakeAt === null || this.#now < this.#wakeAt) return
    this.#wakeAt = null
    if (this.#topic === 'leaving') {
      this.#outputs.push({ kind: 'hangup' })
    } else if (this.#voice === 'cutting') {
      this.#rest = this.#current
      this.#overtake()
      this.#voiceStep('lost', null)
    } else {
      this.#overtake()
      this.#askWhetherThere()
    }
  }

  #askWhetherThere(): void {
    this.#quietTimes++
    if (this.#quietTimes >= QUIET_LIMIT) {
      this.#topic = 'leaving'
      this.#sayMeta(lines.LONELY_GOODBYE)
      return
    }
    if (this.#voice !== 'stopped') this.#voice = 'speaking'
    this.#sayMeta(this.#voice === 'stopped' ? lines.SHALL_I_GO_ON : lines.stillThere(this.#topic))
  }

  #wakeWhenQuiet(): void {
    if (!this.#current && !this.#measuring) this.#wake(QUIET_MS)
  }

  #wake(inMs: number): void {
    this.#wakeAt = this.#now + inMs
    this.#outputs.push({ kind: 'wake', at: this.#wakeAt })
  }

  #offerPhrases(): void {
    this.#outputs.push({ kind: 'phrases', phrases: phrasesFor(this.#topic) })
  }
}

function noted(booking: lines.Booking, meaning: Meaning): lines.Booking {
  switch (meaning.intent) {
    case 'day':
      return { ...booking, day: meaning.day }
    case 'time':
      return { ...booking, time: meaning.time }
    case 'party':
      return { ...booking, people: meaning.people }
    default:
      return booking
  }
}
