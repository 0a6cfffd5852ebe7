/** Message to bytes. Content-Length is counted here; line breaks inside a value cannot reach the wire. */

import type { SipMessage } from './message.ts'

const BREAKS = /[\r\n]+/g

export function printMessage(message: SipMessage): Uint8Array {
  let text =
    message.kind === 'request'
      ? `${message.method} ${message.uri} SIP/2.0\r\n`
      : `SIP/2.0 ${message.code} ${oneLine(message.phrase)}\r\n`
  for (const { name, value } of message.fields) text += `${name}: ${oneLine(value)}\r\n`
  const sizeBytes = message.body === '' ? 0 : Buffer.byteLength(message.body)
  return Buffer.from(`${text}Content-Length: ${sizeBytes}\r\n\r\n${message.body}`)
}

function oneLine(value: string): string {
  return value.replace(BREAKS, ' ')
}
