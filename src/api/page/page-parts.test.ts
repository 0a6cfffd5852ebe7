/** The parts of the page that need no browser. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { GREETING, QUESTION, SHALL_I_GO_ON } from '../../demo/agent/lines.ts'
import { PHRASE_GUIDE } from '../../demo/agent/phrase-guide.ts'

/** Plain JavaScript without declarations: the checker knows nothing about it. */
// biome-ignore lint/suspicious/noExplicitAny: see above
const load = async (name: string): Promise<any> => await import(new URL(name, import.meta.url).href)

const { Talk } = await load('bubbles.js')
const { latencyOf } = await load('latency.js')
const { validNow } = await load('chips.js')
const { Resampler } = await load('resampler.js')
const { PlaybackQueue } = await load('playback-queue.js')
const { typescriptAgent, pythonAgent } = await load('snippets.js')

describe('the lines of a call', () => {
  test('an utterance grows, ends, and gets its final text', () => {
    const talk = new Talk()
    talk.take('transcribe_speech_started', {})
    talk.take('transcribe_speech_interim', { message: 'opening' })
    assert.equal(talk.lines[0].text, 'opening')
    talk.take('transcribe_speech_ended', { recognised: true })
    talk.take('transcript_created', { direction: 'in', message: 'opening hours' })
    assert.equal(talk.lines.length, 1)
    assert.deepEqual([talk.lines[0].state, talk.lines[0].text, talk.lines[0].turn], ['heard', 'opening hours', 0])
  })

  test('speech outside the phrases is a line without text, and a turn', () => {
    const talk = new Talk()
    talk.take('transcribe_speech_started', {})
    talk.take('transcribe_speech_interim', { message: 'open' })
    talk.take('transcribe_speech_ended', { recognised: false })
    assert.deepEqual([talk.lines[0].state, talk.lines[0].text, talk.lines[0].turn], ['outside', '', 0])
  })

  test('what was cut keeps what was heard apart from what was not', () => {
    const talk = new Talk()
    talk.take('speaking_say_started', { id: 's', text: 'One, two, three.' })
    talk.take('speaking_say_interrupted', {
      id: 's',
      text_heard: 'One',
      text_unheard: ', two, three.',
      cut_word: 'two',
    })
    assert.equal(talk.lines.length, 1)
    assert.deepEqual(
      [talk.lines[0].text, talk.lines[0].unheard, talk.lines[0].cutWord],
      ['One', ', two, three.', 'two'],
    )
    assert.equal(talk.lastOfAgent, 'One, two, three.')
  })

  test('our own transcripts and other events change nothing', () => {
    const talk = new Talk()
    assert.equal(talk.take('transcript_created', { direction: 'out', message: 'x' }), null)
    assert.equal(talk.take('call_updated', {}), null)
    assert.equal(talk.lines.length, 0)
  })
})

test('a latency is there when the first voice has left, and its stages add up', () => {
  const turn = {
    last_voiced_ms: 1000,
    detector_ms: 1090,
    end_of_turn_ms: 1300,
    final_ms: 1302,
    say_ms: 1320,
    first_voice_ms: 1410,
  }
  const latency = latencyOf(turn)
  assert.equal(latency.totalMs, 410)
  assert.equal(
    latency.stages.reduce((sum: number, stage: { ms: number }) => sum + stage.ms, 0),
    410,
  )
  assert.equal(latencyOf({ ...turn, first_voice_ms: null }), null)
})

test('the chips follow the line of the agent', () => {
  const guide = PHRASE_GUIDE
  assert.equal(validNow(guide, '', false)[0], 'opening hours')
  assert.equal(validNow(guide, GREETING, true)[0], 'stop')
  assert.deepEqual(validNow(guide, `With pleasure. ${QUESTION.day}`, false).slice(0, 2), ['on monday', 'on tuesday'])
  assert.equal(validNow(guide, `You stopped me. ${SHALL_I_GO_ON}`, false)[0], 'go on')
})

describe('the resampler', () => {
  /** Level in dB of a tone of `hz` after the change of rate, against before. */
  const passed = (from: number, to: number, hz: number): number => {
    const resampler = new Resampler(from, to)
    const heard: number[] = []
    for (let at = 0; at < from; at += 128) {
      heard.push(
        ...resampler.process(
          Float32Array.from({ length: 128 }, (_, i) => Math.sin((2 * Math.PI * hz * (at + i)) / from)),
        ),
      )
    }
    const settled = heard.slice(to / 10)
    const power = settled.reduce((sum, sample) => sum + sample * sample, 0) / settled.length
    assert.ok(Math.abs(heard.length - to) < to / 50, `${heard.length} samples of ${to}`)
    return 10 * Math.log10(2 * power + 1e-12)
  }

  for (const rate of [44_100, 48_000]) {
    test(`keeps the telephone band and nothing above it, at ${rate} Hz`, () => {
      for (const hz of [300, 1_000, 3_000]) assert.ok(Math.abs(passed(rate, 8_000, hz)) < 0.5, `${hz} Hz in`)
      for (const hz of [300, 1_000, 3_000]) assert.ok(Math.abs(passed(8_000, rate, hz)) < 0.5, `${hz} Hz out`)
      for (const hz of [4_500, 6_000, 7_500]) assert.ok(passed(rate, 8_000, hz) < -45, `${hz} Hz folds back`)
    })
  }
})

describe('the playback queue', () => {
  const frame = new Int16Array(160).fill(8_192)
  const loudest = (queue: { pull(out: Float32Array): void }, samples: number) => {
    const out = new Float32Array(samples)
    queue.pull(out)
    return Math.max(...out)
  }

  test('waits for a little sound, plays it, and waits longer after it ran dry', () => {
    const queue = new PlaybackQueue(48_000)
    for (let i = 0; i < 2; i++) queue.push(frame)
    assert.equal(loudest(queue, 128), 0)
    for (let i = 0; i < 3; i++) queue.push(frame)
    assert.ok(loudest(queue, 960) > 0.2)
    loudest(queue, 10_000)
    assert.equal(queue.isPlaying, false)
    assert.equal(queue.depthMs, 80)
  })

  test('does not let sound pile up behind a stall', () => {
    const queue = new PlaybackQueue(48_000)
    for (let i = 0; i < 100; i++) queue.push(frame)
    assert.ok(queue.waiting <= 260 * 48, `${queue.waiting / 48} ms`)
  })
})

test('the code beside the page names the reader’s own server and customer, and is short', () => {
  for (const code of [typescriptAgent('http://h:1/v1.0', 'me'), pythonAgent('http://h:1/v1.0', 'me')]) {
    assert.match(code, /http:\/\/h:1\/v1\.0/)
    assert.match(code, /customer_id:me/)
    assert.ok(code.split('\n').length < 40)
  }
})
