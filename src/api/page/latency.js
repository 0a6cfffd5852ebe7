/** Where the time of one turn went: from the caller's last sound to the agent's first. */

import { element } from './dom.js'

/** Each stage ends at its mark of the turn record; the first begins at `last_voiced_ms`. */
export const STAGES = [
  { name: 'detector', mark: 'detector_ms', label: 'silence noticed' },
  { name: 'end', mark: 'end_of_turn_ms', label: 'sure that you have finished' },
  { name: 'final', mark: 'final_ms', label: 'recognised' },
  { name: 'agent', mark: 'say_ms', label: 'the agent has answered' },
  { name: 'voice', mark: 'first_voice_ms', label: 'its voice is on the wire' },
]

/** A bar as wide as it can be is this long. */
const FULL_BAR_MS = 1_000

/**
 * @param {Record<string, number | null>} turn one entry of `GET /v1.0/calls/{id}/turns`
 * @returns {{ totalMs: number, stages: { name: string, label: string, ms: number }[] } | null} null while it is not over
 */
export function latencyOf(turn) {
  const marks = ['last_voiced_ms', ...STAGES.map(({ mark }) => mark)].map((name) => turn[name])
  if (marks.some((mark) => typeof mark !== 'number')) return null
  const times = /** @type {number[]} */ (marks)
  const stages = STAGES.map(({ name, label }, i) => ({ name, label, ms: Math.max(0, times[i + 1] - times[i]) }))
  return { totalMs: times[times.length - 1] - times[0], stages }
}

/** @param {NonNullable<ReturnType<typeof latencyOf>>} latency */
export function latencyBar(latency) {
  const bar = element('div', { className: 'bar' })
  const scale = 100 / Math.max(FULL_BAR_MS, latency.totalMs)
  for (const { name, label, ms } of latency.stages) {
    const stage = element('span', { className: `stage stage-${name}`, title: `${label}: ${Math.round(ms)} ms` })
    stage.style.width = `${ms * scale}%`
    bar.append(stage)
  }
  const told = latency.stages.map(({ label, ms }) => `${label} ${Math.round(ms)} ms`).join(', ')
  bar.setAttribute('role', 'img')
  bar.setAttribute('aria-label', told)
  return element('div', { className: 'latency' }, bar, `${Math.round(latency.totalMs)} ms`)
}

/** @param {HTMLElement} list a `dl` */
export function fillLegend(list) {
  for (const { name, label } of STAGES) {
    list.append(element('div', {}, element('dt', { className: `stage-${name}` }), element('dd', {}, label)))
  }
}
