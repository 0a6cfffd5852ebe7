import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '../kernel/random.ts'
import { parseRtcp, type Report, writeRtcp } from './rtcp.ts'
import { estimatedMos } from './rtcp-quality.ts'
import { Reception } from './rtcp-reception.ts'
import { MAX_RTCP_BYTES, RtcpSession } from './rtcp-session.ts'

const REPORT: Report = {
  ssrc: 0xdead_beef,
  sender: { ntpSeconds: 0xe000_0001, ntpFraction: 0x8000_0000, rtpTime: 0xffff_fff0, packets: 50, octets: 8_000 },
  block: {
    ssrc: 7,
    fractionLost: 255,
    lost: -3,
    highest: 0x1_0005,
    jitter: 90,
    lastReport: 0xfeed_f00d,
    sinceLastReport: 65_536,
  },
  cname: 'a1.b2.c3',
  isBye: false,
}

function written(report: Report): Uint8Array {
  const out = new Uint8Array(MAX_RTCP_BYTES)
  return out.slice(0, writeRtcp(out, report))
}

test('what is written is read back: reports, name, goodbye', () => {
  for (const isBye of [false, true]) {
    for (const sender of [REPORT.sender, null]) {
      for (const block of [REPORT.block, null]) {
        for (const cname of ['x', 'xy', 'xyz', 'wxyz', 'a1.b2.c3']) {
          const bytes = written({ ...REPORT, sender, block, cname, isBye })
          assert.equal(bytes.length % 4, 0)
          assert.deepEqual(parseRtcp(bytes), {
            ssrc: REPORT.ssrc,
            sender,
            blocks: block ? [block] : [],
            cname,
            byes: isBye ? [REPORT.ssrc] : [],
          })
        }
      }
    }
  }
})

test('only valid compound packets are taken (RFC 3550 appendix A.2)', () => {
  const good = written(REPORT)
  const changed = (change: (bytes: Uint8Array) => void): Uint8Array => {
    const bytes = good.slice()
    change(bytes)
    return bytes
  }
  assert.ok(parseRtcp(good))
  assert.equal(parseRtcp(new Uint8Array(0)), null)
  assert.equal(parseRtcp(good.slice(0, -4)), null)
  assert.equal(parseRtcp(good.slice(52)), null, 'SDES first')
  assert.equal(parseRtcp(changed((bytes) => (bytes[0] = 0x41))), null, 'version 1')
  assert.equal(parseRtcp(changed((bytes) => (bytes[0] = 0xa1))), null, 'padding not at the end')
  assert.equal(parseRtcp(changed((bytes) => (bytes[3] = 200))), null, 'longer than the datagram')
})

test('packets of other kinds are stepped over, and counts that lie do not leave their packet', () => {
  const other = Uint8Array.from([0x80, 207, 0, 1, 1, 2, 3, 4])
  const parsed = parseRtcp(Uint8Array.from([...written(REPORT), ...other, 0x9f, 203, 0, 1, 0, 0, 0, 9]))!
  assert.equal(parsed.blocks.length, 1)
  assert.deepEqual(parsed.byes, [9])
  const liar = written(REPORT)
  liar[0] = 0x9f
  assert.equal(parseRtcp(liar)!.blocks.length, 1)
})

// ---------------------------------------------------------------- reception

const FRAME = 160

function feed(
  reception: Reception,
  packets: readonly { n: number; at?: number; ssrc?: number; first?: number }[],
): void {
  for (const { n, at = n * 20, ssrc = 7, first = 65_000 } of packets) {
    reception.note(ssrc, (first + n) & 0xffff, (n * FRAME) >>> 0, 8_000, at)
  }
}

const numbers = (count: number): { n: number }[] => Array.from({ length: count }, (_, n) => ({ n }))

