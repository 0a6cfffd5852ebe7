/** For tests: a small name server over UDP, which knows what it was given and counts what it is asked. */

import { createSocket } from 'node:dgram'
import { type Answer, decode, encode, type Question, type RecordType } from 'dns-packet'

export interface Zone {
  /** `NAPTR example.com` -> its records. A name that is not there at all does not exist. */
  readonly [question: string]: readonly Omit<Answer, 'name' | 'type'>[]
}

export interface NameServer {
  /** `127.0.0.1:port` */
  readonly at: string
  /** Every question, in order. */
  readonly asked: readonly string[]
  zone: Zone
  /** Says nothing any more. */
  isSilent: boolean
  close(): void
}

export async function openNameServer(zone: Zone): Promise<NameServer> {
  const socket = createSocket('udp4')
  const asked: string[] = []
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const server = { at: `127.0.0.1:${socket.address().port}`, asked, zone, isSilent: false, close: () => socket.close() }
  socket.on('message', (bytes, from) => {
    const query = decode(bytes)
    const question = query.questions?.[0]
    if (!question) return
    asked.push(nameOf(question))
    if (server.isSilent) return
    const records = server.zone[nameOf(question)]
    const isKnown = Object.keys(server.zone).some((key) => key.endsWith(` ${question.name.toLowerCase()}`))
    const answers = (records ?? []).map((record) => ({ ...record, name: question.name, type: question.type }) as Answer)
    const NXDOMAIN = 3
    const flags = 0x8580 | (isKnown ? 0 : NXDOMAIN)
    socket.send(
      encode({ id: query.id ?? 0, type: 'response', flags, questions: [question], answers }),
      from.port,
      from.address,
    )
  })
  return server
}

function nameOf({ type, name }: Question & { readonly type: RecordType }): string {
  return `${type} ${name.toLowerCase()}`
}
