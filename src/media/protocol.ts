/**
 * Messages to and from a media thread. Plain data (but for the shared ring buffers), over any channel: a MessagePort in
 * the server, a direct call in the simulation. Sound itself passes through rings (`kernel/ring.ts`), never through here.
 * All times are monotonic ms of the one base that all threads share.
 */

import type { Millis } from '../kernel/clock.ts'
import type { RingBuffer } from '../kernel/ring.ts'
import type { SrtpPair } from '../rtp/srtp/suite.ts'

/** A leg is one call's sound in both directions. A slot is used again only with a higher generation. */
export interface LegRef {
  readonly slot: number
  readonly generation: number
}

/** Who speaks: a flow's own `talk`, or a speaking session's `say`. A flush of one lane leaves the other playing. */
export type Lane = 0 | 1
export const LANE_FLOW: Lane = 0
export const LANE_SAY: Lane = 1

/** As in SDP; the rate of the sound and of the RTP clock go with it (`audio/codecs.ts`). */
export type CodecName = 'PCMU' | 'PCMA' | 'G722' | 'opus'

/** What offer and answer agreed on for one leg. */
export interface LegFormat {
  readonly codec: CodecName
  /** RTP payload type of the codec. */
  readonly payloadType: number
  /** RTP payload type of telephone-event, or null when the far end has none. */
  readonly dtmfPayloadType: number | null
  /** Clock of those events' timestamps. Absent: 8,000. */
  readonly dtmfClockHz?: number
  readonly ptimeMs: number
  /** Other numbers that may come: of the same codec, when the two sides number it differently, and of further ones. */
  readonly alsoTaken?: readonly TakenFormat[]
  /** What the far end asks of an encoder of Opus. */
  readonly opus?: OpusWishes
  /** Absent: RTP goes where it is negotiated, and there is no RTCP. */
  readonly transport?: LegTransport
  /** Keys of SRTP. Secret. Absent: RTP and RTCP go in the clear. */
  readonly srtp?: SrtpPair
}

/** A number that may come. */
export interface TakenFormat {
  readonly payloadType: number
  /** Null: telephone events. */
  readonly codec: CodecName | null
  /** Of its RTP timestamps. */
  readonly clockHz: number
}

/** What the far end asks for in its a=fmtp line of Opus (RFC 7587 §6.1). */
export interface OpusWishes {
  /** Bits per second, null when not said. */
  readonly maxAverageBitrate: number | null
  /** More than this is not heard there; null when not said. */
  readonly maxPlaybackRateHz: number | null
  readonly useInbandFec: boolean
}

export interface RtpAddress {
  readonly address: string
  readonly port: number
}

/** What offer and answer agreed on about the way packets take, beside where RTP goes. */
export interface LegTransport {
  /** RTCP comes and goes on the port of RTP (RFC 5761); else each side has it on another port. */
  readonly rtcpMux: boolean
  /** Where the far end takes RTCP when not on RTP's port. */
  readonly remoteRtcp: RtpAddress
  /** Set when both sides do ICE: ours is the lite side (RFC 8445 §2.5). */
  readonly ice: { readonly ufrag: string; readonly pwd: string; readonly remoteUfrag: string } | null
  /** From where the far end signals: sound from there is more likely its own than sound from elsewhere. Absent: not known. */
  readonly signalledFrom?: string
}

/** How a leg's sound came and went, as RTCP would tell it (RFC 3550 §6.4). */
export interface LegQuality {
  readonly codec: CodecName
  /** Packets of the far end that should have come, and those of them that never did. */
  readonly expected: number
  readonly lost: number
  /** Interarrival jitter: mean over the call, and most. */
  readonly jitterMs: number
  readonly jitterMaxMs: number
  /** The last one measured; null: the far end sends no reports. */
  readonly roundTripMs: number | null
  /** What the far end says of our sound; null: nothing. */
  readonly far: { readonly lost: number; readonly lostShare: number; readonly jitterMs: number } | null
  /** Estimated by the E-model (`rtp/rtcp-quality.ts`), 1 to 4.4: what we heard, and what the far end heard. */
  readonly mos: number
  readonly farMos: number | null
  /** Null: no ICE. Checks answered and refused, and how long before the end the last check or keep-alive came (null: none did). */
  readonly ice: { readonly checks: number; readonly refused: number; readonly quietMs: Millis | null } | null
  /** RTCP reports taken and sent. */
  readonly reportsIn: number
  readonly reportsOut: number
}

