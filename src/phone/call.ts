/**
 * One call of the phone: who said what in signalling, and the sound that goes with it. Told by `user-agent.ts` what the
 * SIP core reports; tells it what to do by `CallControl`.
 */

import type { Millis } from '../kernel/clock.ts'
import { step } from '../kernel/machine.ts'
import { type LocalMedia, makeAnswer, makeOffer, type Negotiated, readAnswer } from '../sdp/negotiate.ts'
import { type Action, type Input, PHONE_CALL, type PhoneCallState } from './call-states.ts'
import { PhoneError } from './phone-error.ts'
import type { PhoneSound, SoundStats } from './sound.ts'
import type { Spoken } from './speech-queue.ts'

export type { PhoneCallState }

/** `cause` is 'local' when we hung up, else what the far end or the network did. `code` is the SIP status that says why. */
export interface PhoneCallEnd {
  readonly cause: string
  readonly code: number
}

export interface FrameInfo {
  /** Monotonic ms of the arrival. */
  readonly at: Millis
  readonly sequence: number
  /** RTP timestamp. */
  readonly timestamp: number
  readonly marker: boolean
}

export interface PhoneCall {
  readonly sipCallId: string
  readonly state: PhoneCallState
  /** Rejects with a `PhoneError` when the call ends before it is answered. */
  readonly answered: Promise<void>
  /** Never rejects. */
  readonly ended: Promise<PhoneCallEnd>
  /** Takes an incoming call. Nothing happens in any other state: the caller may just have given up. */
  answer(): void
  /** Lets the caller hear us before the answer (183 with sound). Nothing happens in any other state than ringing. */
  answerEarly(): void
  /** Refuses an incoming call with a SIP status of 300 to 699. */
  reject(code: number): void
  /** Ends the call in whatever state it is; silent at once. May be called twice. */
  hangup(): void
  /**
   * Presses one key, 0-9 * # A-D, as RFC 4733 events; speech waits meanwhile. A far end that offered no events hears
   * nothing. Throws RangeError for what is no key.
   */
  press(digit: string): void
  /**
   * Queues 16-bit mono sound at 8 kHz. It leaves in 20 ms frames on the call's grid.
   * @returns when its first and last samples left; a call that ends earlier tells what had left by then
   */
  speak(pcm8k: Int16Array): Promise<Spoken>
  /** Each received frame, as it arrives: in the order of arrival, without the ones that came twice. */
  onFrame: ((pcm8k: Int16Array, info: FrameInfo) => void) | null
  /** Asks the far end to call `target`, or with `other` to talk to whom that call is with (REFER). */
  refer(target: string, other?: PhoneCall): void
  /** What becomes of that: a SIP status line. */
  onNotified: ((line: string) => void) | null
  /** Presses a key by INFO (application/dtmf-relay). */
  pressByInfo(digit: string): void
  /** How this call is named by the far end's Replaces, '' before the answer. */
  readonly replaces: string
  /** Each key pressed at the far end, once, at its end. */
  onDigit: ((digit: string) => void) | null
  readonly stats: SoundStats
}

/** What a call asks of its phone's signalling. */
export interface CallControl {
  ringEarly(body: string): void
  accept(body: string): void
  reject(code: number, phrase: string): void
  cancel(): void
  bye(): void
  answerOffer(body: string | null): void
  request(method: 'REFER' | 'INFO', headers: readonly (readonly [string, string])[], body: string): void
  /** For Replaces; null before the answer. */
  dialog(): { readonly sipCallId: string; readonly localTag: string; readonly remoteTag: string } | null
}

export interface CallSetup {
  readonly sipCallId: string
  readonly state: 'calling' | 'incoming'
  readonly sound: PhoneSound
  /** Our side of every SDP of the call. */
  readonly media: LocalMedia
  readonly control: CallControl
  /** The far end's offer of an incoming call; '' when it brought none. */
  readonly offer: string
  /** Our offer of an outgoing call. */
  readonly sentOffer: string | null
}

