/**
 * Datagrams by the C library itself (`node:ffi`, experimental in Node 26), for the media threads on Linux: a fifth to a third less
 * CPU than `node:dgram` (docs/proofs.md), and no buffer for each packet. Nobody is woken by a packet: whoever owns it calls `poll` on every
 * tick. Where it is not there, or fails its self-test, `net/udp.ts` does the work.
 */

import { isIPv6 } from 'node:net'
import { mappedAddress, plainAddress } from './family.ts'
import type { DatagramSocket, Endpoint, Network } from './port.ts'
import { readAddress, writeAddress } from './socket-address.ts'

const SOCK_DGRAM = 2
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const AF_INET = 2
const AF_INET6 = 10
const SOL_SOCKET = 1
const SO_RCVBUF = 8
const IPPROTO_IPV6 = 41
const IPV6_V6ONLY = 26
const MSG_DONTWAIT = 0x40
const EPOLL_CTL_ADD = 1
const EPOLLIN = 1
const ADDRESS_BYTES = 28
/** The kernel packs this structure on x64 only. */
const EVENT_BYTES = process.arch === 'x64' ? 12 : 16
const EVENT_DATA_AT = process.arch === 'x64' ? 4 : 8
const MOST_EVENTS = 256
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
/** Longer datagrams are no RTP. */
const LONGEST_BYTES = 4_096
/** Rounds of one poll: a flood on one socket must not keep the tick from coming. */
const MOST_ROUNDS = 16
const CODES: Readonly<Record<number, string>> = { 13: 'EACCES', 98: 'EADDRINUSE', 99: 'EADDRNOTAVAIL' }

/** Lengths as the call wants them, made once. */
const LENGTHS = Array.from({ length: LONGEST_BYTES + 1 }, (_, length) => BigInt(length))

interface Libc {
  socket(domain: number, type: number, protocol: number): number
  bind(fd: number, address: Uint8Array, length: number): number
  getsockname(fd: number, address: Uint8Array, length: Uint8Array): number
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number
  sendto(fd: number, bytes: Uint8Array, length: bigint, flags: number, to: Uint8Array, toLength: number): number
  recvfrom(
    fd: number,
    bytes: Uint8Array,
    length: bigint,
    flags: number,
    from: Uint8Array,
    fromLength: Uint8Array,
  ): number
  epoll_create1(flags: number): number
  epoll_ctl(epoll: number, operation: number, fd: number, event: Uint8Array): number
  epoll_wait(epoll: number, events: Uint8Array, most: number, timeoutMs: number): number
  close(fd: number): number
  errno(): number
}

/** A network that is asked, not one that tells. */
export interface PolledNetwork extends Network {
  /** Hands out everything that has come since the last time. */
  poll(): void
  /** Closes what is still open. */
  close(): void
}

interface Opened {
  readonly fd: number
  readonly isDual: boolean
  readonly onDatagram: (bytes: Uint8Array, from: Endpoint) => void
  /** Where the last datagram came from, as it stood in the kernel's words. */
  readonly lastFrom: Uint8Array
  lastEndpoint: Endpoint
}

/** @returns null where the C library cannot be called, or does not do what it should */
export async function openFfiNetwork(): Promise<PolledNetwork | null> {
  if (process.platform !== 'linux' || (process.arch !== 'x64' && process.arch !== 'arm64')) return null
  try {
    const network = new FfiNetwork(await libc())
    if (await passesSelfTest(network)) return network
    network.close()
  } catch {
    // Another Node, another C library, or not allowed here.
  }
  return null
}

async function libc(): Promise<Libc> {
  const ffi = await quietly(() => import('node:ffi'))
  const [int, bytes] = ['int32', 'buffer'] as const
  const { functions } = ffi.dlopen(null, {
    socket: { arguments: [int, int, int], return: int },
    bind: { arguments: [int, bytes, int], return: int },
    getsockname: { arguments: [int, bytes, bytes], return: int },
    setsockopt: { arguments: [int, int, int, bytes, int], return: int },
    // What comes back is never longer than an int: its lower half says all.
    sendto: { arguments: [int, bytes, 'uint64', int, bytes, int], return: int },
    recvfrom: { arguments: [int, bytes, 'uint64', int, bytes, bytes], return: int },
    epoll_create1: { arguments: [int], return: int },
    epoll_ctl: { arguments: [int, int, int, bytes], return: int },
    epoll_wait: { arguments: [int, bytes, int, int], return: int },
    close: { arguments: [int], return: int },
    __errno_location: { arguments: [], return: 'pointer' },
  })
  return { ...functions, errno: () => ffi.getInt32(functions.__errno_location()) } as unknown as Libc
}

/** That it is experimental is known here, and no news for an operator. */
async function quietly<T>(load: () => Promise<T>): Promise<T> {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return await load()
  } finally {
    process.emitWarning = emitWarning
  }
}

class FfiNetwork implements PolledNetwork {
  errors = 0
  readonly #libc: Libc
  readonly #epoll: number
  readonly #open = new Map<number, Opened>()
  readonly #events = Buffer.alloc(MOST_EVENTS * EVENT_BYTES)
  readonly #bytes = Buffer.alloc(LONGEST_BYTES)
  readonly #from = Buffer.alloc(ADDRESS_BYTES)
  readonly #fromLength = Buffer.alloc(4)

