/**
 * Every reason a client can see, one line each: HTTP status, status word (contract §1.4), SIP status where a caller meets
 * it too, and a sentence for people. The error reference is this table.
 */

import { z } from 'zod'
import type { JsonObject } from '../kernel/json.ts'

export type StatusWord =
  | 'INVALID_ARGUMENT'
  | 'UNAUTHENTICATED'
  | 'PERMISSION_DENIED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'FAILED_PRECONDITION'
  | 'RESOURCE_EXHAUSTED'
  | 'UNAVAILABLE'
  | 'INTERNAL'

interface ErrorLine {
  readonly http: number
  readonly status: StatusWord
  readonly sentence: string
  /** What the other side of a call is answered for the same reason. */
  readonly sip?: number
  /** The `reason` on the wire where it is not the code itself. */
  readonly reason?: string
}

export const ERRORS = {
  INVALID_JSON_BODY: { http: 400, status: 'INVALID_ARGUMENT', sentence: 'The body is not valid JSON.' },
  INVALID_ID: { http: 400, status: 'INVALID_ARGUMENT', sentence: 'The id in the path is not a UUID.' },
  INVALID_ARGUMENT: { http: 400, status: 'INVALID_ARGUMENT', sentence: 'A field of the request is missing or wrong.' },
  INVALID_REQUEST_PARAMETER: { http: 400, status: 'INVALID_ARGUMENT', sentence: 'A query parameter is wrong.' },
  MISSING_REQUEST_PARAMETER: { http: 400, status: 'INVALID_ARGUMENT', sentence: 'A query parameter is missing.' },
  INVALID_REFERENCE_FILTER: {
    http: 400,
    status: 'INVALID_ARGUMENT',
    sentence: 'Give reference_type and reference_id together, or neither.',
  },
  INVALID_VARIABLES: {
    http: 400,
    status: 'INVALID_ARGUMENT',
    sentence: 'The variables are too many, too long or misnamed.',
  },
  LANGUAGE_NOT_AVAILABLE: {
    http: 400,
    status: 'INVALID_ARGUMENT',
    sentence: 'No installed engine serves this language.',
  },
  CALL_STATE_INVALID: { http: 400, status: 'INVALID_ARGUMENT', sentence: 'The call is not progressing.' },
  SPEAKING_STATE_INVALID: { http: 400, status: 'INVALID_ARGUMENT', sentence: 'The speaking session has stopped.' },
  RECORDING_STATE_INVALID: { http: 400, status: 'INVALID_ARGUMENT', sentence: 'The recording is in the wrong state.' },
  DESTINATION_NOT_ALLOWED: {
    http: 400,
    status: 'INVALID_ARGUMENT',
    sentence:
      'Calls to the public network are closed for this number. Allow its prefix first: PUT /v1.0/limits {"allowed_prefixes":["+49"]} opens +49.',
    sip: 403,
  },
  DO_NOT_CALL: {
    http: 400,
    status: 'INVALID_ARGUMENT',
    sentence: 'This number is on the do-not-call list. See GET /v1.0/do_not_call; DELETE its entry to call it.',
    sip: 403,
  },
  OUTSIDE_CALLING_HOURS: {
    http: 400,
    status: 'INVALID_ARGUMENT',
    sentence: 'It is outside the calling hours. See calling_hours in GET /v1.0/limits; PUT changes them.',
    sip: 403,
  },
  EMERGENCY_NOT_ROUTED: {
    http: 400,
    status: 'INVALID_ARGUMENT',
    sentence:
      'Emergency calls are not routed here: use another telephone. The operator may set QUIETLINE_EMERGENCY_ROUTE to a SIP address that takes them.',
    sip: 503,
  },
  /** Sign-in answers 400, a request with a bad credential 401; both give the same reason (§2.2). */
  SIGN_IN_FAILED: {
    http: 400,
    status: 'INVALID_ARGUMENT',
    reason: 'INVALID_CREDENTIALS',
    sentence: 'The username or the password is wrong.',
  },

  AUTHENTICATION_REQUIRED: {
    http: 401,
    status: 'UNAUTHENTICATED',
    sentence: 'Give a token or an access key.',
    sip: 407,
  },
  INVALID_CREDENTIALS: {
    http: 401,
    status: 'UNAUTHENTICATED',
    sentence: 'The token or access key is unknown, malformed or expired.',
    sip: 403,
  },

  PERMISSION_DENIED: { http: 403, status: 'PERMISSION_DENIED', sentence: 'This is not allowed here.', sip: 403 },
  DIRECT_ACCESS_NOT_SUPPORTED: {
    http: 403,
    status: 'PERMISSION_DENIED',
    sentence: 'A direct token does not reach this resource.',
  },

  CALL_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such call.', sip: 481 },
  GROUPCALL_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such groupcall.' },
  FLOW_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such flow.' },
  ACTIVEFLOW_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such activeflow.' },
  TRANSCRIBE_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such transcribe.' },
  TRANSCRIPT_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such transcript.' },
  SPEAKING_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such speaking session.' },
  RECORDING_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such recording.' },
  CONFERENCE_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such conference.' },
  CONFERENCECALL_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such conferencecall.' },
  EXTENSION_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such extension.', sip: 404 },
  NUMBER_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such number.', sip: 404 },
  ACCESSKEY_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such access key.' },
  CUSTOMER_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such customer.' },
  AGENT_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such agent.' },
  AI_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such AI.' },
  AICALL_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such aicall.' },
  SUMMARY_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such summary.' },
  AIMESSAGE_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such message.' },
  TRUNK_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such trunk.' },
  PROVIDER_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such provider.' },
  WEBHOOK_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such webhook.' },
  WEBHOOK_DELIVERY_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such webhook delivery.' },
  RESOURCE_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such resource.' },
  ROUTE_NOT_FOUND: { http: 404, status: 'NOT_FOUND', sentence: 'There is no such route.' },

  TRANSCRIBE_ALREADY_PROGRESSING: {
    http: 409,
    status: 'ALREADY_EXISTS',
    sentence: 'This reference is being transcribed in this language already.',
  },
  SPEAKING_ALREADY_ACTIVE: {
    http: 409,
    status: 'ALREADY_EXISTS',
    sentence: 'This reference has an active speaking session already.',
  },
  EXTENSION_ALREADY_EXISTS: { http: 409, status: 'ALREADY_EXISTS', sentence: 'This extension exists already.' },
  WEBHOOK_ALREADY_EXISTS: {
    http: 409,
    status: 'ALREADY_EXISTS',
    sentence: 'Another webhook has this URL already.',
  },
  TRUNK_ALREADY_EXISTS: {
    http: 409,
    status: 'ALREADY_EXISTS',
    sentence: 'Another trunk has this domain_name already.',
  },
  AGENT_ALREADY_EXISTS: { http: 409, status: 'ALREADY_EXISTS', sentence: 'An agent has this username already.' },
  DO_NOT_CALL_ALREADY_EXISTS: { http: 409, status: 'ALREADY_EXISTS', sentence: 'This number is on the list already.' },
  NUMBER_ALREADY_EXISTS: { http: 409, status: 'ALREADY_EXISTS', sentence: 'This number is registered already.' },

  STATE_INVALID: { http: 409, status: 'FAILED_PRECONDITION', sentence: 'The state does not allow this.' },
  CALL_ALREADY_HANGUP: { http: 409, status: 'FAILED_PRECONDITION', sentence: 'The call has ended.' },
  RECORDING_ALREADY_ACTIVE: { http: 409, status: 'FAILED_PRECONDITION', sentence: 'A recording is running already.' },
  RECORDING_NOT_ACTIVE: { http: 409, status: 'FAILED_PRECONDITION', sentence: 'No recording is running.' },

  RATE_LIMIT_EXCEEDED: { http: 429, status: 'RESOURCE_EXHAUSTED', sentence: 'Too many requests.', sip: 503 },
  CALL_LIMIT_REACHED: {
    http: 429,
    status: 'RESOURCE_EXHAUSTED',
    sentence:
      'As many calls are up as may be. End one, or raise it: PUT /v1.0/limits {"calls_at_once":100} allows 100.',
    sip: 486,
  },
  MINUTES_LIMIT_REACHED: {
    http: 429,
    status: 'RESOURCE_EXHAUSTED',
    sentence: 'The minutes of this day (UTC) are used up. PUT /v1.0/limits {"minutes_per_day":10000} allows 10,000.',
    sip: 503,
  },

  SERVICE_UNAVAILABLE: {
    http: 503,
    status: 'UNAVAILABLE',
    sentence: 'This cannot be done right now. Try again.',
    sip: 503,
  },
  NO_CAPACITY: {
    http: 503,
    status: 'UNAVAILABLE',
    sentence: 'This server has no room for another call right now. Try again in a few seconds.',
    sip: 503,
  },
  REQUEST_TIMEOUT: { http: 503, status: 'UNAVAILABLE', sentence: 'This took too long. Try again.', sip: 503 },
  /** The one line whose HTTP status leaves the scheme (§19). */
  NOT_IMPLEMENTED: { http: 501, status: 'UNAVAILABLE', sentence: 'This release does not have it.' },

  INTERNAL: { http: 500, status: 'INTERNAL', sentence: 'The server made a mistake.', sip: 500 },
} as const satisfies Record<string, ErrorLine>

