/**
 * The acceptance checks of the contract (§21) in their order, and where each is tested. A name of a test begins with its
 * documents and its number: `S0 check 1: ...`, `S1 S2 check 11: ...`.
 */

export interface Check {
  readonly number: number
  /** The documents it is taken from. */
  readonly seeds: string
  readonly what: string
  /** Files that hold its tests. Empty: `later` says which issue brings it. */
  readonly files: readonly string[]
  readonly later?: string
}

const S0 = 'tests/conformance/seed-000.test.ts'
const S1 = 'tests/conformance/seed-001.test.ts'
const S2 = 'tests/conformance/seed-002.test.ts'
const S3 = 'tests/conformance/seed-003.test.ts'
const S4 = 'tests/conformance/seed-004.test.ts'

const check = (number: number, seeds: string, what: string, ...files: readonly string[]): Check => ({
  number,
  seeds,
  what,
  files,
})

export const CHECKS: readonly Check[] = [
  check(1, 'S0', 'signup gives accesskey.token; Bearer with it works', S0, 'tests/interop/fastapi-agent.test.ts'),
  check(2, 'S0', 'POST /webhooks and POST /flows bodies give 2xx', S0, 'tests/interop/fastapi-agent.test.ts'),
  check(3, 'S0', 'a call to a number of that flow: answered, call.initiated once', S0),
  check(4, 'S0', 'talk sent from inside that handler is heard after answer', S0),
  check(5, 'S0', 'caller speech is one transcript, our own none', S0),
  check(6, 'S0', 'caller hangs up: one call.ended', S0),
  check(7, 'S1 S4', 'PUT /customer with two fields keeps name and e-mail', S1, S4),
  check(8, 'S1', 'ten event types by webhook and by WebSocket', S1, 'tests/interop/python-topics.test.ts'),
  check(9, 'S1', 'handler silent for 5 s: delivered again', S1),
  check(10, 'S1', 'flush: silence within 60 ms, next say at once, old text never returns', S1),
  check(11, 'S1 S2', 'without flush the second say follows the first', S1),
  check(12, 'S1', 'transcription:* and call:* subscriptions receive', S1),
  check(13, 'S1', 'reconnect, resubscribe, events again', S1),
  check(14, 'S2', 'call to extension by target_name', S2, 'tests/interop/outgoing.test.ts'),
  check(15, 'S2', 'talk with gender heard; its out transcript', S2, 'tests/interop/outgoing.test.ts'),
  check(16, 'S2', 'speech is an in transcript', S2, 'tests/interop/outgoing.test.ts'),
  check(17, 'S2', 'ten minutes of sleep keep the call; speaking works meanwhile', S2),
  check(18, 'S2 S3', 'POST /speakings 201 initiating; say 200 active', S2),
  check(19, 'S2 S3', 'speaking on a ringing or ended call is 400', S2),
  check(20, 'S2', 'say with 0 and 5001 characters is 400, 5000 is 200', S2),
  check(21, 'S2', 'expired JWT is 401', S2),
  check(22, 'S2', 'unknown id: 404 in the path, 400 in a body', S2),
  check(23, 'S3', 'tel call with nil flow_id: call_ids[0]; stays up', S3),
  check(24, 'S3', "003's complete program", 'tests/interop/python-agent.test.ts'),
  check(25, 'S3', 'transcribe before answer is 400', S3),
  check(26, 'S4', 'answer / transcribe_start / talk ends by itself', S4),
  check(27, 'S4', 'transcribe of call (room and recording: issue E)', S4),
  check(28, 'S4', 'GET /transcripts newest first, tm_transcript form', S4),
  check(29, 'S4', "004's WebSocket program prints each line once", S4, 'tests/interop/python-listener.test.ts'),
  check(30, 'S4', 'after hangup: done, transcripts still readable', S4),
  check(31, 'S4', 'on_end_flow_id flow runs', S4),
  check(32, 'S4', 'ja-JP taken where an engine serves it, else LANGUAGE_NOT_AVAILABLE', S4),
  { ...check(33, 'S1', 'ai_talk with a scripted local model'), later: 'issue F' },
  check(34, 'S0', 'transfer to a person: no greeting, no talk over them', S0, 'tests/interop/fastapi-agent.test.ts'),
  check(35, 'S3', '003 by polling alone', S3),
  check(36, 'S4', 'transcribe_start with a language from a variable', S4),
]