test('a whole stream over a wrap: all expected, none lost, no jitter', () => {
  const reception = new Reception()
  feed(reception, numbers(2_000))
  assert.deepEqual([reception.expected, reception.lost, reception.jitterMs], [2_000, 0, 0])
  const block = reception.takeBlock(0, 0)!
  assert.deepEqual([block.highest, block.fractionLost, block.lost], [65_000 + 1_999, 0, 0])
})

test('loss is told in all and since the last report (A.3)', () => {
  const reception = new Reception()
  feed(
    reception,
    numbers(1_000).filter(({ n }) => n % 10 !== 5),
  )
  assert.equal(reception.lost, 100)
  assert.equal(reception.takeBlock(0, 0)!.fractionLost, 25)
  feed(reception, numbers(1_100).slice(1_000))
  const block = reception.takeBlock(0, 0)!
  assert.deepEqual([block.fractionLost, block.lost], [0, 100])
})

test('doubles make the reported loss less than nothing, never the call’s', () => {
  const reception = new Reception()
  feed(reception, [...numbers(100), ...numbers(100).slice(50)])
  assert.equal(reception.takeBlock(0, 0)!.lost, -50)
  assert.equal(reception.lost, 0)
})

test('jitter is the smoothed difference of the distances (A.8)', () => {
  const reception = new Reception()
  // Every second packet 10 ms late: distances differ by 10 ms always.
  feed(
    reception,
    numbers(400).map(({ n }) => ({ n, at: n * 20 + (n % 2) * 10 })),
  )
  assert.ok(Math.abs(reception.jitterMs - 10) < 0.01, `${reception.jitterMs}`)
  assert.equal(reception.takeBlock(0, 0)!.jitter, 79)
})

test('keys with one time, and a clock that is set, are no jitter', () => {
  const reception = new Reception()
  feed(reception, numbers(10))
  for (let n = 10; n < 30; n++) reception.note(7, (65_000 + n) & 0xffff, 9 * FRAME, 8_000, n * 20)
  assert.equal(reception.jitterMs, 0)
  reception.note(7, (65_000 + 30) & 0xffff, 0x7000_0000, 8_000, 600)
  assert.equal(reception.jitterMs, 0)
})

test('another SSRC and a restarted numbering begin again, and the call’s counts go on', () => {
  const reception = new Reception()
  feed(
    reception,
    numbers(100).filter(({ n }) => n !== 50),
  )
  feed(
    reception,
    numbers(100).map(({ n }) => ({ n, at: 2_000 + n * 20, ssrc: 9, first: 5 })),
  )
  assert.equal(reception.takeBlock(0, 0)!.ssrc, 9)
  assert.deepEqual([reception.expected, reception.lost, reception.restarts], [200, 1, 1])
  // The same SSRC far away: the first is doubted, the second believed.
  feed(
    reception,
    numbers(100).map(({ n }) => ({ n, at: 4_000 + n * 20, ssrc: 9, first: 30_000 })),
  )
  assert.deepEqual([reception.restarts, reception.lost, reception.expected], [2, 1, 300])
})

test('one stray packet far away is not counted', () => {
  const reception = new Reception()
  feed(reception, [...numbers(50), { n: 40_000 }, ...numbers(100).slice(50)])
  assert.deepEqual([reception.expected, reception.lost, reception.restarts], [100, 0, 0])
})

// ---------------------------------------------------------------- sessions

function session(ssrc: number): RtcpSession {
  return new RtcpSession({ ssrc, cname: `c${ssrc}`, random: new SeededRandom(`rtcp ${ssrc}`) })
}

test('reports come every 2 to 6.2 s, never in step, the first one sooner', () => {
  const one = session(1)
  const out = new Uint8Array(MAX_RTCP_BYTES)
  one.start(8_000, 0)
  const times: number[] = []
  for (let now = 0; now < 600_000; now += 5) {
    if (!one.isDue(now)) continue
    times.push(now)
    one.compose(out, now)
  }
  const gaps = times.slice(1).map((at, i) => at - times[i]!)
  assert.ok(times[0]! <= 3_100)
  assert.ok(Math.min(...gaps) >= 2_050 && Math.max(...gaps) <= 6_200, `${Math.min(...gaps)} to ${Math.max(...gaps)}`)
  assert.ok(gaps.length > 120 && gaps.length < 180, `${gaps.length} reports`)
})