/** Sound buffers of a slot. Allocated by the main thread, used by one producer and one consumer each. */
export interface LegRings {
  /** media -> listen: the caller's sound. Drops the oldest when full, and counts. */
  readonly hearing: RingBuffer
  /** talk -> media: sound to play. Refuses when full. */
  readonly playout: RingBuffer
}

export type MediaCommand =
  | {
      readonly kind: 'openLeg'
      readonly leg: LegRef
      readonly rings: LegRings
      /** Leg rate in Hz; samples in the rings have this rate. */
      readonly rateHz: number
      readonly localAddress: string
      /** UDP ports to try, in order; the first that binds is used. */
      readonly localPorts: readonly number[]
      /** Random starting points, drawn by the main thread (RFC 3550 §5.1). */
      readonly ssrc: number
      readonly firstSequence: number
      readonly firstRtpTime: number
    }
  /** Offer and answer are done: where to send, in which format. Play-out (silence at least) starts now. Also after a re-INVITE. */
  | {
      readonly kind: 'startLeg'
      readonly leg: LegRef
      readonly format: LegFormat
      readonly remote: RtpAddress
      /** False while held by the far end: nothing is sent. */
      readonly sending: boolean
    }
  /** Whether the caller's sound goes into the hearing ring. */
  | { readonly kind: 'hear'; readonly leg: LegRef; readonly on: boolean }
  /** Sound of `lane` older than `epoch` never leaves any more; what was cut is told in `flushed`. */
  | {
      readonly kind: 'flush'
      readonly leg: LegRef
      readonly lane: Lane
      readonly epoch: number
      readonly askedAt: Millis
    }
  /** Silence in place of speech at once, without losing the queue; `false` goes on from the cut sample. */
  | { readonly kind: 'mute'; readonly leg: LegRef; readonly on: boolean }
  /** What the far end says is not heard by anybody: neither by ears nor by the members of its group. */
  | { readonly kind: 'deafen'; readonly leg: LegRef; readonly on: boolean }
  /**
   * Joins a mix group of this thread, or changes how. A leg hears all other talking members of its group, mixed with its
   * own play-out. A leg is in one group at most; joining another leaves the first. Two bridged calls are a group of two.
   */
  | {
      readonly kind: 'join'
      readonly leg: LegRef
      readonly group: number
      readonly talks: boolean
      readonly hears: boolean
    }
  | { readonly kind: 'leave'; readonly leg: LegRef }
  /** What this leg gives to its group goes into `ring` too, for another thread; null: no more. */
  | { readonly kind: 'lend'; readonly leg: LegRef; readonly ring: SharedArrayBuffer | null }
  /** A leg of another thread, lent by `ring`: it can be told to `join`, `leave` and `deafen` here too, until it is dismissed. */
  | { readonly kind: 'invite'; readonly leg: LegRef; readonly ring: SharedArrayBuffer }
  | { readonly kind: 'dismiss'; readonly leg: LegRef }
  /** What sounds while there is nothing else: under no speech, and under no other member of the group that talks. */
  | { readonly kind: 'background'; readonly leg: LegRef; readonly sound: Background }
  /** The far end hears itself. */
  | { readonly kind: 'echo'; readonly leg: LegRef; readonly on: boolean }
  | {
      readonly kind: 'sendDigits'
      readonly leg: LegRef
      readonly digits: string
      readonly durationMs: number
      readonly gapMs: number
    }
  /** Copies of all packets are told in `captured`, until it is switched off. */
  | { readonly kind: 'capture'; readonly leg: LegRef; readonly on: boolean }
  | { readonly kind: 'closeLeg'; readonly leg: LegRef }
  | { readonly kind: 'shutDown' }

