/**
 * Cuts a stream into SIP messages (RFC 3261 §18.3) and keep-alive pings (RFC 5626 §4.4.1). Only the frame is looked at:
 * the first line's form and Content-Length. It never throws; after it has said why, the stream is good for nothing more.
 */

/** Head and body together. A larger message ends the connection. */
export const MAX_MESSAGE_BYTES = 65_536
/** A first line that has not ended by then is none. */
const MAX_START_LINE_BYTES = 8_192
const FIRST_ROOM_BYTES = 2_048

const CR = 13
const LF = 10
const LINE_END = Buffer.from('\r\n')
const HEAD_END = Buffer.from('\r\n\r\n')
const LENGTH = /\r\n(?:content-length|l)[ \t]*:([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)/gi
/** What a start line looks like, of any version: a wrong one is answered, another protocol is not. */
const START_LINE = /^(?:SIP\/\d|[\w\-.!%*+`'~]+\s.*\sSIP\/\d\S*\s*$)/is

export interface FramingEvents {
  /** One whole message. `bytes` is valid only during the call. */
  readonly message: (bytes: Uint8Array) => void
  /** An empty line given twice: it is answered with one. */
  readonly ping: () => void
}

export class Framer {
  readonly #events: FramingEvents
  #room: Buffer = Buffer.alloc(0)
  #size = 0
  /** Up to here there is no end of a head. */
  #searched = 0
  /** Whole length of the message at the front, once its head is here. */
  #wanted: number | null = null
  #emptyLines = 0
  #isStartSeen = false
  #broken: string | null = null

  constructor(events: FramingEvents) {
    this.#events = events
  }

  /** Bytes of a message that is not whole yet. */
  get pendingBytes(): number {
    return this.#size
  }

  /** @returns null, or why the connection has to be closed: messages before the fault were given out */
  push(chunk: Uint8Array): string | null {
    if (this.#broken !== null) return this.#broken
    this.#append(chunk)
    while (this.#broken === null && this.#next()) {}
    return this.#broken
  }

  /** @returns false when more bytes are needed */
  #next(): boolean {
    this.#skipEmptyLines()
    if (this.#size === 0) return false
    if (!this.#hasStartLine()) return false
    this.#wanted ??= this.#findLength()
    if (this.#wanted === null || this.#broken !== null || this.#size < this.#wanted) return false
    this.#emptyLines = 0
    this.#events.message(this.#room.subarray(0, this.#wanted))
    this.#drop(this.#wanted)
    return true
  }

  /** Blank lines between messages are pings, answers to ours, or nothing at all. */
  #skipEmptyLines(): void {
    let at = 0
    while (at < this.#size && (this.#room[at] === LF || this.#room[at] === CR)) {
      // A lone CR may have its LF in the next read.
      if (this.#room[at] === LF && ++this.#emptyLines % 2 === 0) this.#events.ping()
      at++
    }
    if (at > 0) this.#drop(at)
  }

  #hasStartLine(): boolean {
    if (this.#isStartSeen) return true
    const end = this.#held.indexOf(LINE_END)
    if (end === -1 && this.#size <= MAX_START_LINE_BYTES && this.#room[0]! > 0x20 && this.#room[0]! < 0x7f) return false
    if (end === -1 || !START_LINE.test(this.#room.toString('latin1', 0, end))) this.#broken = 'not SIP'
    this.#isStartSeen = true
    return this.#broken === null
  }

  #findLength(): number | null {
    const head = this.#held.indexOf(HEAD_END, Math.max(0, this.#searched - HEAD_END.length))
    this.#searched = this.#size
    if (head === -1) {
      if (this.#size > MAX_MESSAGE_BYTES) this.#broken = 'message too large'
      return null
    }
    const headBytes = head + HEAD_END.length
    const body = bodyLength(this.#room.toString('latin1', 0, head))
    // Where the next message begins cannot be known: this one is refused by the parser, and nothing after it is read.
    if (body === null) {
      this.#events.message(this.#room.subarray(0, headBytes))
      this.#broken = 'Content-Length cannot be read'
      return null
    }
    if (headBytes + body > MAX_MESSAGE_BYTES) this.#broken = 'message too large'
    return headBytes + body
  }

  get #held(): Buffer {
    return this.#room.subarray(0, this.#size)
  }

  #append(chunk: Uint8Array): void {
    const needed = this.#size + chunk.length
    if (needed > this.#room.length) {
      const room = Buffer.allocUnsafe(Math.max(needed, 2 * this.#room.length, FIRST_ROOM_BYTES))
      this.#room.copy(room, 0, 0, this.#size)
      this.#room = room
    }
    this.#room.set(chunk, this.#size)
    this.#size = needed
  }

  #drop(bytes: number): void {
    this.#room.copyWithin(0, bytes, this.#size)
    this.#size -= bytes
    this.#searched = 0
    this.#wanted = null
    this.#isStartSeen = false
    // An idle connection holds no memory.
    if (this.#size === 0) this.#room = Buffer.alloc(0)
  }
}

/** @returns 0 without the header (the parser refuses that), null when it cannot be read or is given twice differently */
function bodyLength(head: string): number | null {
  let length: number | null = null
  for (const match of head.matchAll(LENGTH)) {
    const text = match[1]!.trim()
    const value = /^\d{1,10}$/.test(text) ? Number(text) : null
    if (value === null || (length !== null && length !== value)) return null
    length = value
  }
  return length ?? 0
}
