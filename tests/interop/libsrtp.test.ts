/**
 * Our SRTP against libsrtp2, which most phones and servers use: every suite, both directions, RTP and RTCP, with loss,
 * disorder and doubles over the wrap of the sequence number.
 */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { SeededRandom } from '../../src/kernel/random.ts'
import { writeRtpHeader } from '../../src/rtp/packet.ts'
import { Opener } from '../../src/rtp/srtp/opener.ts'
import { Sealer } from '../../src/rtp/srtp/sealer.ts'
import { keyBytesOf, type SrtpKeys, type SrtpSuite, SUITES } from '../../src/rtp/srtp/suite.ts'
import { lacking } from './tools.ts'

const SEED = process.env['SEED'] ?? 'libsrtp'
const PACKETS = 400
const FIRST = 65_400
const SSRC = 0xfeed_beef

const skip = lacking('cc') || (existsSync('/usr/include/srtp2/srtp.h') ? false : 'not installed here: libsrtp2-dev')
let folder: string

before(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'quietline-libsrtp-'))
  const source = path.join(import.meta.dirname, 'libsrtp/oracle.c')
  if (!skip) execFileSync('cc', ['-O1', '-o', path.join(folder, 'oracle'), source, '-lsrtp2'])
})

after(() => rmSync(folder, { recursive: true, force: true }))

interface Asked {
  readonly what: 'protect' | 'unprotect' | 'protect_rtcp' | 'unprotect_rtcp'
  readonly packet: Uint8Array
}

/** @returns packets, or null where libsrtp refused one */
function libsrtp(keys: SrtpKeys, asked: readonly Asked[]): (Uint8Array | null)[] {
  const input = asked.map(({ what, packet }) => `${what} ${Buffer.from(packet).toString('hex')}\n`).join('')
  const args = [keys.suite, Buffer.from(keys.key).toString('hex')]
  const text = execFileSync(path.join(folder, 'oracle'), args, { input, encoding: 'utf8', maxBuffer: 1e8 })
  return text
    .trimEnd()
    .split('\n')
    .map((line) => (line.startsWith('-') ? null : Uint8Array.from(Buffer.from(line, 'hex'))))
}

function keysOf(suite: SrtpSuite, random: SeededRandom): SrtpKeys {
  const key = Uint8Array.from({ length: keyBytesOf(suite) }, () => Math.floor(random.unit() * 256))
  return { suite, key, mki: new Uint8Array(0), lifetimePackets: null }
}

/** RTP of several shapes: contributing sources, an extension, one octet, many. */
function rtp(n: number): Uint8Array {
  const sources = n % 5 === 0 ? 2 : 0
  const extension = n % 3 === 0 ? 8 : 0
  const packet = new Uint8Array(12 + 4 * sources + extension + [160, 1, 33, 1_000][n % 4]!).fill(n)
  writeRtpHeader(packet, 0, false, (FIRST + n) & 0xffff, n * 160, SSRC)
  packet[0]! |= sources | (extension > 0 ? 0x10 : 0)
  if (extension > 0) packet.set([0xbe, 0xde, 0, 1], 12 + 4 * sources)
  return packet
}

function rtcp(n: number): Uint8Array {
  const packet = new Uint8Array(28 + 4 * (n % 3)).fill(n)
  packet.set([0x80, 200, 0, packet.length / 4 - 1, 0xfe, 0xed, 0xbe, 0xef])
  return packet
}

/** The order in which they arrive: some never, some twice, some later; all within the window. */
function arrivals(random: SeededRandom): number[] {
  const all: { n: number; at: number }[] = []
  for (let n = 0; n < PACKETS; n++) {
    if (n > 0 && random.unit() < 0.2) continue
    all.push({ n, at: n + Math.floor(random.unit() * 30) })
    if (random.unit() < 0.1) all.push({ n, at: n + 40 })
  }
  return all.sort((a, b) => a.at - b.at).map(({ n }) => n)
}

for (const suite of Object.keys(SUITES) as SrtpSuite[]) {
  test(`${suite}: libsrtp opens what we seal, byte for byte, and seals the same (seed ${SEED})`, { skip }, () => {
    const random = new SeededRandom(`${SEED}-${suite}`)
    const keys = keysOf(suite, random)
    const sealer = new Sealer(keys)
    const plain = Array.from({ length: PACKETS }, (_, n) => rtp(n))
    const sealed = plain.map((packet) => sealer.rtp(packet).slice())
    assert.deepEqual(
      libsrtp(
        keys,
        plain.map((packet) => ({ what: 'protect', packet })),
      ),
      sealed,
    )
    const order = arrivals(random)
    const opened = libsrtp(
      keys,
      order.map((n) => ({ what: 'unprotect', packet: sealed[n]! })),
    )
    const come = new Set<number>()
    for (const [i, n] of order.entries()) {
      assert.deepEqual(opened[i], come.has(n) ? null : plain[n], `packet ${n}`)
      come.add(n)
    }
  })

  test(`${suite}: we open what libsrtp seals, each once (seed ${SEED})`, { skip }, () => {
    const random = new SeededRandom(`${SEED}+${suite}`)
    const keys = keysOf(suite, random)
    const plain = Array.from({ length: PACKETS }, (_, n) => rtp(n))
    const sealed = libsrtp(
      keys,
      plain.map((packet) => ({ what: 'protect', packet })),
    )
    const opener = new Opener(keys)
    const come = new Set<number>()
    for (const n of arrivals(random)) {
      const opened = opener.rtp(sealed[n]!)
      if (come.has(n)) assert.equal(opened, 'replayed')
      else assert.deepEqual(typeof opened === 'string' ? opened : opened.slice(), plain[n])
      come.add(n)
    }
    const forged = sealed[0]!.slice()
    forged[20]! ^= 4
    assert.equal(new Opener(keys).rtp(forged), 'notAuthentic')
  })

  test(`${suite}: RTCP both ways`, { skip }, () => {
    const keys = keysOf(suite, new SeededRandom(suite))
    const sealer = new Sealer(keys)
    const plain = Array.from({ length: 20 }, (_, n) => rtcp(n))
    const ours = plain.map((packet) => sealer.rtcp(packet).slice())
    assert.deepEqual(
      libsrtp(
        keys,
        ours.map((packet) => ({ what: 'unprotect_rtcp', packet })),
      ),
      plain,
    )
    const theirs = libsrtp(
      keys,
      plain.map((packet) => ({ what: 'protect_rtcp', packet })),
    )
    assert.deepEqual(theirs, ours)
    const opener = new Opener(keys)
    for (const [n, packet] of theirs.entries()) {
      const opened = opener.rtcp(packet!)
      assert.deepEqual(typeof opened === 'string' ? opened : opened.slice(), plain[n])
      assert.equal(opener.rtcp(packet!), 'replayed')
    }
  })
}
