/** The codecs in SDP: their names, numbers and parameters (RFC 3551 §6, RFC 7587 §7, RFC 4733 §7.1). */

import type { CodecName, OpusWishes, TakenFormat } from '../media/protocol.ts'
import type { Format } from './description.ts'

interface FormatRow {
  /** As a=rtpmap prints it; compared without case. */
  readonly name: string
  /** The number in our offers. Static ones are the standard's, the rest are those most phones use. */
  readonly payloadType: number
  /** What a=rtpmap says, which is the RTP clock: also for G.722, by a mistake of RFC 1890 that stayed. */
  readonly rateHz: number
  readonly channels?: number
  /** Ours, in a=fmtp. */
  readonly parameters?: string
}

/** Opus is always said to have two channels (RFC 7587 §7); we send and want one. */
export const FORMATS: { readonly [codec in CodecName]: FormatRow } = {
  PCMU: { name: 'PCMU', payloadType: 0, rateHz: 8_000 },
  PCMA: { name: 'PCMA', payloadType: 8, rateHz: 8_000 },
  G722: { name: 'G722', payloadType: 9, rateHz: 8_000 },
  opus: {
    name: 'opus',
    payloadType: 111,
    rateHz: 48_000,
    channels: 2,
    parameters: 'useinbandfec=1;maxplaybackrate=16000;sprop-maxcapturerate=16000',
  },
}

const EVENTS = 'telephone-event'
/** Keys, and a flash of the hook. */
const EVENT_CODES = '0-16'
/** Of our offers, by the clock of the codec they go with. */
const EVENT_PAYLOAD_TYPES: ReadonlyMap<number, number> = new Map([
  [8_000, 101],
  [48_000, 110],
])
const NARROW_HZ = 8_000

/** @returns which codec of ours it is, or null */
export function codecOf({ name, rateHz }: Format): CodecName | null {
  for (const codec of Object.keys(FORMATS) as CodecName[]) {
    const row = FORMATS[codec]
    if (row.name.toUpperCase() === name && row.rateHz === rateHz) return codec
  }
  return null
}

export function isEvents({ name }: Format): boolean {
  return name === EVENTS.toUpperCase()
}

/**
 * All formats of an offer of ours, with events for every clock that its codecs have.
 * @param known formats of the far end's descriptions before: their numbers stay what they were (RFC 3264 §8.3.2)
 */
export function offered(codecs: readonly CodecName[], known: readonly Format[]): Format[] {
  const sound = codecs.map((codec) => formatOf(codec, known.find((each) => codecOf(each) === codec)?.payloadType))
  const clocks = new Set(sound.map(({ rateHz }) => rateHz))
  const events = [...clocks].map((rateHz) =>
    eventsOf(rateHz, known.find((each) => isEvents(each) && each.rateHz === rateHz)?.payloadType),
  )
  const taken = new Set(known.map(({ payloadType }) => payloadType))
  return apart([...sound, ...events], taken, known)
}

export function formatOf(codec: CodecName, payloadType: number = FORMATS[codec].payloadType): Format {
  return { payloadType, name: FORMATS[codec].name.toUpperCase(), rateHz: FORMATS[codec].rateHz, parameters: '' }
}

/** The events that go with a codec: of the same clock, else of the one that every phone knows. */
export function eventsFor(codec: Format, formats: readonly Format[]): Format | null {
  const events = formats.filter(isEvents)
  return (
    events.find(({ rateHz }) => rateHz === codec.rateHz) ??
    (codec.rateHz === NARROW_HZ ? null : (events.find(({ rateHz }) => rateHz === NARROW_HZ) ?? null))
  )
}

/** What else may come on the stream: every sound and every key of these formats that we know. */
export function takenOf(formats: readonly Format[]): TakenFormat[] {
  return formats
    .filter((format) => isEvents(format) || codecOf(format) !== null)
    .map((format) => ({ payloadType: format.payloadType, codec: codecOf(format), clockHz: format.rateHz }))
}

/** RFC 7587 §6.1, as the far end says it. */
export function opusWishes({ parameters }: Format): OpusWishes {
  return {
    maxAverageBitrate: numberOf(parameters, 'maxaveragebitrate'),
    maxPlaybackRateHz: numberOf(parameters, 'maxplaybackrate'),
    useInbandFec: numberOf(parameters, 'useinbandfec') === 1,
  }
}

/** One a=rtpmap and, where there is one, its a=fmtp, in the words of sdp-transform. */
export function written(format: Format): {
  readonly rtp: { payload: number; codec: string; rate: number; encoding?: number }
  readonly fmtp: readonly { payload: number; config: string }[]
} {
  const { payloadType: payload, rateHz: rate } = format
  if (isEvents(format)) return { rtp: { payload, codec: EVENTS, rate }, fmtp: [{ payload, config: EVENT_CODES }] }
  const { name, channels, parameters } = FORMATS[codecOf(format)!]
  return {
    rtp: { payload, codec: name, rate, ...(channels === undefined ? {} : { encoding: channels }) },
    fmtp: parameters === undefined ? [] : [{ payload, config: parameters }],
  }
}

function eventsOf(rateHz: number, payloadType: number = EVENT_PAYLOAD_TYPES.get(rateHz)!): Format {
  return { payloadType, name: EVENTS.toUpperCase(), rateHz, parameters: '' }
}

/** Moves a number of ours that the far end has given to something else. */
function apart(formats: readonly Format[], taken: Set<number>, known: readonly Format[]): Format[] {
  return formats.map((format) => {
    const isTheirs = known.some((each) => each.payloadType === format.payloadType && each.name === format.name)
    if (isTheirs || !taken.has(format.payloadType)) {
      taken.add(format.payloadType)
      return format
    }
    let payloadType = 96
    while (taken.has(payloadType) && payloadType < 127) payloadType++
    taken.add(payloadType)
    return { ...format, payloadType }
  })
}

function numberOf(parameters: string, name: string): number | null {
  for (const each of parameters.split(';')) {
    const [key, value] = each.split('=')
    if (key?.trim().toLowerCase() === name && /^\s*\d{1,9}\s*$/.test(value ?? '')) return Number(value)
  }
  return null
}
