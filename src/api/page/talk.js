/** Shows the lines of a call as they come, and under each of the caller's how long the answer took. */

import { element } from './dom.js'
import { latencyBar, latencyOf } from './latency.js'

export class TalkView {
  /** @param {HTMLElement} list an `ol` */
  constructor(list) {
    this.list = list
    /** @type {Map<string, HTMLElement>} */
    this.shown = new Map()
    /** @type {Map<number, HTMLElement>} lines of the caller by turn, still without their bar */
    this.waiting = new Map()
  }

  clear() {
    this.list.replaceChildren()
    this.shown.clear()
    this.waiting.clear()
  }

  /** @param {import('./bubbles.js').Line} line new or changed */
  show(line) {
    const item = this.shown.get(line.key) ?? this.append(line.key)
    item.className = `turn ${line.who} ${line.state}`
    const who = element('span', { className: 'who' }, line.who === 'caller' ? 'You' : 'Agent')
    const bar = item.querySelector('.latency')
    item.replaceChildren(who, words(line), ...(bar ? [bar] : []))
    if (line.turn !== null && !bar) this.waiting.set(line.turn, item)
    this.toTheEnd()
  }

  /** @param {Record<string, number | null>[]} turns of `GET /v1.0/calls/{id}/turns` */
  showLatencies(turns) {
    turns.forEach((turn, index) => {
      const item = this.waiting.get(index)
      const latency = latencyOf(turn)
      if (!item || !latency) return
      item.append(latencyBar(latency))
      this.waiting.delete(index)
    })
    this.toTheEnd()
  }

  toTheEnd() {
    this.list.scrollTop = this.list.scrollHeight
  }

  /** @param {string} key */
  append(key) {
    const item = element('li')
    this.shown.set(key, item)
    this.list.append(item)
    return item
  }
}

/** @param {import('./bubbles.js').Line} line */
function words(line) {
  const shown = element('span', { className: line.state === 'hearing' ? 'words interim' : 'words' })
  if (line.state === 'outside') shown.append('Something outside the phrases')
  else shown.append(line.text || (line.state === 'cut' ? '' : '…'))
  if (line.state !== 'cut') return shown
  shown.append(element('s', {}, line.unheard), element('span', { className: 'cut' }, ` ${cutNote(line.cutWord)}`))
  return shown
}

/** @param {string} word */
function cutNote(word) {
  return word ? `cut inside “${word}”` : 'cut here'
}
