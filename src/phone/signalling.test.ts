/** The phone against a bare SIP core: registration, and what a server may do to a call that phones do not. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../kernel/clock.ts'
import { SeededRandom } from '../kernel/random.ts'
import { MemoryNetwork } from '../net/memory.ts'
import type { DatagramSocket } from '../net/port.ts'
import { makeOffer, readAnswer } from '../sdp/negotiate.ts'
import { createSipCore } from '../sip/core.ts'
import type { Flow, SipInput, SipOutput } from '../sip/types.ts'
import { Phone, type PhoneCall } from './user-agent.ts'

const ACCOUNT = { username: 'alice', password: 'secret', identity: 'alice' }
const MEDIA = { address: 'server', sessionId: '7', codecs: ['PCMU'], direction: 'sendrecv' } as const

class Server {
  readonly clock = new VirtualClock()
  readonly network = new MemoryNetwork(this.clock, new SeededRandom('server'))
  readonly told: SipOutput[] = []
  readonly #core = createSipCore({
    contactFor: () => ({ address: 'server', port: 5060 }),
    userAgent: 'test',
    seed: 'server',
    nonceKey: new Uint8Array(32).fill(1),
    nonceLifeMs: 60_000,
  })
  #socket!: DatagramSocket

  static async open(): Promise<Server> {
    const server = new Server()
    server.#socket = await server.network.bind({ address: 'server', port: 5060 }, (bytes, from) => {
      server.feed({ kind: 'received', flow: server.flowTo(from), bytes })
    })
    return server
  }

  flowTo(remote: Flow['remote']): Flow {
    return { transport: 'udp', local: this.#socket.local, remote, connection: '' }
  }

  feed(input: SipInput): void {
    for (const output of this.#core.handle(input, this.clock.now())) {
      this.told.push(output)
      if (output.kind === 'send') this.#socket.send(output.bytes, output.flow.remote)
      if (output.kind === 'setTimer') this.clock.schedule(output.at, () => this.feed({ kind: 'timer', id: output.id }))
      if (output.kind === 'authorise') {
        const policy = {
          kind: 'digest',
          realm: 'server',
          account: output.authUser === 'alice' ? ACCOUNT : null,
        } as const
        this.feed({ kind: 'authorised', query: output.query, policy })
      }
    }
  }

  last<K extends SipOutput['kind']>(kind: K): Extract<SipOutput, { kind: K }> {
    const found = this.told.findLast((output) => output.kind === kind)
    assert.ok(found, `the server saw ${kind}`)
    return found as Extract<SipOutput, { kind: K }>
  }

  contacts(): number {
    return this.#core.contactsOf('alice').length
  }

  async run(ms: number): Promise<void> {
    const end = this.clock.now() + ms
    do await new Promise((resolve) => setImmediate(resolve))
    while (this.clock.step(end))
    this.clock.advanceTo(end)
  }

  phone(password: string): Promise<Phone> {
    return Phone.open({
      network: this.network,
      clock: this.clock,
      localAddress: 'phone',
      server: { address: 'server', port: 5060 },
      user: 'alice',
      credentials: { username: 'alice', password },
      seed: 'alice',
    })
  }
}

test('a phone registers with its password, and renews before the time is up', async () => {
  const server = await Server.open()
  const phone = await server.phone('secret')
  const code = phone.register()
  await server.run(1_000)
  assert.equal(await code, 200)
  assert.equal(server.contacts(), 1)
  for (let hour = 0; hour < 5; hour++) {
    await server.run(3_600_000)
    assert.equal(server.contacts(), 1, `after ${hour + 1} h`)
  }
  await phone.close()
  await server.run(7_200_000)
  assert.equal(server.contacts(), 0)
})

test('a wrong password is not a registration', async () => {
  const server = await Server.open()
  const phone = await server.phone('wrong')
  const code = phone.register()
  await server.run(40_000)
  assert.ok([401, 403].includes(await code))
  assert.equal(server.contacts(), 0)
  await phone.close()
})

test('a registrar that does not answer is 408', async () => {
  const server = await Server.open()
  const phone = await server.phone('secret')
  server.network.weather = { ...server.network.weather, loss: 1 }
  const code = phone.register()
  await server.run(40_000)
  assert.equal(await code, 408)
  await phone.close()
})

/** A call of the phone that the server has challenged and then answered. */
async function answeredCall(): Promise<{ server: Server; phone: Phone; call: PhoneCall; leg: string }> {
  const server = await Server.open()
  const phone = await server.phone('secret')
  const call = await phone.call('+15551234567')
  await server.run(1_000)
  const { leg, request } = server.last('incoming')
  assert.equal(request.requestUri.user, '+15551234567')
  assert.equal(request.sipCallId, call.sipCallId)
  server.feed({ kind: 'accept', leg, body: makeOffer({ ...MEDIA, port: 9_000, version: 1 }) })
  await server.run(1_000)
  assert.equal(call.state, 'answered')
  return { server, phone, call, leg }
}

test('a re-INVITE moves and holds the sound', async () => {
  const { server, phone, call, leg } = await answeredCall()
  const counts = { first: 0, second: 0 }
  await server.network.bind({ address: 'server', port: 9_000 }, () => counts.first++)
  await server.network.bind({ address: 'server', port: 9_002 }, () => counts.second++)
  await server.run(1_000)
  assert.equal(counts.first, 50)
  const moved = makeOffer({ ...MEDIA, port: 9_002, version: 2 })
  server.feed({ kind: 'reinvite', leg, body: moved })
  await server.run(1_000)
  assert.equal(server.last('reinvited').code, 200)
  assert.ok(counts.first <= 51 && counts.second >= 49)
  const held = makeOffer({ ...MEDIA, port: 9_002, version: 3, direction: 'sendonly' })
  server.feed({ kind: 'reinvite', leg, body: held })
  await server.run(100)
  const answer = readAnswer(held, server.last('reinvited').body)
  assert.ok(answer.ok && answer.value.direction === 'sendonly')
  const before = counts.second
  await server.run(1_000)
  assert.equal(counts.second, before)
  call.hangup()
  await server.run(40_000)
  await phone.close()
})

test('a call whose answer is of no use is ended', async () => {
  const server = await Server.open()
  const phone = await server.phone('secret')
  const call = await phone.call('bob')
  await server.run(1_000)
  server.feed({ kind: 'accept', leg: server.last('incoming').leg, body: 'v=0\r\n' })
  await server.run(5_000)
  assert.deepEqual(await call.ended, { cause: 'local', code: 488 })
  server.last('ended')
  await phone.close()
})

test('an incoming call without an offer gets ours, and is ended when the ACK brings no answer', async () => {
  const server = await Server.open()
  const phone = await server.phone('secret')
  let call: PhoneCall | undefined
  phone.onIncoming = (one) => {
    call = one
    one.answer()
  }
  const uri = `sip:alice@phone:${phone.local.port}`
  const target = { flow: server.flowTo(phone.local), requestUri: uri }
  const party = { display: '', uri }
  server.feed({ kind: 'invite', leg: 'x', targets: [target], from: party, to: party, body: '', timeoutMs: 10_000 })
  await server.run(1_000)
  assert.match(server.last('answered').body, /m=audio/)
  assert.equal(server.last('ended').cause, 'remote')
  assert.deepEqual(await call?.ended, { cause: 'local', code: 200 })
  await phone.close()
})

test('closing hangs up what is still up', async () => {
  const { server, phone, call } = await answeredCall()
  const closed = phone.close()
  await server.run(500)
  await closed
  assert.equal(call.state, 'ended')
  assert.equal(server.last('ended').cause, 'remote')
})
