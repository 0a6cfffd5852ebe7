import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Caller, overTheLine, speechLevel } from '../../../tests/corpus/caller.ts'
import { ListeningLine } from '../../../tests/corpus/listening-line.ts'
import { SeededRandom } from '../../kernel/random.ts'
import { DEFAULT_PHRASES, PhraseList } from '../phrases.ts'
import type { ListenEvent } from '../protocol.ts'
import { loadNetwork, SileroDetector } from '../providers/silero/detector.ts'
import { PhraseRecogniserPool } from '../providers/soundswallower/pool.ts'

const SEED = '11'
const random = new SeededRandom(SEED)
const caller = new Caller()
const network = loadNetwork()
const pool = await PhraseRecogniserPool.open(1)
const PAUSE = new Int16Array(6400)

type Heard = Extract<ListenEvent, { kind: 'heard' }>

function listen(phrases: readonly string[] = DEFAULT_PHRASES): ListeningLine {
  const line = new ListeningLine({ detector: () => new SileroDetector(network), pool, phrases })
  line.play(overTheLine(PAUSE, 0, random))
  return line
}

function say(line: ListeningLine, sentence: string, noiseLevel = 0): Heard[] {
  line.take()
  line.play(overTheLine(caller.say(sentence, 'rms'), noiseLevel, random))
  line.play(overTheLine(PAUSE, noiseLevel, random))
  return line.take().filter((event): event is Heard => event.kind === 'heard')
}

test(`sentences come back exactly, over a mu-law line (seed ${SEED})`, () => {
  const line = listen()
  for (const sentence of [
    'what are your opening hours',
    'book a table',
    'half past seven',
    'stop',
    'for four people',
    'hi this is a test of the transcription feature',
  ]) {
    const heard = say(line, sentence)
    assert.deepEqual(
      heard.map(({ text }) => text),
      [sentence],
    )
    const { endOfTurnAt, finalAt, lastVoicedAt } = heard[0]!.marks
    assert.ok(endOfTurnAt - lastVoicedAt <= 500, `${sentence}: ${endOfTurnAt - lastVoicedAt} ms to the end of turn`)
    assert.equal(finalAt, endOfTurnAt)
  }
})

test('a sentence outside the phrases is rejected', () => {
  const line = listen()
  for (const sentence of ['can you recommend a hotel', 'he plays guitar in a band']) {
    assert.deepEqual(
      say(line, sentence).map(({ text, rejected }) => [text, rejected]),
      [['', true]],
    )
  }
})

test('noise 20 dB below the voice does not hide a sentence', () => {
  const line = listen()
  const level = speechLevel(caller.say('i need help with my account', 'rms')) / 10
  line.play(overTheLine(PAUSE, level, random))
  assert.equal(say(line, 'i need help with my account', level)[0]?.text, 'i need help with my account')
})

test('what is reported is what the user wrote', () => {
  assert.equal(say(listen(['Book a table, please!', 'No, thank you.']), 'no thank you')[0]?.text, 'No, thank you.')
})

test('with no phrase that can be read, everything is outside', () => {
  const line = listen(['안녕하세요'])
  assert.deepEqual(pool.unknownWords(new PhraseList(['안녕하세요'])), ['안녕하세요'.normalize('NFKD')])
  assert.deepEqual(
    say(line, 'stop').map(({ text, rejected }) => [text, rejected]),
    [['', true]],
  )
})

test('an utterance leaves nothing behind for the next', () => {
  const once = say(listen(), 'talk to a person')
  const line = listen()
  for (const sentence of ['goodbye', 'the meeting was very boring']) say(line, sentence, 300)
  const again = say(line, 'talk to a person')
  assert.deepEqual([again[0]?.text, again[0]?.rejected], [once[0]?.text, once[0]?.rejected])
})
