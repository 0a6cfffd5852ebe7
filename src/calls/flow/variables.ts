/** Variables of a run, and `${name}` in string options (contract §9.3): replaced just before an action runs. */

import { MAX_VALUE_BYTES, RESERVED_PREFIX, variablesFault } from '../../contract/variables.ts'
import type { Json, JsonObject } from '../../kernel/json.ts'

export type Variables = Readonly<Record<string, string>>

/** Where `digits_receive` puts the keys. */
export const DIGITS = 'voipbin.call.digits'

/** Of one option, once filled in: values repeated without end must not fill the memory. */
const MAX_FILLED = 256 * 1024

export class Scope {
  readonly #ours = new Map<string, string>()
  readonly #given = new Map<string, string>()

  /** @param given by a client; `ours` win */
  constructor(given: Variables, ours: Variables) {
    for (const [name, value] of Object.entries({ ...given, ...ours })) this.#mapOf(name).set(name, value)
  }

  has(name: string): boolean {
    return this.#mapOf(name).has(name)
  }

  /** '' when there is none of that name. */
  get(name: string): string {
    return this.#mapOf(name).get(name) ?? ''
  }

  /** Nothing happens past the limits of contract §7.5, or for an unknown name of ours. */
  set(name: string, value: string): void {
    if (name.startsWith(RESERVED_PREFIX)) {
      if (this.#ours.has(name) && value.length <= MAX_VALUE_BYTES) this.#ours.set(name, value)
    } else if (variablesFault({ ...this.given(), [name]: value }) === null) this.#given.set(name, value)
  }

  /** Those that are not ours. */
  given(): Variables {
    return Object.fromEntries(this.#given)
  }

  all(): Variables {
    return { ...this.given(), ...Object.fromEntries(this.#ours) }
  }

  #mapOf(name: string): Map<string, string> {
    return name.startsWith(RESERVED_PREFIX) ? this.#ours : this.#given
  }
}

/** Unknown names become ''. */
export function fillIn(option: JsonObject, scope: Pick<Scope, 'get'>): JsonObject {
  let room = MAX_FILLED
  const valueFor = (_: string, name: string): string => {
    const value = scope.get(name.trim())
    room -= value.length
    return room < 0 ? '' : value
  }
  const fill = (value: Json | undefined): Json | undefined => {
    if (typeof value === 'string') return value.replace(/\$\{([^}]*)\}/g, valueFor)
    if (Array.isArray(value)) return value.map((item: Json) => fill(item) ?? null)
    if (value === null || typeof value !== 'object') return value
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, fill(item as Json)]))
  }
  return fill(option) as JsonObject
}

/** The name when a text is one variable and nothing else (`${name}`), or null. */
export function nameIn(text: string): string | null {
  return /^\$\{([^}]*)\}$/.exec(text.trim())?.[1]?.trim() ?? null
}
