/** The thread that speaks the caller's lines into memory, so that synthesis cannot disturb anybody's packets. */

import { parentPort } from 'node:worker_threads'
import { FliteSynthesiser } from '../../speech/providers/flite/synthesiser.ts'
import { RECORDING_RATE_HZ } from './recording.ts'
import type { VoiceAnswer, VoiceQuestion } from './voice.ts'

const port = parentPort
if (!port) throw new Error('this file is a worker')

const synthesiser = new FliteSynthesiser()

port.once('message', ({ texts, voice }: VoiceQuestion) => {
  const answer: VoiceAnswer = texts.map((text) => synthesiser.render(text, voice, RECORDING_RATE_HZ).samples.slice())
  port.postMessage(
    answer,
    answer.map(({ buffer }) => buffer),
  )
  port.close()
})
