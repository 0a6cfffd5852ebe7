/** The caller's voice: all lines are spoken into memory before the call begins. */

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

export interface VoiceQuestion {
  readonly texts: readonly string[]
  readonly voice: string
}

export type VoiceAnswer = readonly Int16Array<ArrayBuffer>[]

/** The synthesiser's voice that recognisers understand best. */
const VOICE = 'rms'
/** Sound after the last word, so that no line ends on its very last sample. */
const TAIL_SAMPLES = 400

/** @returns 16-bit mono at 8 kHz, one for each text, in order; rejects when the synthesiser fails */
export async function speakIntoMemory(texts: readonly string[]): Promise<readonly Int16Array[]> {
  const worker = new Worker(new URL('./voice-worker.ts', import.meta.url))
  try {
    worker.postMessage({ texts, voice: VOICE } satisfies VoiceQuestion)
    const [answer] = (await once(worker, 'message')) as [VoiceAnswer]
    return answer.map(withTail)
  } finally {
    await worker.terminate()
  }
}

function withTail(pcm: Int16Array): Int16Array {
  const out = new Int16Array(pcm.length + TAIL_SAMPLES)
  out.set(pcm)
  return out
}