test('two ends learn the round trip and each other’s loss', () => {
  const [one, other] = [session(1), session(2)]
  one.start(8_000, 0)
  other.start(8_000, 0)
  const rtp = new Uint8Array(12 + FRAME)
  const out = new Uint8Array(MAX_RTCP_BYTES)
  for (let n = 0; n < 1_000; n++) {
    one.sent(rtp, n * 20)
    if (n % 20 !== 3) other.heard(1, n, n * FRAME, n * 20 + 40)
  }
  const send = (from: RtcpSession, to: RtcpSession, at: number): void => {
    const bytes = out.slice(0, from.compose(out, at))
    to.receive(parseRtcp(bytes)!, at + 40)
  }
  send(one, other, 20_000)
  send(other, one, 20_500)
  assert.ok(Math.abs(one.roundTripMs! - 80) < 1, `${one.roundTripMs}`)
  assert.equal(one.farLost, 50)
  assert.ok(Math.abs(one.farLostShare - 0.05) < 0.001)
  assert.equal(other.roundTripMs, null)
})

test('who sends nothing reports as a receiver, and who has heard nothing reports of nobody', () => {
  const one = session(1)
  const out = new Uint8Array(MAX_RTCP_BYTES)
  one.start(8_000, 0)
  let parsed = parseRtcp(out.slice(0, one.compose(out, 10)))!
  assert.deepEqual([parsed.sender, parsed.blocks.length], [null, 0])
  one.sent(new Uint8Array(172), 20)
  parsed = parseRtcp(out.slice(0, one.compose(out, 40, true)))!
  assert.deepEqual([parsed.sender?.packets, parsed.sender?.octets, parsed.sender?.rtpTime], [1, 160, 160])
  assert.deepEqual(parsed.byes, [1])
})

// ---------------------------------------------------------------- how it sounds

test('the estimate falls with loss and with delay, and stays between 1 and 4.5', () => {
  assert.ok(Math.abs(estimatedMos('PCMU', 0, 0) - 4.41) < 0.01)
  assert.ok(Math.abs(estimatedMos('PCMU', 0, 50) - 4.38) < 0.01)
  let last = 5
  for (let loss = 0; loss <= 100; loss += 5) {
    const mos = estimatedMos('PCMA', loss, 60)
    assert.ok(mos < last && mos >= 1, `${loss} %: ${mos}`)
    last = mos
  }
  assert.ok(estimatedMos('PCMU', 3, 60) > 3.9 && estimatedMos('PCMU', 20, 60) < 2.7)
  assert.ok(estimatedMos('PCMU', 0, 400) < 3.8)
  assert.equal(estimatedMos('PCMU', 100, 5_000), 1)
})

// ---------------------------------------------------------------- rubbish

const SEED = 'rtcp rubbish'
test(`20,000 mutated packets: nothing is thrown (seed ${SEED})`, () => {
  const random = new SeededRandom(SEED)
  const one = session(0xdead_beef)
  const seeds = [
    written(REPORT),
    written({ ...REPORT, sender: null, isBye: true }),
    written({ ...REPORT, block: null }),
  ]
  let taken = 0
  for (let n = 0; n < 20_000; n++) {
    const from = seeds[random.below(seeds.length)]!
    const bytes = from.slice(0, random.below(5) === 0 ? random.below(from.length) : from.length)
    for (let i = random.below(4); i > 0 && bytes.length > 0; i--) bytes[random.below(bytes.length)] = random.below(256)
    const rtcp = parseRtcp(bytes)
    if (rtcp === null) continue
    taken++
    one.receive(rtcp, n)
    assert.ok(one.farLostShare >= 0 && one.farLostShare <= 1)
  }
  assert.ok(taken > 2_000, `${taken} taken`)
})
