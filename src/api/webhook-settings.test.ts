import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Row } from '../store/port.ts'
import { sampleEvent, sampleRow } from '../store/samples.ts'
import { parseDestination, printDestination, WebhookSettings } from './webhook-settings.ts'

const C = 'customer-1'
const EVENT = sampleEvent()

function row(uri: string): Row {
  return sampleRow({ id: C, customer_id: C, doc: { webhook_uri: uri, webhook_method: '', webhook_secret: 'key' } })
}

describe('webhook settings', () => {
  test('are read once, however many ask together', async () => {
    let reads = 0
    const settings = new WebhookSettings({
      async get() {
        reads += 1
        return row('http://a/')
      },
    })
    const asked = await Promise.all([settings.of(C, EVENT), settings.of(C, EVENT), settings.secretOf(C)])
    assert.deepEqual(asked, [['webhook:POST:http://a/'], ['webhook:POST:http://a/'], 'key'])
    assert.deepEqual(settings.of(C, EVENT), ['webhook:POST:http://a/'], 'known without a wait')
    assert.equal(reads, 1)
  })

  test('what was noted during a read is newer than what was read', async () => {
    const read = Promise.withResolvers<Row | null>()
    const settings = new WebhookSettings({ get: () => read.promise })
    const early = settings.of(C, EVENT)
    settings.note([{ table: 'customers', row: row('http://new/') }])
    read.resolve(row('http://old/'))
    await early
    assert.deepEqual(settings.of(C, EVENT), ['webhook:POST:http://new/'])
  })

  test('a read that failed, and a customer that is not there, are asked again', async () => {
    const answers = [() => Promise.reject(new Error('down')), async () => null, async () => row('http://a/')]
    const settings = new WebhookSettings({ get: () => answers.shift()!() })
    await assert.rejects(Promise.resolve(settings.of(C, EVENT)), /down/)
    assert.deepEqual(await settings.of(C, EVENT), [])
    assert.deepEqual(await settings.of(C, EVENT), ['webhook:POST:http://a/'])
  })

  test('a destination is printed and read', () => {
    const target = { method: 'PUT', url: 'http://[::1]:80/a:b?c' }
    assert.deepEqual(parseDestination(printDestination(target)), target)
    for (const wrong of ['', 'webhook:', 'webhook:POST:', 'mail:POST:x', 'webhook:post:http://x'])
      assert.equal(parseDestination(wrong), null)
  })
})
