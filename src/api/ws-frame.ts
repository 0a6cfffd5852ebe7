/**
 * A text as one WebSocket frame (RFC 6455 §5.2), unmasked, as servers send it: made once and written to any number of
 * clients as it is.
 */

const FINAL_TEXT = 0x81
/** Longer ones have their length in 16 bits, those that do not fit there in 64. */
const SHORT_BYTES = 125
const LENGTH_16 = 126
const LENGTH_64 = 127

export function textFrame(text: string): Buffer {
  const bytes = Buffer.byteLength(text)
  const head = bytes <= SHORT_BYTES ? 2 : bytes <= 0xffff ? 4 : 10
  const frame = Buffer.allocUnsafe(head + bytes)
  frame[0] = FINAL_TEXT
  frame[1] = head === 2 ? bytes : head === 4 ? LENGTH_16 : LENGTH_64
  if (head === 4) frame.writeUInt16BE(bytes, 2)
  if (head === 10) frame.writeBigUInt64BE(BigInt(bytes), 2)
  frame.write(text, head)
  return frame
}
