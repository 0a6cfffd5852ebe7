import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError, ERRORS, type ErrorCode, errorBody } from './errors.ts'

/** §1.4; `NOT_IMPLEMENTED` alone leaves it (§19). */
const HTTP: Record<string, readonly number[]> = {
  INVALID_ARGUMENT: [400],
  UNAUTHENTICATED: [401],
  PERMISSION_DENIED: [403],
  NOT_FOUND: [404],
  ALREADY_EXISTS: [409],
  FAILED_PRECONDITION: [409],
  RESOURCE_EXHAUSTED: [429],
  UNAVAILABLE: [503, 501],
  INTERNAL: [500],
}

test('every code has the HTTP status of its status word, and a sentence', () => {
  for (const [code, line] of Object.entries(ERRORS)) {
    assert.ok(HTTP[line.status]?.includes(line.http), code)
    assert.match(line.sentence, /^[A-Z].*\.$/, code)
  }
})

test('a body holds details only when there are some, and extra fields at its top', () => {
  const body = errorBody({ code: 'TRANSCRIBE_ALREADY_PROGRESSING', extra: { id: 'x' } }, 'req_1')
  assert.deepEqual(Object.keys(body), ['id', 'error', 'message'])
  assert.ok(!('details' in body.error))
  assert.equal(errorBody({ code: 'SIGN_IN_FAILED' }, 'r').error.reason, 'INVALID_CREDENTIALS')
})

test('an error says its own sentence unless it has a better one', () => {
  const code: ErrorCode = 'CALL_NOT_FOUND'
  assert.equal(new AppError(code).message, ERRORS[code].sentence)
  assert.equal(new AppError(code, { message: 'gone' }).message, 'gone')
})
