/** The demo in a terminal: the dialogue as it happens and a bar of where each turn's time went. Plain text when asked. */

import { STAGE_NAMES, type Stage } from './turns.ts'

export interface Terminal {
  readonly write: (text: string) => void
  /** ANSI colours and strike-through; without them everything is told by letters and brackets. */
  readonly colour: boolean
}

/** One glyph a stage, so that the bar reads without colour too. */
const GLYPHS = ['·', '░', '▒', '▓', '█', '◦', '•']
const COLOURS = [36, 34, 35, 33, 32, 31, 37]
const MS_PER_GLYPH = 10
const LONGEST_BAR = 80
const INDENT = ' '.repeat(10)

export class Screen {
  readonly #terminal: Terminal

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  heading(text: string): void {
    this.#line(this.#paint(text, 1))
    this.#line('')
  }

  note(text: string): void {
    this.#line(this.#paint(text, 2))
  }

  /** What each glyph of the bars stands for. */
  legend(): void {
    const names = STAGE_NAMES.map((name, index) => `${this.#glyphs(index, 1)} ${name}`)
    this.#line(`one glyph = ${MS_PER_GLYPH} ms:  ${names.join('  ')}`)
    this.#line('')
  }

  caller(text: string): void {
    this.#line(`${this.#paint('caller', 36)}    ${text}`)
  }

  understood(text: string): void {
    this.#line(this.#paint(`${INDENT}understood: ${text}`, 2))
  }

  unrecognised(): void {
    this.#line(this.#paint(`${INDENT}rejected: outside the phrases`, 33))
  }

  /** `unheard` is what the caller never heard of the sentence. */
  agent(heard: string, unheard: string): void {
    const lost = this.#terminal.colour ? this.#paint(unheard, 9) : `[not heard: ${unheard.trim()}]`
    this.#line(`${this.#paint('agent', 32)}     ${heard}${unheard === '' ? '' : lost}`)
  }

  /**
   * @param turnMs measured by the caller, from its last voiced sample to the first of the answer
   * @param stages the server's account of the same time, or null when it has none
   */
  turn(turnMs: number | null, stages: readonly Stage[] | null): void {
    if (turnMs === null) return
    const total = `${INDENT}${String(Math.round(turnMs)).padStart(4)} ms `
    this.#line(`${total} ${stages === null ? '' : this.#bar(stages)}`)
    if (stages === null) return
    const parts = stages.map(({ name, ms }) => `${name} ${Math.round(ms)}`)
    this.#line(this.#paint(`${INDENT}${parts.join(', ')}`, 2))
  }

  verdict(failures: readonly string[]): void {
    this.#line('')
    if (failures.length === 0) this.#line(this.#paint('All went as it must.', 32))
    for (const failure of failures) this.#line(`${this.#paint('FAILED', 31)}  ${failure}`)
  }

  /** Each stage ends where its share of the whole ends, so rounding never adds up. */
  #bar(stages: readonly Stage[]): string {
    let sum = 0
    let drawn = 0
    let bar = ''
    for (const [index, { ms }] of stages.entries()) {
      sum += Math.max(0, ms)
      const end = Math.min(LONGEST_BAR, Math.round(sum / MS_PER_GLYPH))
      bar += this.#glyphs(index, end - drawn)
      drawn = end
    }
    return sum > LONGEST_BAR * MS_PER_GLYPH ? `${bar}…` : bar
  }

  #glyphs(stage: number, count: number): string {
    return count <= 0 ? '' : this.#paint(GLYPHS[stage]!.repeat(count), COLOURS[stage]!)
  }

  #paint(text: string, code: number): string {
    return this.#terminal.colour ? `\u001b[${code}m${text}\u001b[0m` : text
  }

  #line(text: string): void {
    this.#terminal.write(`${text}\n`)
  }
}
