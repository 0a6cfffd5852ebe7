import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../kernel/clock.ts'
import { SeededRandom } from '../kernel/random.ts'
import { MemoryNetwork } from '../net/memory.ts'
import { makeAnswer, makeOffer } from '../sdp/negotiate.ts'
import { SipPhoneCall } from './call.ts'
import { PHONE_CALL } from './call-states.ts'
import { PhoneSound } from './sound.ts'

const MEDIA = {
  address: 'phone',
  port: 4_000,
  sessionId: '1',
  version: 1,
  codecs: ['PCMU'],
  direction: 'sendrecv',
} as const
const FAR = { ...MEDIA, address: 'far', port: 5_000 }

async function call(offer: string): Promise<{ call: SipPhoneCall; told: string[]; clock: VirtualClock }> {
  const clock = new VirtualClock()
  const told: string[] = []
  const sound = await PhoneSound.open({
    network: new MemoryNetwork(clock, new SeededRandom('call')),
    clock,
    localAddress: 'phone',
    localPorts: [4_000],
    sendSilence: true,
    ssrc: 1,
    firstSequence: 1,
    firstRtpTime: 1,
  })
  const control = {
    ringEarly: () => undefined,
    accept: (body: string) => void told.push(`accept ${body}`),
    reject: (code: number, phrase: string) => void told.push(`reject ${code} ${phrase}`),
    cancel: () => void told.push('cancel'),
    bye: () => void told.push('bye'),
    answerOffer: (body: string | null) => void told.push(`answer ${body}`),
    request: (method: string) => void told.push(method),
    dialog: () => null,
  }
  const setup = { sipCallId: 'x', state: 'incoming', sound, media: MEDIA, control, offer, sentOffer: null } as const
  return { call: new SipPhoneCall(setup), told, clock }
}

test('an offer of ours in the 200 is completed by the answer in the ACK', async () => {
  const { call: incoming, told, clock } = await call('')
  incoming.answer()
  const offer = told[0]!.replace('accept ', '')
  assert.equal(incoming.stats.packetsSent, 0)
  const answer = makeAnswer(offer, FAR)
  assert.ok(answer.ok)
  incoming.confirmed(answer.value.text)
  clock.advanceTo(clock.now() + 100)
  assert.equal(incoming.stats.packetsSent, 6)
  assert.equal(incoming.state, 'answered')
})

test('an offer without a codec of ours is refused with 488, in a new call and in a standing one', async () => {
  const useless = makeOffer({ ...FAR, codecs: ['PCMA'] })
  const fresh = await call(useless)
  fresh.call.answer()
  assert.deepEqual(fresh.told, ['reject 488 Not Acceptable Here'])
  const standing = await call(makeOffer(FAR))
  standing.call.answer()
  standing.call.offered(useless)
  assert.equal(standing.told.at(-1), 'answer null')
  assert.equal(standing.call.state, 'answered')
})

test('every state hears a hang-up, and the second one does nothing', async () => {
  const { call: incoming, told } = await call(makeOffer(FAR))
  incoming.answer()
  incoming.hangup()
  incoming.hangup()
  assert.deepEqual(told.slice(1), ['bye'])
  for (const cells of Object.values(PHONE_CALL)) assert.notEqual(cells.hangup, 'bug')
})

test('the answer that crosses our CANCEL is ended with BYE', () => {
  assert.deepEqual(PHONE_CALL.ended.answered, { to: 'ended', run: ['bye'] })
})
