/**
 * Complete state tables. A machine is one table: every state, every input, one cell. A missing cell does not compile.
 */

/**
 * - `{ to, run }` moves to a state and names the actions to carry out, in order
 * - `'ignore'` is for what the network or a racing user may rightly send
 * - `'bug'` is for what only our own mistake can cause: `step` throws
 */
export type Cell<S extends string, A> = { readonly to: S; readonly run?: readonly A[] } | 'ignore' | 'bug'

export type Table<S extends string, I extends string, A> = {
  readonly [s in S]: { readonly [i in I]: Cell<S, A> }
}

export interface Step<S, A> {
  readonly to: S
  readonly run: readonly A[]
}

const NOTHING: readonly never[] = []

/** Thrown for a `'bug'` cell. The runner ends the call it happened in and logs the flight recorder. */
export class ImpossibleInput extends Error {
  readonly state: string
  readonly input: string
  constructor(machine: string, state: string, input: string) {
    super(`${machine}: input '${input}' cannot happen in state '${state}'`)
    this.name = 'ImpossibleInput'
    this.state = state
    this.input = input
  }
}

/** Looks up one cell. An ignored input stays in its state and runs nothing. */
export function step<S extends string, I extends string, A>(
  name: string,
  table: Table<S, I, A>,
  state: S,
  input: I,
): Step<S, A> {
  const cell = table[state][input]
  if (cell === 'ignore') return { to: state, run: NOTHING }
  if (cell === 'bug') throw new ImpossibleInput(name, state, input)
  return { to: cell.to, run: cell.run ?? NOTHING }
}
