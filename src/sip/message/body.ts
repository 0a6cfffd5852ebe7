/** Which body a message carries. Bodies are not understood here, only found. */

import { header, type SipMessage } from './message.ts'

export const SDP = 'application/sdp'

/** Media type in lower case without parameters, '' when there is none. */
export function contentType(message: SipMessage): string {
  const value = header(message, 'content-type')
  return value === null ? '' : mediaType(value)
}

/**
 * The session description of a message: its body, or the SDP part of a multipart body (RFC 5621 §3; carriers add ISUP).
 * @returns '' when there is no body, null when there is one that is no SDP
 */
export function sdpOf(message: SipMessage): string | null {
  if (message.body === '') return ''
  const type = contentType(message)
  if (type === SDP || type === '') return message.body
  return type.startsWith('multipart/') ? sdpPart(message) : null
}

function sdpPart(message: SipMessage): string | null {
  const boundary = /boundary\s*=\s*("?)([^";]+)\1/i.exec(header(message, 'content-type') ?? '')?.[2]
  if (!boundary) return null
  for (const part of message.body.split(`--${boundary}`)) {
    const split = part.indexOf('\r\n\r\n')
    if (split === -1) continue
    const type = /^content-type\s*:\s*([^\r\n]*)/im.exec(part.slice(0, split))?.[1]
    if (type !== undefined && mediaType(type) === SDP) return part.slice(split + 4)
  }
  return null
}

function mediaType(value: string): string {
  const semicolon = value.indexOf(';')
  return (semicolon === -1 ? value : value.slice(0, semicolon)).trim().toLowerCase()
}
