/** Signalling over real sockets: IPv4 and IPv6 at once, names of servers, TCP, and requests too large for a datagram. */

import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { RealClock } from '../../src/drivers/real-clock.ts'
import { openNameServer } from '../../src/net/name-server.fixture.ts'
import { UdpNetwork } from '../../src/net/udp.ts'
import { Phone } from '../../src/phone/user-agent.ts'
import { NUMBER, openHouse } from './house.ts'
import { until } from './until.ts'

const HERE = '127.0.0.1'
const SIX = '::1'

async function openPhone(t: TestContext, localAddress: string, port: number, autoAnswer = false): Promise<Phone> {
  const phone = await Phone.open({
    network: new UdpNetwork(),
    clock: new RealClock(),
    localAddress,
    server: { address: localAddress, port },
    domain: 'example.com',
    user: 'caller',
    seed: localAddress,
    autoAnswer,
  })
  t.after(() => phone.close())
  return phone
}

test('bound to ::, callers of both families are heard', { timeout: 60_000 }, async (t) => {
  const { node } = await openHouse(t, '24600-24698', { QUIETLINE_BIND: '::' })
  for (const address of [HERE, SIX]) {
    const phone = await openPhone(t, address, node.sipPort)
    const call = await phone.call(NUMBER)
    await call.answered
    let frames = 0
    call.onFrame = () => frames++
    await until(`sound by ${address}`, () => frames > 10)
    call.hangup()
    assert.equal((await call.ended).cause, 'local')
  }
})

test('a call to a name goes where the name service says, to the next server when the first is not there', {
  timeout: 60_000,
}, async (t) => {
  const phone = await openPhone(t, HERE, 9, true)
  const closed = createServer().listen(0, HERE)
  await until('a port', () => closed.listening)
  const { port: nobody } = closed.address() as { port: number }
  await new Promise((resolve) => closed.close(resolve))
  const server = await openNameServer({
    'NAPTR carrier.test': [
      {
        data: {
          order: 1,
          preference: 1,
          flags: 's',
          services: 'SIP+D2T',
          regexp: '',
          replacement: '_sip._tcp.carrier.test',
        },
      },
      {
        data: {
          order: 2,
          preference: 1,
          flags: 's',
          services: 'SIP+D2U',
          regexp: '',
          replacement: '_sip._udp.carrier.test',
        },
      },
    ],
    'SRV _sip._tcp.carrier.test': [{ data: { target: 'sip.carrier.test', port: nobody, priority: 1, weight: 1 } }],
    'SRV _sip._udp.carrier.test': [
      { data: { target: 'sip.carrier.test', port: phone.local.port, priority: 1, weight: 1 } },
    ],
    'A sip.carrier.test': [{ data: HERE }],
  } as Parameters<typeof openNameServer>[0])
  t.after(() => server.close())
  const { api } = await openHouse(t, '24700-24798', { QUIETLINE_DNS: server.at })
  const { calls } = await api.must('POST', '/calls', {
    destinations: [{ type: 'sip', target: 'sip:bob@carrier.test' }],
    actions: [{ type: 'sleep', option: { duration: 60_000 } }],
  })
  await until('the call to be up', () => api.of('call_progressing').some(({ id }) => id === calls[0].id))
  await api.must('POST', `/calls/${calls[0].id}/hangup`)
  await until('its end', () => api.of('call_hangup').some(({ id }) => id === calls[0].id))
})

/** A client without a SIP stack. */
function dial(t: TestContext, port: number): { socket: Socket; heard: () => string; isOver: () => boolean } {
  const socket = connect(port, HERE)
  let heard = ''
  let isOver = false
  socket.on('data', (bytes) => {
    heard += bytes
  })
  socket.on('close', () => {
    isOver = true
  })
  t.after(() => socket.destroy())
  return { socket, heard: () => heard, isOver: () => isOver }
}

const options = (name: string): string =>
  [
    'OPTIONS sip:server SIP/2.0',
    `Via: SIP/2.0/TCP ${HERE}:5;branch=z9hG4bK${name};rport`,
    'From: <sip:a@b>;tag=1',
    'To: <sip:c@d>',
    `Call-ID: ${name}`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')

test('over TCP: several requests in one read, a ping between them, and rubbish ends the connection alone', async (t) => {
  const { node } = await openHouse(t, '24800-24898')
  const one = dial(t, node.sipPort)
  one.socket.write(`${options('a')}\r\n\r\n${options('b')}`)
  const answers = () => [...one.heard().matchAll(/SIP\/2\.0 200 OK[\s\S]*?Call-ID: (\w)/g)].map((match) => match[1])
  await until('both answers', () => answers().length === 2)
  assert.deepEqual(answers(), ['a', 'b'])
  assert.match(one.heard(), /rport=\d+/)
  const other = dial(t, node.sipPort)
  other.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await until('HTTP to be refused', other.isOver)
  one.socket.write(options('c'))
  await until('the first to live on', () => answers().length === 3)
})
