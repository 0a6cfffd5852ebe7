/** The threads of a node: started once, asked for at the start, and looked at by whoever asks whether we are ready. */

import type { WebhookCommand, WebhookThreadEvent } from './api/webhook-thread-protocol.ts'
import type { Config } from './config.ts'
import { WorkerChannel } from './drivers/worker-channel.ts'
import type { Log } from './kernel/log.ts'
import type { MediaCommand, MediaEvent } from './media/protocol.ts'
import type { ListenCommand, ListenEvent, TalkCommand, TalkEvent } from './speech/protocol.ts'

export interface Threads {
  readonly bell: SharedArrayBuffer
  readonly media: readonly WorkerChannel<MediaCommand, MediaEvent>[]
  readonly listen: WorkerChannel<ListenCommand, ListenEvent>
  readonly talk: WorkerChannel<TalkCommand, TalkEvent>
  readonly webhooks: WorkerChannel<WebhookCommand, WebhookThreadEvent>
}

export function startThreads(config: Config, phrases: readonly string[], log: Log): Threads {
  const bell = new SharedArrayBuffer(64)
  const entry = (name: string): URL => new URL(`./workers/${name}.ts`, import.meta.url)
  return {
    bell,
    media: Array.from(
      { length: config.mediaThreads },
      (_, n) =>
        new WorkerChannel({
          name: n === 0 ? 'media' : `media ${n + 1}`,
          url: entry('media'),
          workerData: { bell, rtpIo: config.rtpIo },
          log,
        }),
    ),
    listen: new WorkerChannel({
      name: 'listen',
      url: entry('listen'),
      workerData: { bell, decoders: config.decoders, phrases, pool: config.recognisers },
      log,
    }),
    talk: new WorkerChannel({ name: 'talk', url: entry('talk'), workerData: {}, log }),
    webhooks: new WorkerChannel({
      name: 'webhooks',
      url: entry('webhooks'),
      workerData: { blockPrivate: config.webhookBlockPrivate },
      log,
    }),
  }
}

export async function threadsReady(threads: Threads): Promise<void> {
  const all = [...threads.media, threads.listen, threads.talk, threads.webhooks]
  await Promise.all(all.map(({ ready }) => ready))
}

export function readiness(threads: Threads): { ready: boolean; why: string } {
  const missing = (['listen', 'talk'] as const).filter((name) => !threads[name].isReady) as string[]
  // Calls can be taken while one media thread lives.
  if (!threads.media.some(({ isReady }) => isReady)) missing.unshift('media')
  return missing.length === 0
    ? { ready: true, why: '' }
    : { ready: false, why: `the ${missing.join(' and ')} thread is being restarted` }
}
