/** Joins the parts of the page. */

import { ask, forgetToken, keepToken, takeToken } from './account.js'
import { Call } from './call.js'
import { Chips, validNow } from './chips.js'
import { byId, element } from './dom.js'
import { followEvents } from './events.js'
import { fillLegend } from './latency.js'
import { pythonAgent, typescriptAgent } from './snippets.js'
import { Loudspeaker, mayUseMicrophone } from './sound.js'
import { TalkView } from './talk.js'

const KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#']
const CHIPS_EVERY_MS = 250

const MICROPHONE_NOTES = {
  ask: 'Your browser will ask for permission when you call. Your voice goes to this server and nowhere else.',
  refused:
    'The microphone was refused, so the phrases are spoken for you. Allow it in the address bar to use your voice.',
  impossible:
    'A browser allows a microphone only over https or on this very machine. Here the phrases are spoken for you.',
  chips: 'A synthetic voice says the phrase you click, as if it were the caller.',
}

const token = takeToken()
if (token) open(token)
else signIn('')

/** @param {string} problem */
function signIn(problem) {
  byId('sign-in').hidden = false
  byId('sign-in-error').textContent = problem
  byId('sign-in-form').onsubmit = (/** @type {Event} */ event) => {
    event.preventDefault()
    keepToken(byId('key').value.trim())
    location.reload()
  }
}

/** @param {string} key */
async function open(key) {
  try {
    const [customer, settings] = await Promise.all([ask(key, '/customer'), pageSettings()])
    byId('studio').hidden = false
    showCode(customer.id)
    showCall(key, customer.id, settings)
  } catch (error) {
    if (/** @type {any} */ (error).status === 401) {
      forgetToken()
      signIn('This key is not valid any more. Restart the server, or paste an access key.')
    } else signIn(`The server could not be asked: ${/** @type {Error} */ (error).message}`)
  }
}

/** @returns {Promise<{ demo_number: string, guide: import('./chips.js').Guide }>} */
async function pageSettings() {
  return await (await fetch('/page/settings.json')).json()
}

/**
 * @param {string} key
 * @param {string} customerId
 * @param {{ demo_number: string, guide: import('./chips.js').Guide }} settings
 */
function showCall(key, customerId, settings) {
  const talk = new TalkView(byId('talk'))
  const button = byId('call')
  const call = new Call(key, {
    onState(state, status) {
      button.textContent = state === 'idle' ? 'Call the demo agent' : 'Hang up'
      button.classList.toggle('in-call', state !== 'idle')
      byId('status').textContent = status
      byId('level').hidden = state === 'idle' || !byId('use-microphone').checked
      if (state === 'calling' && call.sipCallId === '') talk.clear()
      refreshChips()
    },
    onLine(line) {
      byId('talk-empty').hidden = true
      talk.show(line)
      refreshChips()
    },
    onTurns(turns) {
      byId('legend').hidden = false
      talk.showLatencies(turns)
    },
    onLevel(level) {
      byId('level').value = level
    },
    onMicrophoneRefused: () => useChips(MICROPHONE_NOTES.refused),
  })
  const chips = new Chips(byId('chips'), (phrase) => call.speak(phrase))
  const refreshChips = () =>
    chips.show(validNow(settings.guide, call.talk.lastOfAgent, call.isAgentSpeaking), call.state === 'up')

  button.onclick = () => {
    if (call.state === 'idle') void call.start(settings.demo_number, byId('use-microphone').checked)
    else call.hangup()
  }
  button.disabled = settings.demo_number === ''
  if (button.disabled) byId('status').textContent = 'No demo agent runs on this server.'
  fillLegend(byId('legend'))
  byId('talk').tabIndex = 0 // it scrolls, so the keyboard has to reach it
  chooseVoice()
  showKeypad(call)
  refreshChips()
  setInterval(refreshChips, CHIPS_EVERY_MS)
  followEvents(key, customerId, (type, data) => call.event(type, data))
}

function chooseVoice() {
  const microphone = byId('use-microphone')
  microphone.onchange = () => noteVoice(MICROPHONE_NOTES.ask)
  byId('use-chips').onchange = () => noteVoice(MICROPHONE_NOTES.chips)
  if (mayUseMicrophone()) {
    microphone.checked = true
    noteVoice(MICROPHONE_NOTES.ask)
    return
  }
  microphone.disabled = true
  useChips(MICROPHONE_NOTES.impossible)
}

/** @param {string} note */
function useChips(note) {
  byId('use-chips').checked = true
  byId('level').hidden = true
  noteVoice(note)
}

/** @param {string} note */
function noteVoice(note) {
  byId('microphone-note').textContent = note
}

/** @param {Call} call */
function showKeypad(call) {
  for (const digit of KEYS) {
    byId('keypad').append(element('button', { type: 'button', onclick: () => call.press(digit) }, digit))
  }
  addEventListener('keydown', (event) => {
    const isTyping = event.target instanceof HTMLInputElement && event.target.type !== 'radio'
    if (call.state === 'up' && !isTyping && !event.ctrlKey && !event.metaKey && KEYS.includes(event.key))
      call.press(event.key)
  })
  byId('tone').onclick = async () => {
    const speaker = await Loudspeaker.open()
    speaker.tone()
    setTimeout(() => speaker.close(), 1_500)
  }
}

/** @param {string} customerId */
function showCode(customerId) {
  const api = `${location.origin}/v1.0`
  const texts = { 'tab-typescript': typescriptAgent(api, customerId), 'tab-python': pythonAgent(api, customerId) }
  const tabs = Object.keys(texts).map(byId)
  const choose = (/** @type {HTMLElement} */ chosen) => {
    for (const tab of tabs) {
      tab.setAttribute('aria-selected', String(tab === chosen))
      tab.tabIndex = tab === chosen ? 0 : -1
    }
    byId('code').setAttribute('aria-labelledby', chosen.id)
    byId('code-text').textContent = texts[/** @type {keyof typeof texts} */ (chosen.id)]
  }
  tabs.forEach((tab, index) => {
    tab.onclick = () => choose(tab)
    tab.onkeydown = (/** @type {KeyboardEvent} */ { key }) => {
      if (key !== 'ArrowLeft' && key !== 'ArrowRight') return
      const other = tabs[(index + 1) % tabs.length]
      choose(other)
      other.focus()
    }
  })
  byId('code').tabIndex = 0
  choose(tabs[0])
  showCopy()
}

function showCopy() {
  const button = byId('copy')
  button.hidden = !navigator.clipboard
  button.onclick = async () => {
    await navigator.clipboard.writeText(byId('code-text').textContent)
    button.textContent = 'Copied'
    setTimeout(() => {
      button.textContent = 'Copy'
    }, 1_500)
  }
}