export type ErrorCode = keyof typeof ERRORS

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text)
}

export interface Refusal {
  readonly code: ErrorCode
  /** Instead of the table's sentence. Never quotes what a person said. */
  readonly message?: string
  readonly details?: readonly JsonObject[]
  /** Further fields at the top level of the body. */
  readonly extra?: JsonObject
}

/** A request that cannot be done, in the words of the table. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly details: readonly JsonObject[]
  readonly extra: JsonObject

  constructor(code: ErrorCode, more: Omit<Refusal, 'code'> & { readonly cause?: unknown } = {}) {
    super(more.message ?? ERRORS[code].sentence, more.cause === undefined ? {} : { cause: more.cause })
    this.name = 'AppError'
    this.code = code
    this.details = more.details ?? []
    this.extra = more.extra ?? {}
  }
}

export interface ErrorBody extends JsonObject {
  readonly error: {
    readonly status: StatusWord
    readonly reason: string
    readonly message: string
    readonly request_id: string
    readonly details?: readonly JsonObject[]
  }
  readonly message: string
}

/** The body of every 4xx and 5xx (§1.4). Some refusals add fields of their own at the top, such as an `id`. */
export const errorSchema = z
  .looseObject({
    error: z.object({
      status: z.enum([...new Set(Object.values<ErrorLine>(ERRORS).map((line) => line.status))]),
      reason: z.string().meta({ examples: ['CALL_NOT_FOUND'] }),
      message: z.string(),
      request_id: z.string(),
      details: z.array(z.record(z.string(), z.unknown())).exactOptional(),
    }),
    message: z.string().describe('Copy of error.message'),
  })
  .meta({ id: 'Error' })

/** The body of §1.4, with the copy of `message` that some clients read at the top. */
export function errorBody(refusal: Refusal, requestId: string): ErrorBody {
  const line: ErrorLine = ERRORS[refusal.code]
  const message = refusal.message ?? line.sentence
  const details = refusal.details ?? []
  return {
    ...refusal.extra,
    error: {
      status: line.status,
      reason: line.reason ?? refusal.code,
      message,
      request_id: requestId,
      ...(details.length > 0 ? { details } : {}),
    },
    message,
  }
}
