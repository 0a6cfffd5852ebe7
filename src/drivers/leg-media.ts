/** Offers and answers of legs: what is said of our sound, and that it starts as was agreed. */

import { randomBytes } from 'node:crypto'
import { type LocalMedia, makeAnswer, makeOffer, type Negotiated, readAnswer } from '../sdp/negotiate.ts'
import { type LegBook, localMedia } from './leg-book.ts'
import { localIce, nextIce } from './leg-ice.ts'
import { LegKeys } from './leg-keys.ts'
import { addressTowards } from './own-address.ts'
import type { SipDriverOptions } from './sip-options.ts'

type Options = Pick<SipDriverOptions, 'sound' | 'srtp' | 'ice' | 'codecs' | 'log' | 'bindAddress' | 'publicAddress'>

export class LegMedia {
  readonly #options: Options
  readonly #keys: LegKeys
  readonly #bookOf: (callId: string) => LegBook | undefined

  constructor(options: Options, bookOf: (callId: string) => LegBook | undefined) {
    this.#options = options
    this.#keys = new LegKeys({ policy: options.srtp ?? 'optional', random: randomBytes, log: options.log })
    this.#bookOf = bookOf
  }

  /**
   * Whether there is anything for us in an offer, before anybody is asked.
   * @param isPeer a trunk may have its own way with SRTP: whether it suits is found out when it is answered
   */
  isUsable(offer: string, leg: string, isPeer = false): boolean {
    const srtp = this.#keys.trial(isPeer ? 'optional' : undefined)
    const trial = { ...localMedia('127.0.0.1', 9, leg, 0, this.#options.codecs), srtp }
    return makeAnswer(offer, trial).ok
  }

  /** Our offer. @returns null when there is no media port */
  offer(callId: string, book: LegBook): string | null {
    const local = this.#local(callId, book)
    return local && makeOffer(local)
  }

  /** Starts the sound with it. @returns null when their offer has nothing for us, or there is none to answer yet */
  answer(callId: string, book: LegBook): string | null {
    if (book.answer !== '') return book.answer
    const local = this.#local(callId, book, book.offer)
    const answer = local && book.offer !== '' ? makeAnswer(book.offer, local) : null
    if (!answer?.ok) return null
    this.start(callId, answer.value.negotiated)
    book.answer = answer.value.text
    return book.answer
  }

  /** A re-INVITE's or UPDATE's. '' asks for our offer (RFC 3261 §14.2). @returns what to answer, null to refuse */
  answerAgain(book: LegBook, offer: string): string | null {
    book.version++
    const local = this.#local(book.callId, book, offer)
    if (local && offer === '') return makeOffer(local)
    const answer = local ? makeAnswer(offer, local) : null
    if (!answer?.ok) return null
    book.offer = offer
    this.start(book.callId, answer.value.negotiated)
    return answer.value.text
  }

  /** Starts the sound by their answer. @returns why it cannot be used, null when it can */
  answered(book: LegBook, offer: string, answer: string): string | null {
    const negotiated = readAnswer(offer, answer)
    if (!negotiated.ok) return negotiated.why
    this.start(book.callId, negotiated.value)
    return null
  }

  start(callId: string, negotiated: Negotiated): void {
    const { remote, direction, ...format } = negotiated
    const sending = direction === 'sendrecv' || direction === 'sendonly'
    const transport = this.#transportOf(callId, negotiated)
    this.#options.sound.start(callId, { ...format, ...transport }, remote, sending)
    const book = this.#bookOf(callId)
    if (book?.srtp) book.srtp = this.#keys.settled(book.srtp, negotiated, book.isPrivate, callId)
  }

  tellAnswered({ callId, remote }: LegBook): void {
    const port = this.#options.sound.portOf(callId)
    if (port !== null) this.#options.sound.answered?.(callId, { address: addressTowards(remote, this.#options), port })
  }

  #transportOf(callId: string, { transport }: Negotiated): Pick<Negotiated, 'transport'> {
    const book = this.#bookOf(callId)
    if (!transport || !book) return {}
    if (book.ice) book.ice = { ...book.ice, theirs: transport.ice?.remoteUfrag ?? '' }
    return { transport: { ...transport, signalledFrom: book.remote } }
  }

  /** @param theirs the offer it is to answer; '' for an offer of ours */
  #local(callId: string, book: LegBook, theirs = ''): LocalMedia | null {
    const port = this.#options.sound.portOf(callId)
    if (port === null) return null
    book.srtp ??= this.#keys.draw(book.isPrivate, book.srtpPolicy)
    const plain = localMedia(
      addressTowards(book.remote, this.#options),
      port,
      book.leg,
      book.version,
      book.codecs ?? this.#options.codecs,
    )
    const media = { ...plain, srtp: book.srtp }
    book.ice = nextIce(book.ice, theirs)
    const ice = localIce(this.#options.ice ?? 'answer', book.ice)
    const before = book.weOffered ? {} : { before: book.offer }
    return { ...media, ...before, ...(ice && { ice }), ...(book.isHolding ? { direction: 'sendonly' } : {}) }
  }
}
