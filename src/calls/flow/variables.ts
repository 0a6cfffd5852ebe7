/** `${name}` in string options (contract §9.3): replaced just before an action runs; unknown names become ''. */

import type { Json, JsonObject } from '../../kernel/json.ts'

export type Variables = Readonly<Record<string, string>>

export function fillIn(option: JsonObject, variables: Variables): JsonObject {
  return fill(option, variables) as JsonObject
}

function fill(value: Json | undefined, variables: Variables): Json | undefined {
  if (typeof value === 'string')
    return value.replace(/\$\{([^}]*)\}/g, (_, name: string) => variables[name.trim()] ?? '')
  if (Array.isArray(value)) return value.map((item: Json) => fill(item, variables) ?? null)
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, fill(item as Json, variables)]))
  }
  return value
}