const GIVEN_UP: PhoneCallEnd = { cause: 'local', code: 487 }
const HUNG_UP: PhoneCallEnd = { cause: 'local', code: 200 }
const DECLINE = { code: 603, phrase: 'Decline' }
const NOT_ACCEPTABLE = { code: 488, phrase: 'Not Acceptable Here' }

export class SipPhoneCall implements PhoneCall {
  readonly sipCallId: string
  readonly answered: Promise<void>
  readonly ended: Promise<PhoneCallEnd>
  readonly #setup: CallSetup
  readonly #sound: PhoneSound
  #state: PhoneCallState
  #sdpVersion: number
  /** Our own offer while the far end has not answered it, or null. */
  #openOffer: string | null = null
  /** Our answer when it was given in a 183: the 200 has to say the same (RFC 3261 §13.2.1). */
  #earlyAnswer: string | null = null
  #refusal = DECLINE
  #end: PhoneCallEnd = HUNG_UP
  #phrase = ''
  #resolveAnswered: () => void = () => {}
  #rejectAnswered: (why: PhoneError) => void = () => {}
  #resolveEnded: (end: PhoneCallEnd) => void = () => {}

  onNotified: ((line: string) => void) | null = null

  constructor(setup: CallSetup) {
    this.#setup = setup
    this.#sound = setup.sound
    this.sipCallId = setup.sipCallId
    this.#state = setup.state
    this.#sdpVersion = setup.media.version
    this.#openOffer = setup.sentOffer
    this.answered = new Promise((resolve, reject) => {
      this.#resolveAnswered = resolve
      this.#rejectAnswered = reject
    })
    // Nobody has to wait for the answer: `ended` tells the same.
    this.answered.catch(() => {})
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
  }

  get state(): PhoneCallState {
    return this.#state
  }

  get stats(): SoundStats {
    return this.#sound.stats
  }

  get onFrame(): PhoneCall['onFrame'] {
    return this.#sound.onFrame
  }

  set onFrame(listener: PhoneCall['onFrame']) {
    this.#sound.onFrame = listener
  }

  get onDigit(): PhoneCall['onDigit'] {
    return this.#sound.onDigit
  }

  set onDigit(listener: PhoneCall['onDigit']) {
    this.#sound.onDigit = listener
  }

  speak(pcm8k: Int16Array): Promise<Spoken> {
    return this.#sound.speak(pcm8k)
  }

  press(digit: string): void {
    this.#sound.press(digit)
  }

