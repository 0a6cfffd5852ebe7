/**
 * Where a run is: a stack of lists of actions. A list that is fetched goes on top and runs first; when it has run out the
 * one below goes on after the action that fetched it.
 */

import { isUnset, NIL_UUID } from '../../kernel/ids.ts'
import type { ActionDoc } from '../commands.ts'

/** Lists of one run (contract §9.2). */
const MAX_LISTS = 100

interface List {
  readonly actions: readonly ActionDoc[]
  /** Of the action that runs; -1 before the first. */
  at: number
  /** Times that each action has asked. */
  readonly counts: Map<string, number>
}

export class Cursor {
  readonly #lists: List[] = []
  #inserted = 0
  #jump: { readonly depth: number; readonly at: number; readonly id: string } | null = null

  constructor(actions: readonly ActionDoc[]) {
    this.insert(actions)
  }

  /** Where a jump will go. */
  get forwardId(): string {
    return this.#jump?.id ?? NIL_UUID
  }

  /** Moves on. @returns the action whose turn it is, or null when all lists have run out */
  next(): ActionDoc | null {
    if (this.#jump) return this.#landed(this.#jump)
    for (let list = this.#lists.at(-1); list; list = this.#lists.at(-1)) {
      list.at = after(list)
      const action = list.actions[list.at]
      if (action) return action
      this.#lists.pop()
    }
    return null
  }

  /** Looks for the target in the running list, then in those below. An unset or unknown one changes nothing. */
  jump(id: string): void {
    if (isUnset(id)) return
    for (let depth = this.#lists.length - 1; depth >= 0; depth--) {
      const at = indexOf(this.#lists[depth]!, id)
      if (at < 0) continue
      this.#jump = { depth, at, id: id.toLowerCase() }
      return
    }
  }

  /** @returns false: that is one list too many */
  insert(actions: readonly ActionDoc[]): boolean {
    if (this.#inserted >= MAX_LISTS) return false
    this.#inserted++
    this.#lists.push({ actions, at: -1, counts: new Map() })
    return true
  }

  /** Of the running action in the running list. */
  count(): number {
    const list = this.#lists.at(-1)
    const id = list?.actions[list.at]?.id ?? ''
    const count = (list?.counts.get(id) ?? 0) + 1
    list?.counts.set(id, count)
    return count
  }

  #landed({ depth, at }: { readonly depth: number; readonly at: number }): ActionDoc | null {
    this.#jump = null
    this.#lists.length = depth + 1
    const list = this.#lists[depth]!
    list.at = at
    return list.actions[at] ?? null
  }
}

function after(list: List): number {
  const current = list.actions[list.at]
  const target = current && !isUnset(current.next_id) ? indexOf(list, current.next_id) : -1
  return target >= 0 ? target : list.at + 1
}

function indexOf(list: List, id: string): number {
  const wanted = id.toLowerCase()
  return list.actions.findIndex((action) => action.id === wanted)
}
