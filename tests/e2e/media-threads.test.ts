/** Two media threads as they ship: one dies, with its calls; the calls of the other do not notice. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { FarPhone } from './far-phone.ts'
import { type House, openHouse, phoneIn } from './house.ts'
import { until } from './until.ts'

const LONG = 'Thank you for calling, all of our people are speaking at the moment, but your call is important to us.'

test('a media thread that dies ends its own calls; the other’s goes on sounding, and both threads take calls again', {
  timeout: 60_000,
}, async (t) => {
  const house = await openHouse(t, '21000-21098', { QUIETLINE_MEDIA_THREADS: '2' })
  const { node, api, phone } = house
  const { media } = node.parts.threads
  assert.equal(media.length, 2)
  const firstId = await phoneIn(house)
  const { phone: other, callId: secondId } = await anotherCall(t, house)
  const speaking = await api.speakOn(secondId)
  await api.say(speaking.id, LONG)
  await until('it sounds', () => other.lastVoicedAt() > 0)

  await media[0]!.kill()
  await until('the first phone is told', () => phone.end !== null)
  await until('that is told', () => api.of('call_hangup').length === 1)
  assert.deepEqual([api.of('call_hangup')[0].id, api.of('call_hangup')[0].hangup_reason], [firstId, 'failed'])
  await until('the other sentence is heard to its end', () => api.of('speaking_say_finished').length === 1, 15_000)
  assert.equal(api.of('speaking_say_finished')[0].text_heard, LONG)
  assert.ok(other.isUp)

  await until('the thread is back', () => media[0]!.isReady)
  const again = await api.speakOn((await anotherCall(t, house)).callId)
  await api.say(again.id, 'Here we are.')
  await until('it is heard', () => api.of('speaking_say_finished').length === 2, 10_000)
})

const TRIES = 20

/** On a busy machine the server may have no room for a moment: who is refused calls again. */
async function anotherCall(t: TestContext, house: House): Promise<{ phone: FarPhone; callId: string }> {
  for (let n = 1; ; n++) {
    const phone = await FarPhone.open(house.node.sipPort, `other ${n}`)
    t.after(() => phone.close())
    try {
      return { phone, callId: await phoneIn({ ...house, phone }) }
    } catch (cause) {
      if (n === TRIES) throw cause
      await wait(500)
    }
  }
}
