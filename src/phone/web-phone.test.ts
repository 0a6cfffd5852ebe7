/** The gateway over a real WebSocket on loopback, with a phone made of promises and a clock moved by hand. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { WebSocket } from 'ws'
import { VirtualClock } from '../kernel/clock.ts'
import { SILENT } from '../kernel/log.ts'
import type { FrameInfo, PhoneCall, PhoneCallEnd, PhoneCallState } from './call.ts'
import { PhoneError } from './phone-error.ts'
import { type Line, WebPhones } from './web-phone.ts'

class FakeCall implements PhoneCall {
  readonly sipCallId = 'sip-1'
  state: PhoneCallState = 'calling'
  readonly #answer = Promise.withResolvers<void>()
  readonly #end = Promise.withResolvers<PhoneCallEnd>()
  readonly answered = this.#answer.promise
  readonly ended = this.#end.promise
  readonly spoken: Int16Array[] = []
  readonly pressed: string[] = []
  onFrame: PhoneCall['onFrame'] = null
  onDigit: PhoneCall['onDigit'] = null
  onNotified: PhoneCall['onNotified'] = null
  readonly replaces = ''
  /** False: what is spoken stays queued. */
  isFlowing = true

  get stats(): PhoneCall['stats'] {
    throw new Error('not asked for')
  }
  answerEarly(): void {}
  refer(): void {}
  pressByInfo(): void {}
  answer(): void {
    this.state = 'answered'
    this.#answer.resolve()
  }
  refuse(error: PhoneError): void {
    this.state = 'ended'
    this.#answer.reject(error)
  }
  reject(): void {}
  hangup(): void {
    this.state = 'ended'
    this.#end.resolve({ cause: 'local', code: 200 })
  }
  press(digit: string): void {
    this.pressed.push(digit)
  }
  speak(pcm8k: Int16Array): ReturnType<PhoneCall['speak']> {
    this.spoken.push(pcm8k)
    return this.isFlowing ? Promise.resolve({ firstAt: 0, lastAt: 0 }) : new Promise(() => {})
  }
  hear(pcm8k: Int16Array): void {
    this.onFrame?.(pcm8k, {} as FrameInfo)
  }
}

class World {
  readonly clock = new VirtualClock()
  readonly call = new FakeCall()
  readonly http = createServer()
  readonly opened: string[] = []
  linesOpen = 0
  readonly phones = new WebPhones({
    clock: this.clock,
    log: SILENT,
    openLine: async () => this.#openLine(),
    synthesise: async (text) => new Int16Array(text.length).fill(1_000),
  })

  static async open(t: TestContext): Promise<World> {
    const world = new World()
    world.http.on('upgrade', (request, socket, head) => {
      world.phones.accept(request, socket, head, { customerId: 'me' })
    })
    world.http.listen(0, '127.0.0.1')
    await once(world.http, 'listening')
    t.after(async () => {
      await world.phones.close()
      world.http.close()
    })
    return world
  }

  async client(): Promise<Client> {
    const socket = new WebSocket(`ws://127.0.0.1:${(this.http.address() as AddressInfo).port}/phone`)
    await once(socket, 'open')
    return new Client(socket)
  }

  #openLine(): Line {
    this.linesOpen++
    return {
      call: async (target) => {
        this.opened.push(target)
        return this.call
      },
      close: async () => {
        this.linesOpen--
      },
    }
  }
}

class Client {
  readonly socket: WebSocket
  readonly #told: (object | Buffer)[] = []
  #waiter: (() => void) | null = null

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data, isBinary) => {
      this.#told.push(isBinary ? (data as Buffer) : JSON.parse(String(data)))
      this.#waiter?.()
    })
  }
  ask(wish: object): void {
    this.socket.send(JSON.stringify(wish))
  }
  async next(): Promise<object | Buffer> {
    while (this.#told.length === 0) await new Promise<void>((told) => (this.#waiter = told))
    return this.#told.shift()!
  }
  /** Everything sent before this has been taken in. */
  async settle(): Promise<void> {
    this.ask({ type: 'nothing' })
    assert.deepEqual(await this.next(), { type: 'error', reason: 'not understood' })
  }
}

