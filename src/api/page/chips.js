/** The sentences that may be said now, as buttons that have them said. */

import { element } from './dom.js'

const SHOWN_AT_FIRST = 9
/** In none of the agent's grammars: shows what being refused is like. */
const FOREIGN = 'the weather is lovely in spring'

/**
 * @typedef {object} Guide
 * @property {string[]} speaking valid while the agent speaks
 * @property {{ ending: string, phrases: string[] }[]} entries the first whose ending fits the agent's last line
 */

/**
 * @param {Guide} guide
 * @param {string} lastOfAgent
 * @param {boolean} isSpeaking
 * @returns {string[]}
 */
export function validNow(guide, lastOfAgent, isSpeaking) {
  const entry = guide.entries.find(({ ending }) => lastOfAgent.endsWith(ending))
  return [...new Set([...(isSpeaking ? guide.speaking : []), ...(entry?.phrases ?? [])])]
}

export class Chips {
  /**
   * @param {HTMLElement} list a `ul`
   * @param {(phrase: string) => void} onPick
   */
  constructor(list, onPick) {
    this.list = list
    this.onPick = onPick
    /** @type {string[]} */
    this.phrases = []
    this.isEnabled = false
    this.isOpen = false
  }

  /**
   * @param {string[]} phrases
   * @param {boolean} isEnabled
   */
  show(phrases, isEnabled) {
    const same = isEnabled === this.isEnabled && phrases.join() === this.phrases.join()
    if (same) return
    if (phrases.join() !== this.phrases.join()) this.isOpen = false
    this.phrases = phrases
    this.isEnabled = isEnabled
    this.render()
  }

  render() {
    const shown = this.isOpen ? this.phrases : this.phrases.slice(0, SHOWN_AT_FIRST)
    const items = shown.map((phrase) => this.button(phrase, '', () => this.onPick(phrase)))
    items.push(this.button(FOREIGN, 'more', () => this.onPick(FOREIGN), 'This one is outside the phrases'))
    const hidden = this.phrases.length - shown.length
    if (hidden > 0) items.push(this.button(`${hidden} more`, 'more', () => this.open(), '', true))
    this.list.replaceChildren(...items)
  }

  open() {
    this.isOpen = true
    this.render()
  }

  /**
   * @param {string} text
   * @param {string} className
   * @param {() => void} onclick
   */
  button(text, className, onclick, title = '', always = false) {
    const disabled = !this.isEnabled && !always
    return element('li', {}, element('button', { type: 'button', className, onclick, title, disabled }, text))
  }
}
