/** What was said in one call, line by line, from the events of the API. No DOM in here. */

/**
 * @typedef {object} Line
 * @property {string} key
 * @property {'caller' | 'agent'} who
 * @property {'hearing' | 'heard' | 'outside' | 'speaking' | 'said' | 'cut'} state
 * @property {string} text what was heard, on either side
 * @property {string} unheard what the agent wanted to say after that
 * @property {string} cutWord the word that was cut in two, '' when none was
 * @property {number | null} turn place of the caller's utterance in the call's turn record
 */

export class Talk {
  constructor() {
    /** @type {Line[]} */
    this.lines = []
    this.turns = 0
  }

  /**
   * @param {string} type of an event of this call
   * @param {any} data
   * @returns {Line | null} the line that is new or has changed
   */
  take(type, data) {
    switch (type) {
      case 'transcribe_speech_started':
        return this.caller({})
      case 'transcribe_speech_interim':
        return this.caller({ text: data.message })
      case 'transcribe_speech_ended':
        return this.utteranceEnded(data.recognised)
      case 'transcript_created':
        return data.direction === 'in' ? this.transcript(data.message) : null
      case 'speaking_say_started':
        return this.agent(data, { state: 'speaking', text: data.text })
      case 'speaking_say_finished':
        return this.agent(data, { state: 'said', text: data.text })
      case 'speaking_say_interrupted':
        return this.agent(data, {
          state: 'cut',
          text: data.text_heard,
          unheard: data.text_unheard,
          cutWord: data.cut_word ?? '',
        })
      default:
        return null
    }
  }

  /** The agent's last line as it was meant, '' before it said anything. */
  get lastOfAgent() {
    const line = this.lines.findLast(({ who }) => who === 'agent')
    return line ? line.text + line.unheard : ''
  }

  /** @param {Partial<Line>} change to the utterance being heard, or to a new one */
  caller(change) {
    const open = this.lines.findLast(({ state }) => state === 'hearing')
    if (open) return Object.assign(open, change)
    return this.add({ who: 'caller', state: 'hearing', ...change })
  }

  /** @param {boolean | undefined} recognised */
  utteranceEnded(recognised) {
    const turn = this.turns++
    return recognised === false
      ? this.caller({ state: 'outside', text: '', turn })
      : this.caller({ state: 'heard', turn })
  }

  /** The final text comes after the end of its utterance. @param {string} text */
  transcript(text) {
    const last = this.lines.findLast(({ who }) => who === 'caller')
    if (last?.state === 'heard') return Object.assign(last, { text })
    return this.add({ who: 'caller', state: 'heard', text })
  }

  /**
   * @param {{ id: string }} say
   * @param {Partial<Line>} change
   */
  agent(say, change) {
    const known = this.lines.find(({ key }) => key === say.id)
    return known ? Object.assign(known, change) : this.add({ key: say.id, who: 'agent', ...change })
  }

  /** @param {Partial<Line>} line @returns {Line} */
  add(line) {
    const key = `line-${this.lines.length}`
    const made = { key, who: 'agent', state: 'said', text: '', unheard: '', cutWord: '', turn: null, ...line }
    this.lines.push(/** @type {Line} */ (made))
    return /** @type {Line} */ (made)
  }
}
