import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { WebhookPoster } from './webhook-poster.ts'
import { ThreadTransport, type WebhookChannel } from './webhook-thread.ts'
import type { WebhookCommand, WebhookThreadEvent } from './webhook-thread-protocol.ts'
import type { WebhookRequest, WebhookTransport } from './webhook-transport.ts'

/** What the thread would send with: answers when the test says so. */
class Wire implements WebhookTransport {
  readonly requests: WebhookRequest[] = []
  readonly answers: PromiseWithResolvers<{ readonly status: number }>[] = []

  post(request: WebhookRequest): Promise<{ readonly status: number }> {
    const answer = Promise.withResolvers<{ readonly status: number }>()
    request.signal.addEventListener('abort', () => answer.reject(new DOMException('ended', 'AbortError')))
    this.requests.push(request)
    this.answers.push(answer)
    return answer.promise
  }

  async close(): Promise<void> {}
}

/** The thread without a thread: what is said is copied, as between threads. */
class Thread implements WebhookChannel {
  onEvents: (events: readonly WebhookThreadEvent[]) => void = () => {}
  onLost: () => void = () => {}
  readonly said: WebhookCommand[] = []
  readonly wire = new Wire()
  #poster = this.#newPoster()

  post(command: WebhookCommand): void {
    const copy = structuredClone(command)
    this.said.push(copy)
    if (copy.kind !== 'shutDown') this.#poster.obey(copy)
  }

  start(): void {
    this.onEvents([{ kind: 'ready' }])
  }

  die(): void {
    this.#poster = this.#newPoster()
    this.onLost()
  }

  async close(): Promise<void> {}

  #newPoster(): WebhookPoster {
    const poster: WebhookPoster = new WebhookPoster(this.wire, (events) => {
      if (poster === this.#poster) this.onEvents(structuredClone(events))
    })
    return poster
  }
}

function setUp() {
  const thread = new Thread()
  const transport = new ThreadTransport(thread)
  const post = (n: number, signal = new AbortController().signal): Promise<number | string> =>
    transport
      .post({
        method: 'POST',
        url: `http://x/${n}`,
        eventId: `${n}`,
        attempt: 1,
        body: '{}',
        secret: 's',
        now: 1e15,
        signal,
      })
      .then(
        ({ status }) => status,
        ({ code, name }: Error & { code?: unknown }) => (typeof code === 'string' ? code : name),
      )
  const sent = (): string[] => thread.wire.requests.map(({ eventId }) => eventId)
  return { thread, transport, post, sent }
}

describe('webhooks in a thread of their own', () => {
  test('what is asked in one turn goes in one message, in order, and each gets its own answer', async () => {
    const { thread, post, sent } = setUp()
    thread.start()
    const answers = [post(1), post(2), post(3)]
    await setImmediate()
    assert.deepEqual(
      thread.said.map((command) => command.kind === 'post' && command.requests.length),
      [3],
    )
    assert.deepEqual(sent(), ['1', '2', '3'])
    thread.wire.answers[1]!.resolve({ status: 200 })
    thread.wire.answers[0]!.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))
    thread.wire.answers[2]!.resolve({ status: 500 })
    assert.deepEqual(await Promise.all(answers), ['ECONNREFUSED', 200, 500])
  })

  test('an attempt that is ended ends there too, and at once here', async () => {
    const { thread, post } = setUp()
    thread.start()
    const abort = new AbortController()
    const answer = post(1, abort.signal)
    await setImmediate()
    abort.abort()
    assert.equal(await answer, 'AbortError')
    await setImmediate()
    assert.equal(thread.wire.requests[0]!.signal.aborted, true)
  })

  test('one that is ended before it went over never goes', async () => {
    const { thread, post, sent } = setUp()
    const abort = new AbortController()
    const answers = [post(1, abort.signal), post(2), post(3, AbortSignal.abort())]
    abort.abort()
    thread.start()
    await setImmediate()
    assert.deepEqual(sent(), ['2'])
    assert.equal(await answers[0], 'AbortError')
    assert.equal(await answers[2], 'AbortError')
  })

  test('when the thread dies what it was sending has failed, and what comes waits until it is back', async () => {
    const { thread, post, sent } = setUp()
    thread.start()
    const before = [post(1), post(2)]
    await setImmediate()
    thread.wire.answers[0]!.resolve({ status: 200 })
    assert.equal(await before[0], 200)
    thread.die()
    assert.equal(await before[1], 'THREAD_LOST')
    const after = [post(3), post(4)]
    await setImmediate()
    assert.deepEqual(sent(), ['1', '2'])
    thread.start()
    assert.deepEqual(sent(), ['1', '2', '3', '4'])
    for (const answer of thread.wire.answers.slice(2)) answer.resolve({ status: 204 })
    assert.deepEqual(await Promise.all(after), [204, 204])
  })

  test('closing fails what is under way', async () => {
    const { thread, transport, post } = setUp()
    thread.start()
    const answer = post(1)
    await setImmediate()
    await transport.close()
    assert.equal(await answer, 'THREAD_LOST')
  })
})