async function inCall(t: TestContext): Promise<{ world: World; client: Client }> {
  const world = await World.open(t)
  const client = await world.client()
  client.ask({ type: 'dial', to: '+899100000001' })
  assert.deepEqual(await client.next(), { type: 'ringing', sip_call_id: 'sip-1' })
  world.call.answer()
  assert.deepEqual(await client.next(), { type: 'answered', sip_call_id: 'sip-1' })
  return { world, client }
}

test('dials, is answered, presses keys, hangs up, and closes its line', async (t) => {
  const { world, client } = await inCall(t)
  assert.deepEqual(world.opened, ['+899100000001'])
  client.ask({ type: 'dtmf', digit: '5' })
  client.ask({ type: 'dtmf', digit: '55' })
  assert.deepEqual(await client.next(), { type: 'error', reason: 'not understood' })
  client.ask({ type: 'dial', to: '1' })
  assert.deepEqual(await client.next(), { type: 'error', reason: 'there is a call already' })
  client.ask({ type: 'hangup' })
  assert.deepEqual(await client.next(), { type: 'ended', sip_call_id: 'sip-1', cause: 'local', code: 200 })
  assert.deepEqual(world.call.pressed, ['5'])
  await client.settle()
  assert.equal(world.linesOpen, 0)
})

test('frames pass both ways, and frames of another size do not', async (t) => {
  const { world, client } = await inCall(t)
  world.call.hear(Int16Array.from({ length: 160 }, (_, i) => i - 80))
  const heard = await client.next()
  assert.ok(Buffer.isBuffer(heard) && heard.length === 320 && heard.readInt16LE(0) === -80)
  client.socket.send(heard)
  client.socket.send(Buffer.alloc(100))
  await client.settle()
  assert.equal(world.call.spoken.length, 1)
  assert.equal(world.call.spoken[0]![159], 79)
})

test('sound does not pile up: quiet frames go first', async (t) => {
  const { world, client } = await inCall(t)
  world.call.isFlowing = false
  for (let i = 0; i < 6; i++) client.socket.send(Buffer.alloc(320))
  await client.settle()
  assert.equal(world.call.spoken.length, 3)
  for (let i = 0; i < 20; i++) client.socket.send(Buffer.alloc(320, 0x40))
  await client.settle()
  assert.equal(world.call.spoken.length, 10)
})

test('a phrase is spoken into the call as the caller', async (t) => {
  const { world, client } = await inCall(t)
  client.ask({ type: 'speak', text: 'opening hours' })
  assert.deepEqual(await client.next(), { type: 'spoken', sip_call_id: 'sip-1' })
  assert.equal(world.call.spoken[0]!.length, 'opening hours'.length)
})

test('a refused call tells why, and the next one may be dialled', async (t) => {
  const world = await World.open(t)
  const client = await world.client()
  client.ask({ type: 'dial', to: '1' })
  await client.next()
  world.call.refuse(new PhoneError(486, 'Busy Here'))
  assert.deepEqual(await client.next(), { type: 'ended', sip_call_id: 'sip-1', cause: 'Busy Here', code: 486 })
  client.ask({ type: 'dial', to: 'not a number; drop it' })
  assert.deepEqual(await client.next(), { type: 'error', reason: 'not understood' })
})

test('a browser that goes away hangs up', async (t) => {
  const { world, client } = await inCall(t)
  client.socket.terminate()
  assert.equal((await world.call.ended).cause, 'local')
  assert.equal(world.call.state, 'ended')
})

test('an idle socket is closed after a minute, one with a call is not', async (t) => {
  const { world, client } = await inCall(t)
  const idle = await world.client()
  world.clock.advanceTo(world.clock.now() + 61_000)
  await once(idle.socket, 'close')
  await client.settle()
})

test('the twenty-first socket is refused', async (t) => {
  const world = await World.open(t)
  for (let i = 0; i < 20; i++) await world.client()
  const late = new WebSocket(`ws://127.0.0.1:${(world.http.address() as AddressInfo).port}/phone`)
  const [error] = await once(late, 'error')
  assert.match(String(error), /503/)
})
