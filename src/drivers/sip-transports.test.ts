import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { connect as connectSecure } from 'node:tls'
import { SILENT } from '../kernel/log.ts'
import { makeCertificate } from '../net/certificate.fixture.ts'
import { Certificates } from '../net/certificates.ts'
import { Streams } from '../net/streams.ts'
import { UdpNetwork } from '../net/udp.ts'
import type { Flow } from '../sip/types.ts'
import { RealClock } from './real-clock.ts'
import { type ConnectionLimits, LIMITS } from './sip-connections.ts'
import { SipTransports, type SipTransportsOptions } from './sip-transports.ts'

const HERE = '127.0.0.1'
const folder = mkdtempSync(path.join(tmpdir(), 'quietline-transports-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Every wait of this file has this limit. */
async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert.ok(tries < 400, `waited in vain for: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

interface Opened {
  readonly transports: SipTransports
  readonly got: { readonly flow: Flow; readonly text: string }[]
  readonly failed: { readonly flow: Flow; readonly why: string }[]
  readonly port: number
}

async function open(t: TestContext, more: Partial<SipTransportsOptions> = {}): Promise<Opened> {
  const got: Opened['got'] = []
  const failed: Opened['failed'] = []
  const transports = new SipTransports({
    network: new UdpNetwork(),
    streams: new Streams(),
    clock: new RealClock(),
    bindAddress: HERE,
    port: 0,
    tcp: true,
    onReceived: (flow, bytes) => got.push({ flow, text: Buffer.from(bytes).toString() }),
    onFailed: (flow, why) => failed.push({ flow, why }),
    ...more,
  })
  t.after(() => transports.close())
  const { port } = await transports.open()
  return { transports, got, failed, port }
}

function limits(some: Partial<ConnectionLimits>): ConnectionLimits {
  return { ...LIMITS, ...some }
}

/** A plain client that keeps what it hears. */
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
  socket.on('error', () => {})
  t.after(() => socket.destroy())
  return { socket, heard: () => heard, isOver: () => isOver }
}

const message = (name: string, lines: readonly string[] = []): string =>
  [`OPTIONS sip:${name} SIP/2.0`, ...lines, 'Content-Length: 0', '', ''].join('\r\n')

test('TCP listens on the port of UDP; messages come whole with their flow, and answers go back on it', async (t) => {
  const { transports, got, port } = await open(t)
  const { socket, heard } = dial(t, port)
  const stream = message('a') + message('b')
  socket.write(stream.slice(0, 10))
  socket.write(stream.slice(10))
  await until('two messages', () => got.length === 2)
  const { flow } = got[0]!
  assert.deepEqual(flow, {
    transport: 'tcp',
    local: { address: HERE, port },
    remote: { address: HERE, port: socket.localPort },
    connection: flow.connection,
  })
  assert.notEqual(flow.connection, '')
  transports.send(flow, Buffer.from('SIP/2.0 200 OK\r\n\r\n'))
  await until('the answer', () => heard() === 'SIP/2.0 200 OK\r\n\r\n')
  socket.write('\r\n\r\n')
  await until('the answer to a ping', () => heard().endsWith('\r\n\r\n\r\n'))
})

test('a connection of ours is opened once for all that goes there, and what comes back on it is heard', async (t) => {
  const one = await open(t)
  const other = await open(t)
  const flow = one.transports.flowTo({ address: HERE, port: other.port }, 'tcp')
  assert.equal(flow.local.port, one.port)
  for (const name of ['a', 'b', 'c']) one.transports.send(flow, Buffer.from(message(name)))
  await until('all of it', () => other.got.length === 3)
  assert.deepEqual([one.transports.connections, other.transports.connections], [1, 1])
  other.transports.send(other.got[0]!.flow, Buffer.from(message('back')))
  await until('the way back', () => one.got.length === 1)
  // A flow that is only known by its address finds it too.
  other.transports.send({ ...other.got[0]!.flow, connection: '' }, Buffer.from(message('again')))
  await until('the same connection', () => one.got.length === 2)
  assert.deepEqual([one.transports.connections, other.transports.connections], [1, 1])
})

test('nobody there: told, by its connection and by its address', async (t) => {
  const { transports, failed } = await open(t)
  const server = createServer().listen(0, HERE)
  await until('a port', () => server.listening)
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  const flow = transports.flowTo({ address: HERE, port }, 'tcp')
  transports.send(flow, Buffer.from(message('x')))
  await until('the failure', () => failed.length === 2)
  assert.match(failed[0]!.why, /ECONNREFUSED/)
  assert.deepEqual(failed[1]!.flow, flow)
  transports.send({ ...flow, transport: 'wss' }, Buffer.from(message('x')))
  await until('no such transport', () => failed.length === 3)
})

test('a connection that dies is told; an answer then goes to the port its sender listens on', async (t) => {
  const { transports, got, failed, port } = await open(t)
  const client = dial(t, port)
  client.socket.write(message('a'))
  await until('it', () => got.length === 1)
  client.socket.destroy()
  await until('the end', () => failed.length === 2)
  const heard: string[] = []
  const server: Server = createServer((socket) => void socket.on('data', (bytes) => heard.push(String(bytes))))
  t.after(() => server.close())
  server.listen(0, HERE)
  await until('a port', () => server.listening)
  const { port: sentBy } = server.address() as { port: number }
  const { flow } = got[0]!
  assert.equal(transports.isAlive(flow), false)
  transports.send(flow, Buffer.from(`SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP x.example:${sentBy}\r\n\r\n`))
  await until('the answer', () => heard.join('').startsWith('SIP/2.0 200 OK'))
  // A request goes where it says, when that is where the far end was.
  transports.send(flow, Buffer.from(message(`bob@${HERE}:${sentBy};ob`)))
  await until('the request', () => heard.join('').includes('OPTIONS sip:bob'))
  transports.send(flow, Buffer.from(message('bob@192.168.7.7:5060')))
  await until('no way', () => failed.length === 3)
  transports.close()
})

test('another protocol, half a message, silence and who does not read lose their connection', async (t) => {
  const { transports, got, port } = await open(t, {
    limits: limits({ silentMs: 300, partMs: 300, unreadBytes: 50_000 }),
  })
  const http = dial(t, port)
  http.socket.write('GET / HTTP/1.1\r\n\r\n')
  await until('HTTP to be refused', http.isOver)
  const silent = dial(t, port)
  const half = dial(t, port)
  half.socket.write(`${message('a')}OPTIONS sip:b SIP/2.0\r\n`)
  const deaf = dial(t, port)
  deaf.socket.write(message('deaf'))
  await until('both', () => got.length === 2)
  deaf.socket.pause()
  const { flow } = got.find(({ text }) => text.includes('deaf'))!
  for (let sent = 0; transports.isAlive(flow); sent++) {
    assert.ok(sent < 10_000)
    transports.send(flow, Buffer.alloc(10_000))
  }
  await until('the silent one to be closed', silent.isOver)
  await until('the half one to be closed', half.isOver)
  await until('none to be left', () => transports.connections === 0)
})

test('one address opens so many connections, and when they are gone others', async (t) => {
  const { transports, port } = await open(t, { limits: limits({ ofAddress: 5, silentOfAddress: 3 }) })
  const silent = Array.from({ length: 6 }, () => dial(t, port))
  await until('three to be refused', () => silent.filter(({ isOver }) => isOver()).length === 3)
  for (const { socket, isOver } of silent) if (!isOver()) socket.write(message('x'))
  await until('three to be there', () => transports.connections === 3)
  const more = Array.from({ length: 4 }, () => dial(t, port))
  await until('two more to be refused', () => more.filter(({ isOver }) => isOver()).length === 2)
  for (const { socket } of [...silent, ...more]) socket.destroy()
  await until('all to be gone', () => transports.connections === 0)
  const later = dial(t, port)
  later.socket.write(message('x'))
  await until('it to be let in', () => transports.connections === 1)
})

test('TLS: verified by name, refused for another one unless told, and the certificate is changed while it runs', async (t) => {
  const own = makeCertificate(folder, 'own', ['DNS:sip.example', `IP:${HERE}`])
  const next = makeCertificate(folder, 'next', ['DNS:sip.example'])
  const ca = path.join(folder, 'ca.pem')
  writeFileSync(ca, readFileSync(own.certFile, 'utf8') + readFileSync(next.certFile, 'utf8'))
  const complaints: string[] = []
  const log = { ...SILENT, error: (_: object, text: string) => void complaints.push(text) }
  const certificates = new Certificates({ own, caFile: ca }, new RealClock(), log)
  t.after(() => certificates.close())
  const server = await open(t, { streams: new Streams(certificates), tlsPort: 0 })
  const { port } = server.transports.tlsLocal!
  const client = await open(t, { streams: new Streams(certificates) })
  const to = (serverName: string, verify = true) =>
    client.transports.flowTo({ address: HERE, port }, 'tls', { security: { serverName, verify } })
  const flows = [to('sip.example'), to(HERE), to('evil.example'), to('evil.example', false)]
  for (const [at, flow] of flows.entries()) client.transports.send(flow, Buffer.from(message(`m${at}`)))
  await until('three', () => server.got.length === 3)
  assert.deepEqual(server.got.map(({ text }) => text.slice(12, 14)).sort(), ['m0', 'm1', 'm3'])
  assert.equal(server.got[0]!.flow.transport, 'tls')
  await until('the refused one', () => client.failed.length === 2)
  assert.match(client.failed[0]!.why, /altname|does not match/i)

  // A broken certificate is not taken, a good one is, for connections made from then on.
  writeFileSync(own.certFile, 'rubbish')
  certificates.refresh()
  assert.deepEqual(complaints, ['new TLS certificate cannot be used, the old one stays'])
  copyFileSync(next.keyFile, own.keyFile)
  copyFileSync(next.certFile, own.certFile)
  certificates.refresh()
  const subject = await new Promise((resolve, reject) => {
    const socket = connectSecure({ port, host: HERE, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().subject.CN)
      socket.destroy()
    })
    socket.on('error', reject)
  })
  assert.equal(subject, 'next')
})

test('who begins no handshake on the TLS port is counted too, and plain SIP there is refused', async (t) => {
  const own = makeCertificate(folder, 'lone', [`IP:${HERE}`])
  const certificates = new Certificates({ own, caFile: null }, new RealClock(), SILENT)
  t.after(() => certificates.close())
  const { transports } = await open(t, {
    streams: new Streams(certificates),
    tlsPort: 0,
    limits: limits({ silentOfAddress: 2 }),
  })
  const { port } = transports.tlsLocal!
  const some = Array.from({ length: 4 }, () => dial(t, port))
  await until('two to be refused', () => some.filter(({ isOver }) => isOver()).length === 2)
  for (const { socket } of some) socket.write(message('x'))
  await until('all to be refused', () => some.every(({ isOver }) => isOver()))
  assert.equal(transports.connections, 0)
})

test('a key that does not fit its certificate is told at the start', () => {
  const one = makeCertificate(folder, 'one', ['DNS:a.example'])
  const two = makeCertificate(folder, 'two', ['DNS:b.example'])
  const own = { certFile: one.certFile, keyFile: two.keyFile }
  assert.throws(() => new Certificates({ own, caFile: null }, new RealClock(), SILENT))
  assert.throws(() => new Certificates({ own: null, caFile: '/nowhere.pem' }, new RealClock(), SILENT))
})

test('bound to :: it serves both families, and IPv4 looks like itself', async (t) => {
  const both = await open(t, { bindAddress: '::' })
  const v6 = await open(t, { bindAddress: '::1' })
  const v4 = await open(t)
  for (const transport of ['udp', 'tcp'] as const) {
    v4.transports.send(v4.transports.flowTo({ address: HERE, port: both.port }, transport), Buffer.from(message('v4')))
    v6.transports.send(v6.transports.flowTo({ address: '::1', port: both.port }, transport), Buffer.from(message('v6')))
  }
  await until('all four', () => both.got.length === 4)
  const from = both.got.map(({ flow }) => `${flow.transport} ${flow.remote.address}`).sort()
  assert.deepEqual(from, ['tcp 127.0.0.1', 'tcp ::1', 'udp 127.0.0.1', 'udp ::1'])
  for (const { flow } of both.got) both.transports.send(flow, Buffer.from(message('answer')))
  await until('the answers', () => v4.got.length === 2 && v6.got.length === 2)
})