/** Music on hold, the tone of a phone that rings, the tone of a busy one. */
export type Background = 'none' | 'music' | 'ringback' | 'busy'

/** One datagram of a leg, as it was on the wire. */
export interface CapturedPacket {
  readonly isOut: boolean
  readonly at: Millis
  readonly remote: RtpAddress
  readonly bytes: Uint8Array
}

/** What of one say has left as RTP. `samples` counts the say's own samples (silence put in by us while waiting is not counted). */
export interface PlayedSay {
  readonly sayId: number
  readonly lane: Lane
  readonly samples: number
}

export type MediaEvent =
  | { readonly kind: 'ready' }
  | { readonly kind: 'legOpened'; readonly leg: LegRef; readonly localPort: number; readonly at: Millis }
  | { readonly kind: 'legFailed'; readonly leg: LegRef; readonly why: string }
  /** The first RTP packet of the far end. `at` is sample 0 of the leg's hearing timeline. */
  | { readonly kind: 'rtpStarted'; readonly leg: LegRef; readonly remote: RtpAddress; readonly at: Millis }
  /** The first packet of a say whose sound is above the voice floor has left. */
  | {
      readonly kind: 'voiceStarted'
      readonly leg: LegRef
      readonly sayId: number
      readonly rtpTime: number
      readonly at: Millis
    }
  /** The last sample of a say has left. */
  | {
      readonly kind: 'played'
      readonly leg: LegRef
      readonly say: PlayedSay
      readonly rtpTime: number
      readonly at: Millis
    }
  /** Answer to `flush`: what was cut. `cut` holds says that had begun; those never begun are not listed. */
  | {
      readonly kind: 'flushed'
      readonly leg: LegRef
      readonly lane: Lane
      readonly epoch: number
      readonly cut: readonly PlayedSay[]
      /** When the last voiced packet left, or null when nothing voiced has left on this leg. */
      readonly lastVoicedAt: Millis | null
      readonly at: Millis
    }
  /** RFC 4733 key, once per press, at its end. `digit` is one of 0-9 * # A-D. */
  | {
      readonly kind: 'dtmf'
      readonly leg: LegRef
      readonly digit: string
      readonly durationMs: number
      readonly at: Millis
    }
  | { readonly kind: 'digitsSent'; readonly leg: LegRef; readonly at: Millis }
  /** The energy gate in front of the voice detector. `lastVoicedAt` is set when it closes. */
  | {
      readonly kind: 'gate'
      readonly leg: LegRef
      readonly open: boolean
      readonly at: Millis
      readonly lastVoicedAt: Millis | null
    }
  | { readonly kind: 'captured'; readonly leg: LegRef; readonly packets: readonly CapturedPacket[] }
  /** The media thread let go of the leg: socket closed, rings no longer touched. */
  | {
      readonly kind: 'legClosed'
      readonly leg: LegRef
      readonly cut: readonly PlayedSay[]
      readonly counters: LegCounters
      /** Absent: nothing was ever negotiated. */
      readonly quality?: LegQuality
      readonly at: Millis
    }
  /** Once a second while legs are open: how late ticks and packets were against their own grid. */
  | {
      readonly kind: 'pace'
      readonly legs: number
      readonly ticks: number
      readonly lateP50Ms: number
      readonly lateP99Ms: number
      readonly lateMaxMs: number
      readonly cpuMs: number
    }

export interface LegCounters {
  readonly packetsIn: number
  readonly packetsOut: number
  readonly octetsIn: number
  readonly lost: number
  readonly duplicate: number
  readonly reordered: number
  readonly malformed: number
  readonly otherSource: number
  /** Of SRTP and SRTCP: not made with the far end's key, or come before. */
  readonly authFailed: number
  readonly replayed: number
  readonly concealed: number
  readonly lateFrames: number
  readonly skippedFrames: number
  readonly hearingDropped: number
}
