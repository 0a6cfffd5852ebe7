/** Calls that the doctor makes with a softphone of its own: one that hears its echo, one that talks with the engines. */

import { sine } from '../audio/tone.ts'
import { lastVoicedFrame } from '../demo/caller/hearing.ts'
import { speakIntoMemory } from '../demo/caller/voice.ts'
import type { Clock } from '../kernel/clock.ts'
import { UdpNetwork } from '../net/udp.ts'
import { Phone } from '../phone/user-agent.ts'
import type { CallSeen } from './findings.ts'

export interface Account {
  readonly user: string
  readonly password: string
  /** Its registrar. */
  readonly domain: string
}

const RATE_HZ = 8_000
const TONE_HZ = 1_000
const TONE_MS = 400
const LISTEN_MS = 2_000
const ANSWER_WITHIN_MS = 5_000
/** The phone may hear sound in a frame as soon as it is above this. */
const LOUD = 1_000

/** @param local our own address, of the same network as `server` */
export async function callEcho(
  clock: Clock,
  account: Account,
  local: string,
  server: { readonly address: string; readonly port: number },
  number: string,
): Promise<CallSeen> {
  const where = `${server.address}:${server.port}`
  const none = { where, sentPackets: 0, receivedPackets: 0, heardItself: false, delayMs: null }
  const phone = await openPhone(clock, account, local, server)
  try {
    const code = await within(phone.register(), ANSWER_WITHIN_MS)
    if (code !== 200)
      return { ...none, failure: code === null ? 'registering got no answer' : `registering got ${code}` }
    const call = await phone.call(number)
    const failure = await within(
      call.answered.then(
        () => '',
        (cause: unknown) => (cause instanceof Error ? cause.message : String(cause)),
      ),
      ANSWER_WITHIN_MS,
    )
    if (failure !== '') return { ...none, failure: failure ?? 'it was not answered' }
    let heardAt: number | null = null
    call.onFrame = (pcm, { at }) => {
      if (heardAt === null && pcm.some((sample) => Math.abs(sample) > LOUD)) heardAt = at
    }
    const spoken = call.speak(sine(TONE_HZ, RATE_HZ, (TONE_MS * RATE_HZ) / 1000))
    await pause(LISTEN_MS)
    const { firstAt } = await spoken
    const { packetsReceived, packetsSent } = call.stats
    call.hangup()
    const delayMs = heardAt === null || firstAt === null ? null : heardAt - firstAt
    return {
      ...none,
      failure: null,
      sentPackets: packetsSent,
      receivedPackets: packetsReceived,
      heardItself: heardAt !== null,
      delayMs,
    }
  } finally {
    await phone.close()
  }
}

/** What the engines are given to do while a call of the phone is up. */
export interface Talk {
  /** Told when the call is answered; makes the server listen. */
  readonly begin: () => Promise<void>
  /** Makes the server speak. */
  readonly say: () => Promise<void>
}

/** @returns how many 20 ms frames of the server's voice were heard; rejects when the call cannot be made */
export async function callAndTalk(
  clock: Clock,
  account: Account,
  server: { readonly address: string; readonly port: number; readonly number: string; readonly local: string },
  sentence: string,
  talk: Talk,
): Promise<number> {
  const phone = await openPhone(clock, account, server.local, server)
  try {
    const call = await phone.call(server.number)
    await call.answered
    let voiced = 0
    call.onFrame = (pcm) => {
      if (lastVoicedFrame(pcm, pcm.length) >= 0) voiced++
    }
    await talk.begin()
    const [pcm] = await speakIntoMemory([sentence])
    await call.speak(pcm!)
    await talk.say()
    await pause(LISTEN_MS)
    call.hangup()
    return voiced
  } finally {
    await phone.close()
  }
}

function openPhone(
  clock: Clock,
  { domain, password, user }: Account,
  localAddress: string,
  server: { readonly address: string; readonly port: number },
): Promise<Phone> {
  const credentials = { username: user, password }
  const seed = `${process.pid} ${performance.now()}`
  return Phone.open({ network: new UdpNetwork(), clock, localAddress, server, user, domain, credentials, seed })
}

/** Null when it takes longer. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