  constructor(libc: Libc) {
    this.#libc = libc
    this.#epoll = libc.epoll_create1(SOCK_CLOEXEC)
    if (this.#epoll < 0) throw new Error('no epoll')
  }

  async bind(local: Endpoint, onDatagram: Opened['onDatagram']): Promise<DatagramSocket> {
    const libc = this.#libc
    const family = isIPv6(local.address) ? AF_INET6 : AF_INET
    const fd = libc.socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
    if (fd < 0) throw this.#failure('socket')
    try {
      this.#set(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER_BYTES)
      const isDual = local.address === '::'
      if (family === AF_INET6) this.#set(fd, IPPROTO_IPV6, IPV6_V6ONLY, isDual ? 0 : 1)
      const address = writeAddress(local)
      if (libc.bind(fd, address, address.length) < 0) throw this.#failure('bind')
      const event = Buffer.alloc(EVENT_BYTES)
      event.writeUInt32LE(EPOLLIN, 0)
      event.writeUInt32LE(fd, EVENT_DATA_AT)
      if (libc.epoll_ctl(this.#epoll, EPOLL_CTL_ADD, fd, event) < 0) throw this.#failure('epoll_ctl')
      return this.#opened(fd, isDual, onDatagram)
    } catch (cause) {
      libc.close(fd)
      throw cause
    }
  }

  poll(): void {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const ready = this.#libc.epoll_wait(this.#epoll, this.#events, MOST_EVENTS, 0)
      for (let i = 0; i < ready; i++) this.#receive(this.#events.readUInt32LE(i * EVENT_BYTES + EVENT_DATA_AT))
      if (ready <= 0) return
    }
  }

  close(): void {
    for (const fd of this.#open.keys()) this.#libc.close(fd)
    this.#open.clear()
    this.#libc.close(this.#epoll)
  }

  #receive(fd: number): void {
    const socket = this.#open.get(fd)
    if (!socket) return
    this.#fromLength.writeUInt32LE(ADDRESS_BYTES, 0)
    const from = this.#from
    const got = this.#libc.recvfrom(fd, this.#bytes, lengthOf(LONGEST_BYTES), MSG_DONTWAIT, from, this.#fromLength)
    // A port that answered "unreachable" is told here once, as -1.
    if (got < 0) return void this.errors++
    if (!from.equals(socket.lastFrom)) {
      socket.lastFrom.set(from)
      const { address, port } = readAddress(from)
      socket.lastEndpoint = { address: socket.isDual ? plainAddress(address) : address, port }
    }
    socket.onDatagram(this.#bytes.subarray(0, got), socket.lastEndpoint)
  }

  #opened(fd: number, isDual: boolean, onDatagram: Opened['onDatagram']): DatagramSocket {
    const libc = this.#libc
    const bound = Buffer.alloc(ADDRESS_BYTES)
    const length = Buffer.alloc(4)
    length.writeUInt32LE(ADDRESS_BYTES, 0)
    if (libc.getsockname(fd, bound, length) < 0) throw this.#failure('getsockname')
    const lastEndpoint = { address: '', port: 0 }
    this.#open.set(fd, { fd, isDual, onDatagram, lastFrom: Buffer.alloc(ADDRESS_BYTES), lastEndpoint })
    let target: Uint8Array = new Uint8Array(0)
    let targetOf: Endpoint = lastEndpoint
    return {
      local: readAddress(bound),
      send: (bytes, to) => {
        if (!this.#open.has(fd)) return
        if (to.port !== targetOf.port || to.address !== targetOf.address) {
          targetOf = { address: to.address, port: to.port }
          target = writeAddress({ address: isDual ? mappedAddress(to.address) : to.address, port: to.port })
        }
        if (libc.sendto(fd, bytes, lengthOf(bytes.length), MSG_DONTWAIT, target, target.length) < 0) this.errors++
      },
      close: () => {
        // Closed, the kernel takes it out of epoll.
        if (this.#open.delete(fd)) libc.close(fd)
      },
    }
  }

  #set(fd: number, level: number, name: number, value: number): void {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32LE(value, 0)
    this.#libc.setsockopt(fd, level, name, bytes, bytes.length)
  }

  #failure(what: string): Error {
    const code = CODES[this.#libc.errno()] ?? 'EIO'
    return Object.assign(new Error(`${what} ${code}`), { code })
  }
}

function lengthOf(bytes: number): bigint {
  return LENGTHS[bytes] ?? BigInt(bytes)
}

/** Two sockets tell each other something: octets, lengths, addresses and a taken port must all be as they should. */
async function passesSelfTest(network: PolledNetwork): Promise<boolean> {
  const got: { bytes: Uint8Array; from: Endpoint }[] = []
  const note = (bytes: Uint8Array, from: Endpoint): void => void got.push({ bytes: Uint8Array.from(bytes), from })
  const one = await network.bind({ address: '127.0.0.1', port: 0 }, note)
  const other = await network.bind({ address: '127.0.0.1', port: 0 }, note)
  try {
    const whole = Uint8Array.from({ length: 300 }, (_, i) => (i * 7) & 255)
    const sent = [whole.subarray(3, 175), whole.subarray(1, 2)]
    for (const bytes of sent) one.send(bytes, other.local)
    network.poll()
    const isTaken = await network.bind(one.local, note).then(
      () => false,
      (cause: { code?: string }) => cause.code === 'EADDRINUSE',
    )
    return (
      isTaken &&
      one.local.port !== other.local.port &&
      got.length === sent.length &&
      got.every(
        ({ bytes, from }, i) =>
          Buffer.compare(bytes, sent[i]!) === 0 && from.port === one.local.port && from.address === one.local.address,
      )
    )
  } finally {
    one.close()
    other.close()
  }
}
