/** The few requests the agent makes, against the public API and nothing else. */

import type { CallTimings } from './timings.ts'

const REQUEST_LIMIT_MS = 5_000

export interface ApiOptions {
  /** Ends in `/v1.0`, without a slash behind it. */
  readonly base: string
  /** Access key or JWT. */
  readonly token: string
}

/** An answer other than 2xx. `body` is what came with it, already parsed, or null. */
export class ApiError extends Error {
  readonly status: number
  readonly reason: string
  readonly body: Readonly<Record<string, unknown>> | null

  constructor(what: string, status: number, body: unknown) {
    const object = isObject(body) ? body : null
    const error = isObject(object?.['error']) ? object['error'] : null
    const reason = String(error?.['reason'] ?? 'UNKNOWN')
    super(`${what}: ${status} ${reason}`)
    this.name = 'ApiError'
    this.status = status
    this.reason = reason
    this.body = object
  }
}

export interface CallDoc {
  readonly id: string
  readonly status: string
  readonly direction: string
  readonly destination: { readonly target: string }
}

interface Session {
  readonly id: string
  readonly reference_id: string
  readonly status: string
}

export class Api {
  readonly #base: string
  readonly #token: string

  constructor(options: ApiOptions) {
    this.#base = options.base
    this.#token = options.token
  }

  /** The newest hundred calls. */
  async calls(): Promise<readonly CallDoc[]> {
    return (await this.#ask<{ result: CallDoc[] }>('GET', '/calls?page_size=100')).result
  }

  /** @returns null when there is no such call (any more) */
  async call(callId: string): Promise<CallDoc | null> {
    try {
      return await this.#ask<CallDoc>('GET', `/calls/${callId}`)
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null
      throw error
    }
  }

  /** @returns the transcribe's id, also when the call has one already */
  async startTranscribe(callId: string, phrases: readonly string[]): Promise<string> {
    const wish = { reference_type: 'call', reference_id: callId, language: 'en-US', direction: 'both', phrases }
    try {
      return (await this.#ask<Session>('POST', '/transcribes', wish)).id
    } catch (error) {
      const id = error instanceof ApiError && error.status === 409 ? error.body?.['id'] : undefined
      if (typeof id !== 'string') throw error
      await this.setPhrases(id, phrases)
      return id
    }
  }

  async setPhrases(transcribeId: string, phrases: readonly string[]): Promise<void> {
    await this.#ask('PUT', `/transcribes/${transcribeId}`, { phrases })
  }

  /** @returns the speaking's id, also when the call has one already */
  async startSpeaking(callId: string): Promise<string> {
    try {
      const wish = { reference_type: 'call', reference_id: callId, language: 'en-US', direction: 'both' }
      return (await this.#ask<Session>('POST', '/speakings', wish)).id
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 409) throw error
      const { result } = await this.#ask<{ result: Session[] }>('GET', '/speakings?page_size=100')
      const mine = result.find((one) => one.reference_id === callId && one.status !== 'stopped')
      if (!mine) throw error
      return mine.id
    }
  }

  async say(speakingId: string, text: string): Promise<void> {
    await this.#ask('POST', `/speakings/${speakingId}/say`, { text })
  }

  async flush(speakingId: string): Promise<void> {
    await this.#ask('POST', `/speakings/${speakingId}/flush`)
  }

  async timings(callId: string): Promise<CallTimings> {
    const { result, flushes } = await this.#ask<{
      result?: CallTimings['turns']
      flushes?: CallTimings['flushes']
    }>('GET', `/calls/${callId}/turns`)
    return { turns: result ?? [], flushes: flushes ?? [] }
  }

  async hangup(callId: string): Promise<void> {
    await this.#ask('POST', `/calls/${callId}/hangup`)
  }

  async #ask<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await fetch(this.#base + path, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
      signal: AbortSignal.timeout(REQUEST_LIMIT_MS),
    })
    const text = await answer.text()
    const parsed = text === '' ? null : readJson(text)
    if (!answer.ok) throw new ApiError(`${method} ${path.split('?')[0]}`, answer.status, parsed)
    return parsed as T
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
