import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, type Millis, VirtualClock } from '../kernel/clock.ts'
import { SeededRandom } from '../kernel/random.ts'
import { MemoryNetwork } from '../net/memory.ts'
import type { DatagramSocket } from '../net/port.ts'
import { emptyRtpHeader, parseRtp, type RtpHeader, writeRtpHeader } from '../rtp/packet.ts'
import { PhoneSound } from './sound.ts'

/** A clock that wakes its sleepers `lateMs` after their time. */
class LateClock implements Clock {
  lateMs = 0
  readonly #clock: VirtualClock
  constructor(clock: VirtualClock) {
    this.#clock = clock
  }
  now = (): Millis => this.#clock.now()
  wallMicros = (): number => this.#clock.wallMicros()
  schedule: Clock['schedule'] = (at, task) => this.#clock.schedule(at + this.lateMs, task)
}

interface Bench {
  readonly clock: VirtualClock
  readonly late: LateClock
  readonly sound: PhoneSound
  readonly far: DatagramSocket
  readonly other: DatagramSocket
  /** Headers that reached the far end, and those that reached the other one. */
  readonly atFar: RtpHeader[]
  readonly atOther: RtpHeader[]
}

async function bench(): Promise<Bench> {
  const clock = new VirtualClock(0)
  const late = new LateClock(clock)
  const network = new MemoryNetwork(clock, new SeededRandom('sound'))
  const headers = { far: [] as RtpHeader[], other: [] as RtpHeader[] }
  const into = (list: RtpHeader[]) => (bytes: Uint8Array) => {
    const header = emptyRtpHeader()
    assert.ok(parseRtp(bytes, header))
    list.push(header)
  }
  const far = await network.bind({ address: 'far', port: 0 }, into(headers.far))
  const other = await network.bind({ address: 'other', port: 0 }, into(headers.other))
  const taken = await network.bind({ address: 'phone', port: 4_000 }, () => {})
  const sound = await PhoneSound.open({
    network,
    clock: late,
    localAddress: 'phone',
    localPorts: [4_000, 4_002],
    sendSilence: true,
    ssrc: 1,
    firstSequence: 65_530,
    firstRtpTime: 0xffff_ff00,
  })
  taken.close()
  return { clock, late, sound, far, other, atFar: headers.far, atOther: headers.other }
}

const FORMAT = { codec: 'PCMU', payloadType: 0, dtmfPayloadType: 101, isSending: true } as const

function packet(sequence: number, payloadType = 0): Uint8Array {
  const bytes = new Uint8Array(172).fill(0x20, 12)
  writeRtpHeader(bytes, payloadType, false, sequence, sequence * 160, 9)
  return bytes
}

test('the first free port of the list is taken', async () => {
  const { sound } = await bench()
  assert.equal(sound.localPort, 4_002)
  sound.close()
})

test('a late clock does not move the grid: missed frames follow at once', async () => {
  const { clock, late, sound, far, atFar } = await bench()
  sound.start({ ...FORMAT, remote: far.local })
  clock.advanceTo(100)
  late.lateMs = 45
  clock.advanceTo(1_000)
  late.lateMs = 0
  clock.advanceTo(2_010)
  assert.equal(atFar.length, 101)
  assert.ok(sound.stats.lateFrames > 10)
  assert.equal(sound.stats.skippedFrames, 0)
  assert.ok(atFar.slice(1).every(({ rtpTime }, index) => (rtpTime - atFar[index]!.rtpTime) >>> 0 === 160))
  sound.close()
})

test('a clock that is much too late skips frames, and the RTP time jumps with a marker', async () => {
  const { clock, late, sound, far, atFar } = await bench()
  sound.start({ ...FORMAT, remote: far.local })
  late.lateMs = 500
  clock.advanceTo(30)
  late.lateMs = 0
  clock.advanceTo(2_010)
  assert.equal(sound.stats.skippedFrames + atFar.length, 101)
  const jumps = atFar.filter(({ marker }) => marker)
  assert.equal(jumps.length, 2)
  assert.equal((atFar.at(-1)!.rtpTime - atFar[0]!.rtpTime) >>> 0, 100 * 160)
  sound.close()
})

test('sound goes to where sound comes from, and a stranger cannot take it over', async () => {
  const { clock, sound, far, other, atFar, atOther } = await bench()
  let frames = 0
  sound.onFrame = () => frames++
  sound.start({ ...FORMAT, remote: far.local })
  const phone = { address: 'phone', port: sound.localPort }
  clock.advanceTo(10)
  other.send(packet(1), phone)
  clock.advanceTo(100)
  assert.equal(atOther.length, 4)
  far.send(packet(500), phone)
  clock.advanceTo(200)
  assert.equal(sound.stats.strange, 1)
  clock.advanceTo(2_000)
  far.send(packet(501), phone)
  clock.advanceTo(2_100)
  assert.equal(frames, 2)
  assert.ok(atFar.length >= 5)
  sound.close()
})

test('what is no sound of this call is counted and changes nothing', async () => {
  const { clock, sound, far, other, atOther } = await bench()
  const phone = { address: 'phone', port: sound.localPort }
  far.send(packet(1), phone)
  clock.advanceTo(10)
  sound.start({ ...FORMAT, remote: far.local })
  other.send(packet(1, 77), phone)
  other.send(packet(1, 13), phone)
  other.send(new Uint8Array(5), phone)
  clock.advanceTo(100)
  assert.equal(sound.stats.strange, 4)
  assert.equal(atOther.length, 0)
  sound.close()
})

test('on hold nothing is sent, and the grid goes on where it would be', async () => {
  const { clock, sound, far, atFar } = await bench()
  sound.start({ ...FORMAT, remote: far.local })
  clock.advanceTo(90)
  sound.start({ ...FORMAT, remote: far.local, isSending: false })
  clock.advanceTo(990)
  assert.equal(atFar.length, 5)
  sound.start({ ...FORMAT, remote: far.local })
  clock.advanceTo(1_010)
  assert.equal(atFar.length, 6)
  assert.equal((atFar[5]!.rtpTime - atFar[0]!.rtpTime) >>> 0, 50 * 160)
  assert.equal(atFar[5]!.marker, true)
  sound.close()
  assert.equal(clock.pending(), 0)
})

test('closed sound answers what is asked of it and stays silent', async () => {
  const { clock, sound, far, atFar } = await bench()
  const spoken = sound.speak(new Int16Array(1_000))
  sound.close()
  sound.close()
  sound.start({ ...FORMAT, remote: far.local })
  clock.advanceTo(100)
  assert.deepEqual(await spoken, { firstAt: 0, lastAt: 0 })
  assert.deepEqual(await sound.speak(new Int16Array(160)), { firstAt: 100, lastAt: 100 })
  assert.equal(atFar.length, 0)
})
