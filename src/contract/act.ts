/**
 * Talk and actions on a live call, outside its flow (contract §7.4 `talk`, §17 `actions`). An action's options stand beside
 * its name (`{"action":"talk","text":"Hello"}`) or apart (`{"type":"talk","option":{"text":"Hello"}}`).
 */

import { z } from 'zod'
import { addressIn, destinationsIn } from './address.ts'
import { codePoints, isHttpUrl, optional, referenceIn, textIn, uuid } from './fields.ts'
import { MAX_SAY_CHARS } from './speaking.ts'
import { phrases, transcribeDirection } from './transcribe.ts'

const saidText = textIn
  .refine((said) => said.trim() !== '', 'must not be empty')
  .refine((said) => codePoints(said) <= MAX_SAY_CHARS, `must not be longer than ${MAX_SAY_CHARS} characters`)

const word = optional(z.string().max(256))
const flag = z.preprocess((value) => value ?? undefined, z.boolean().default(false))
const httpUrl = z
  .string()
  .max(2048)
  .refine(isHttpUrl, 'must be an http or https URL')
  .meta({ examples: ['https://example.com/sound.wav'] })

const talkFields = {
  text: saidText,
  language: word,
  provider: word,
  voice_id: word,
  gender: word.describe('male, female or neutral'),
  voice: word.describe('A name such as en-US-Neural2-F'),
}

export const talkRequest = z.object(talkFields)

export type TalkRequest = z.infer<typeof talkRequest>

/** Key presses: limits of one `digits_send`. */
export const MAX_DIGITS = 100
const DIGIT_MS = { min: 100, max: 1_000, usual: 200 }
const DIGIT_GAP_MS = { min: 0, max: 5_000, usual: 100 }

function millis(limits: { readonly min: number; readonly max: number; readonly usual: number }) {
  return z.preprocess(
    (value) => value ?? undefined,
    z.number().min(limits.min).max(limits.max).default(limits.usual).describe('Milliseconds'),
  )
}

const muteDirection = z.preprocess((value) => value || undefined, z.enum(['both', 'in', 'out']).default('both'))

/** `POST /calls/{id}/mute`. */
export const muteRequest = z.object({ direction: muteDirection })

const action = <N extends string>(name: N) => z.literal(name)

/** Every action of §17's table. */
const ACTS = [
  z.object({ action: action('talk'), ...talkFields, interrupt: flag.describe('Falls silent first') }),
  z.object({
    action: action('play'),
    url: optional(httpUrl),
    stream_urls: optional(z.array(httpUrl).max(100)),
  }),
  z.object({ action: action('flush') }),
  z.object({ action: action('hangup'), reason: word }),
  z.object({
    action: action('digits_send'),
    digits: z
      .string()
      .max(MAX_DIGITS)
      .regex(/^[0-9A-Da-d#*]+$/, 'must be of 0-9, A-D, # and *')
      .meta({ examples: ['1234#'] }),
    duration: millis(DIGIT_MS),
    interval: millis(DIGIT_GAP_MS),
  }),
  z.object({ action: action('connect'), source: optional(addressIn), destinations: destinationsIn, anonymous: flag }),
  z.object({
    action: action('message_send'),
    source: optional(addressIn),
    destinations: z.array(addressIn).min(1).max(100),
    text: saidText,
  }),
  z.object({
    action: action('webhook_send'),
    uri: httpUrl,
    method: z.preprocess(
      (value) => (typeof value === 'string' && value !== '' ? value.toUpperCase() : undefined),
      z.enum(['POST', 'GET', 'PUT', 'DELETE']).default('POST'),
    ),
    data_type: word,
    data: z.unknown().describe('Text is sent as it is, anything else as JSON'),
  }),
  z.object({
    action: action('transcribe_start'),
    language: z
      .string()
      .min(1)
      .meta({ examples: ['en-US'] }),
    direction: transcribeDirection,
    provider: word,
    on_end_flow_id: referenceIn,
    phrases,
  }),
  z.object({ action: action('transcribe_stop') }),
  z.object({ action: action('hold') }),
  z.object({ action: action('unhold') }),
  z.object({ action: action('mute'), direction: muteDirection }),
  z.object({ action: action('unmute') }),
  z.object({ action: action('recording_start') }),
  z.object({ action: action('recording_stop') }),
] as const

/** `{"type":"talk","option":{...}}` becomes `{"action":"talk",...}`. */
function flattened(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !('type' in body) || typeof body.type !== 'string') return body
  if ('action' in body && typeof body.action === 'string') return body
  const option = 'option' in body && typeof body.option === 'object' ? body.option : {}
  return { ...option, action: body.type }
}

export const actRequest = z.preprocess(flattened, z.discriminatedUnion('action', ACTS))

export type ActRequest = z.infer<typeof actRequest>

export const actAnswer = z.object({ call_id: uuid, action: z.string(), status: z.literal('queued') })

const VENDOR_NAME = /^([a-z]{2,3})-([a-z]{2})-[a-z0-9-]+$/i

/** The language that a name such as `en-US-Neural2-F` begins with, or '' (§17). */
export function languageOfVoice(name: string): string {
  const [, language, region] = VENDOR_NAME.exec(name) ?? []
  return language && region ? `${language.toLowerCase()}-${region.toUpperCase()}` : ''
}
