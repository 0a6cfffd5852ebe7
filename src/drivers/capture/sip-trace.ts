/**
 * The signalling of calls, kept as it was on the wire for whoever looks for a fault: the newest dialogs, each bounded, all
 * together bounded. In memory only; what people dial never reaches a log from here.
 */

import type { Clock } from '../../kernel/clock.ts'
import { withoutKeys } from '../../sdp/crypto.ts'
import type { Flow } from '../../sip/types.ts'
import type { Packet } from './pcap.ts'

export interface SipMessage extends Packet {
  readonly isOut: boolean
  readonly transport: Flow['transport']
}

interface Dialog {
  readonly messages: SipMessage[]
  bytes: number
  /** Messages that had no room any more. */
  left: number
}

/** A call in trouble repeats itself: its beginning says most. */
const DIALOG_BYTES = 24 * 1024
const ALL_BYTES = 16 * 1024 * 1024
/** Where Call-ID stands in any sane message. */
const SEARCHED_BYTES = 4_096
const CALL_ID = /^(?:call-id|i)[ \t]*:[ \t]*([^\r\n]+?)[ \t]*$/im

export class SipTrace {
  readonly #clock: Pick<Clock, 'wallMicros'>
  /** By Call-ID, oldest first. */
  readonly #dialogs = new Map<string, Dialog>()
  readonly #byCall = new Map<string, string>()
  #bytes = 0
  /** A call whose INVITE is the next message sent. */
  #next: string | null = null

  constructor(clock: Pick<Clock, 'wallMicros'>) {
    this.#clock = clock
  }

  /** A message, or a datagram that wants to be one. `bytes` is copied, but for keys of SRTP. */
  message(isOut: boolean, flow: Flow, bytes: Uint8Array): void {
    const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, SEARCHED_BYTES)).toString('latin1')
    const sipCallId = CALL_ID.exec(head)?.[1]
    if (sipCallId === undefined) return
    if (isOut && this.#next !== null) this.bind(this.#next, sipCallId)
    const dialog = this.#dialogs.get(sipCallId) ?? (head.startsWith('INVITE ') ? this.#open(sipCallId) : null)
    if (dialog === null) return
    if (dialog.bytes + bytes.length > DIALOG_BYTES) {
      dialog.left++
      return
    }
    const [from, to] = isOut ? [flow.local, flow.remote] : [flow.remote, flow.local]
    const wallUs = this.#clock.wallMicros()
    dialog.messages.push({ isOut, transport: flow.transport, wallUs, from, to, bytes: withoutKeys(bytes) })
    dialog.bytes += bytes.length
    this.#bytes += bytes.length
    this.#makeRoom(sipCallId)
  }

  bind(callId: string, sipCallId: string): void {
    this.#next = null
    this.#byCall.set(callId, sipCallId)
  }

  /** The next message sent is this call's INVITE: its Call-ID is not known before. */
  expect(callId: string): void {
    this.#next = callId
  }

  /** @returns what is still there, oldest first, and how many messages had no room */
  of(callId: string): { readonly messages: readonly SipMessage[]; readonly left: number } {
    const dialog = this.#dialogs.get(this.#byCall.get(callId) ?? '')
    return { messages: dialog?.messages ?? [], left: dialog?.left ?? 0 }
  }

  #open(sipCallId: string): Dialog {
    const dialog: Dialog = { messages: [], bytes: 0, left: 0 }
    this.#dialogs.set(sipCallId, dialog)
    return dialog
  }

  /** The dialog that is written to now stays. */
  #makeRoom(present: string): void {
    if (this.#bytes <= ALL_BYTES) return
    for (const [sipCallId, dialog] of this.#dialogs) {
      if (sipCallId === present) continue
      this.#bytes -= dialog.bytes
      this.#dialogs.delete(sipCallId)
      if (this.#bytes <= ALL_BYTES) break
    }
    for (const [callId, sipCallId] of this.#byCall) if (!this.#dialogs.has(sipCallId)) this.#byCall.delete(callId)
  }
}