  answerEarly(): void {
    if (this.#state !== 'incoming' || this.#setup.offer === '') return
    this.#earlyAnswer = this.#answerTo(this.#setup.offer)
    if (this.#earlyAnswer !== null) this.#setup.control.ringEarly(this.#earlyAnswer)
  }

  answer(): void {
    if (this.#state !== 'incoming') return
    const body = this.#earlyAnswer ?? this.#answerTo(this.#setup.offer)
    if (body === null) {
      this.#refuse(NOT_ACCEPTABLE.code, NOT_ACCEPTABLE.phrase)
      return
    }
    this.#setup.control.accept(body)
    this.#step('accept')
  }

  reject(code: number): void {
    this.#refuse(code, REFUSAL_PHRASES[code] ?? DECLINE.phrase)
  }

  get replaces(): string {
    const dialog = this.#setup.control.dialog()
    return dialog ? `${dialog.sipCallId};to-tag=${dialog.remoteTag};from-tag=${dialog.localTag}` : ''
  }

  refer(target: string, other?: PhoneCall): void {
    const header = other ? `?Replaces=${encodeURIComponent(other.replaces)}` : ''
    this.#setup.control.request('REFER', [['Refer-To', `<${target}${header}>`]], '')
  }

  pressByInfo(digit: string): void {
    const type = ['Content-Type', 'application/dtmf-relay'] as const
    this.#setup.control.request('INFO', [type], `Signal=${digit}\r\nDuration=160\r\n`)
  }

  hangup(): void {
    this.#refusal = DECLINE
    this.#end = this.#state === 'answered' ? HUNG_UP : GIVEN_UP
    this.#phrase = 'Request Terminated'
    this.#step('hangup')
  }

  // ---- told by the phone

  /** @param body what the far end lets us hear already, or '' */
  progressed(body: string): void {
    const early = body === '' ? null : readAnswer(this.#openOffer ?? '', body)
    if (early?.ok) this.#useFormat(early.value)
    this.#step('progress')
  }

  /** The far end took our call. */
  wasAnswered(body: string): void {
    if (this.#state === 'ended' || this.#useAnswer(body)) {
      this.#step('answered')
      return
    }
    this.#setup.control.bye()
    this.failed(NOT_ACCEPTABLE.code, NOT_ACCEPTABLE.phrase, 'local')
  }

  /** The far end has our 200; `body` answers the offer in it, when there was one. */
  confirmed(body: string): void {
    if (this.#openOffer !== null && !this.#useAnswer(body)) this.hangup()
  }

  failed(code: number, phrase: string, cause: string): void {
    if (this.#state === 'ended') return
    this.#end = { cause, code }
    this.#phrase = phrase
    this.#step('failed')
  }

  over(cause: string): void {
    if (this.#state === 'ended') return
    this.#end = { cause, code: 200 }
    this.#step('over')
  }

  /** A re-INVITE or UPDATE: a new offer, or '' asking for ours. */
  offered(body: string): void {
    this.#setup.control.answerOffer(this.#answerTo(body))
  }

  #refuse(code: number, phrase: string): void {
    if (this.#state !== 'incoming') return
    this.#refusal = { code, phrase }
    this.#end = { cause: 'local', code }
    this.#phrase = phrase
    this.#step('refuse')
  }

  /** @returns the SDP to send back, or null when the offer has nothing for us */
  #answerTo(offer: string): string | null {
    const local = this.#localMedia()
    if (offer === '') {
      this.#openOffer = makeOffer(local)
      return this.#openOffer
    }
    const answer = makeAnswer(offer, local)
    if (!answer.ok) return null
    this.#useFormat(answer.value.negotiated)
    return answer.value.text
  }

  #useAnswer(body: string): boolean {
    const negotiated = readAnswer(this.#openOffer ?? '', body)
    this.#openOffer = null
    if (negotiated.ok) this.#useFormat(negotiated.value)
    return negotiated.ok
  }

  #useFormat(negotiated: Negotiated): void {
    this.#sound.start({
      codec: negotiated.codec,
      payloadType: negotiated.payloadType,
      dtmfPayloadType: negotiated.dtmfPayloadType,
      ...(negotiated.dtmfClockHz === undefined ? {} : { dtmfClockHz: negotiated.dtmfClockHz }),
      remote: negotiated.remote,
      isSending: negotiated.direction === 'sendrecv' || negotiated.direction === 'sendonly',
    })
  }

  #localMedia(): LocalMedia {
    return { ...this.#setup.media, version: this.#sdpVersion++ }
  }

  #step(input: Input): void {
    const next = step('phone call', PHONE_CALL, this.#state, input)
    this.#state = next.to
    for (const action of next.run) this.#run(action)
  }

  #run(action: Action): void {
    const { control } = this.#setup
    switch (action) {
      case 'refuse':
        control.reject(this.#refusal.code, this.#refusal.phrase)
        return
      case 'cancel':
        control.cancel()
        return
      case 'bye':
        control.bye()
        return
      case 'tellAnswered':
        this.#resolveAnswered()
        return
      case 'tellEnded':
        this.#sound.close()
        this.#rejectAnswered(new PhoneError(this.#end.code, this.#phrase))
        this.#resolveEnded(this.#end)
        return
      default:
        action satisfies never
    }
  }
}

const REFUSAL_PHRASES: Readonly<Record<number, string>> = {
  404: 'Not Found',
  480: 'Temporarily Unavailable',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  500: 'Server Internal Error',
  503: 'Service Unavailable',
  600: 'Busy Everywhere',
  603: 'Decline',
}
