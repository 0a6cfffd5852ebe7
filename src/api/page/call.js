/**
 * One call from this page: the phone's socket, the loudspeaker, perhaps the microphone, and what the API tells about it.
 * The page's own events are matched to the call by its SIP Call-ID, which both sides know.
 */

import { ask } from './account.js'
import { Talk } from './bubbles.js'
import { Phone } from './phone.js'
import { Loudspeaker, loudness, Microphone } from './sound.js'

/** The record of a turn is complete when the answer's first sound has left. */
const LATENCY_DELAY_MS = 600

/**
 * @typedef {object} CallView
 * @property {(state: 'idle' | 'calling' | 'up', status: string) => void} onState
 * @property {(line: import('./bubbles.js').Line) => void} onLine
 * @property {(turns: any[]) => void} onTurns
 * @property {(level: number) => void} onLevel
 * @property {() => void} onMicrophoneRefused
 */

export class Call {
  /**
   * @param {string} token
   * @param {CallView} view
   */
  constructor(token, view) {
    this.token = token
    this.view = view
    this.talk = new Talk()
    /** @type {'idle' | 'calling' | 'up'} */
    this.state = 'idle'
    /** @type {Phone | null} */
    this.phone = null
    /** @type {Loudspeaker | null} */
    this.speaker = null
    /** @type {Microphone | null} */
    this.microphone = null
    this.sipCallId = ''
    this.callId = ''
    this.transcribeId = ''
    /** @type {Map<string, string>} ids of calls by SIP Call-ID: an event may come before the phone's own word */
    this.seen = new Map()
    this.latencyTimer = 0
  }

  /**
   * @param {string} number
   * @param {boolean} withMicrophone
   */
  async start(number, withMicrophone) {
    if (this.state !== 'idle') return
    this.talk = new Talk()
    this.sipCallId = this.callId = this.transcribeId = ''
    this.enter('calling', 'Calling …')
    try {
      this.speaker = await Loudspeaker.open()
      if (withMicrophone) await this.openMicrophone()
      this.phone = await Phone.open(this.token, {
        onMessage: (message) => this.told(message),
        onFrame: (pcm8k) => this.speaker?.play(pcm8k),
        onGone: () => this.over('The call ended.'),
      })
      this.phone.ask({ type: 'dial', to: number })
    } catch (error) {
      this.over(error instanceof Error ? error.message : String(error))
    }
  }

  hangup() {
    this.phone?.ask({ type: 'hangup' })
    if (!this.phone) this.over('The call ended.')
  }

  /** @param {string} text */
  speak(text) {
    this.phone?.ask({ type: 'speak', text })
  }

  /** @param {string} digit */
  press(digit) {
    this.phone?.ask({ type: 'dtmf', digit })
  }

  get isAgentSpeaking() {
    return this.speaker?.isVoiced ?? false
  }

  async openMicrophone() {
    try {
      this.microphone = await Microphone.open((pcm8k) => {
        this.view.onLevel(loudness(pcm8k))
        this.phone?.sendFrame(pcm8k)
      })
    } catch {
      this.view.onMicrophoneRefused()
    }
  }

  /** @param {any} message of the phone */
  told(message) {
    if (message.sip_call_id) this.sipCallId = message.sip_call_id
    this.callId ||= this.seen.get(this.sipCallId) ?? ''
    if (message.type === 'ringing') this.enter('calling', 'Ringing …')
    if (message.type === 'answered') this.enter('up', 'In a call.')
    if (message.type === 'ended') this.over(endedWords(message))
    if (message.type === 'error') this.failed(String(message.reason))
  }

  /** @param {string} reason */
  failed(reason) {
    if (this.state === 'up') this.view.onState('up', `That did not work: ${reason}.`)
    else this.over(`The call failed: ${reason}.`)
  }

  /**
   * An event of the API, about any call of this customer.
   * @param {string} type
   * @param {any} data
   */
  event(type, data) {
    if (type.startsWith('call_')) return this.callEvent(data)
    if (!this.callId || !this.isMine(data)) return
    if (type === 'transcribe_created') this.transcribeId ||= data.id
    const line = this.talk.take(type, data)
    if (!line) return
    this.view.onLine(line)
    if (line.state !== 'hearing') this.readLatencies()
  }

  /** @param {any} data */
  callEvent(data) {
    const sipCallId = data.metadata?.sip_call_id
    if (!sipCallId) return
    this.seen.set(sipCallId, data.id)
    if (sipCallId === this.sipCallId) this.callId = data.id
  }

  /** @param {any} data */
  isMine(data) {
    return data.reference_id === this.callId || (Boolean(this.transcribeId) && data.transcribe_id === this.transcribeId)
  }

  readLatencies() {
    clearTimeout(this.latencyTimer)
    const { callId } = this
    this.latencyTimer = setTimeout(async () => {
      const record = await ask(this.token, `/calls/${callId}/turns`).catch(() => null)
      if (record && callId === this.callId) this.view.onTurns(record.result)
    }, LATENCY_DELAY_MS)
  }

  /**
   * @param {'idle' | 'calling' | 'up'} state
   * @param {string} status
   */
  enter(state, status) {
    this.state = state
    this.view.onState(state, status)
  }

  /** @param {string} why */
  over(why) {
    if (this.state === 'idle') return
    this.phone?.close()
    this.speaker?.close()
    this.microphone?.close()
    this.phone = this.speaker = this.microphone = null
    this.enter('idle', why)
  }
}

/** @param {{ cause: string, code: number }} end */
function endedWords({ cause, code }) {
  if (cause === 'local') return 'You hung up.'
  if (cause === 'remote') return 'The agent hung up.'
  return `The call ended: ${cause} (${code}).`
}
