/**
 * Messages to and from a media thread. Plain data (but for the shared ring buffers), over any channel: a MessagePort in
 * the server, a direct call in the simulation. Sound itself passes through rings (`kernel/ring.ts`), never through here.
 * All times are monotonic ms of the one base that all threads share.
 */

import type { Millis } from '../kernel/clock.ts'

/** A leg is one call's sound in both directions. A slot is used again only with a higher generation. */
export interface LegRef {
  readonly slot: number
  readonly generation: number
}

/** Who speaks: a flow's own `talk`, or a speaking session's `say`. A flush of one lane leaves the other playing. */
export type Lane = 0 | 1
export const LANE_FLOW: Lane = 0
export const LANE_SAY: Lane = 1

export type CodecName = 'PCMU' | 'PCMA'

/** What offer and answer agreed on for one leg. */
export interface LegFormat {
  readonly codec: CodecName
  /** RTP payload type of the codec. */
  readonly payloadType: number
  /** RTP payload type of telephone-event, or null when the far end has none. */
  readonly dtmfPayloadType: number | null
  readonly ptimeMs: number
}

export interface RtpAddress {
  readonly address: string
  readonly port: number
}

/** Sound buffers of a slot. Allocated by the main thread, used by one producer and one consumer each. */
export interface LegRings {
  /** media -> listen: the caller's sound. Drops the oldest when full, and counts. */
  readonly hearing: SharedArrayBuffer
  /** talk -> media: sound to play. Refuses when full. */
  readonly playout: SharedArrayBuffer
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
  | { readonly kind: 'closeLeg'; readonly leg: LegRef }
  | { readonly kind: 'shutDown' }

/** Music on hold, the tone of a phone that rings, the tone of a busy one. */
export type Background = 'none' | 'music' | 'ringback' | 'busy'

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
  /** The media thread let go of the leg: socket closed, rings no longer touched. */
  | {
      readonly kind: 'legClosed'
      readonly leg: LegRef
      readonly cut: readonly PlayedSay[]
      readonly counters: LegCounters
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
  readonly concealed: number
  readonly lateFrames: number
  readonly skippedFrames: number
  readonly hearingDropped: number
}
