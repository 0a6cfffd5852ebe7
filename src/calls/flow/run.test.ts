// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of flows look like this
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { activeflowSchema } from '../../contract/activeflow.ts'
import { NIL_UUID } from '../../kernel/ids.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { action, FakeCall, id } from './fake-host.suite.ts'

const types = (call: FakeCall): string[] => call.events.map(({ type }) => type)

describe('a run', () => {
  test('tells its beginning, every action and its end, each as the contract shows it', () => {
    const call = new FakeCall([action('empty'), action('sleep', { duration: 5 })], {
      plan: { onCompleteFlowId: id(7), webhookUri: 'http://agent/', webhookMethod: 'PUT' },
    }).begin()
    call.woken()
    assert.deepEqual(types(call), [
      'activeflow_created',
      'activeflow_updated',
      'activeflow_updated',
      'activeflow_deleted',
    ])
    for (const { data } of call.events) activeflowSchema.parse(data)
    const last = call.events.at(-1)?.data
    assert.equal(last?.['status'], 'ended')
    assert.deepEqual([last?.['webhook_uri'], last?.['webhook_method']], ['http://agent/', 'PUT'])
    assert.deepEqual([last?.['reference_type'], last?.['reference_id']], ['call', id(3)])
    const executed = last?.['executed_actions'] as JsonObject[]
    assert.deepEqual(
      executed.map((one) => [one['type'], typeof one['tm_execute']]),
      [
        ['empty', 'string'],
        ['sleep', 'string'],
      ],
    )
    assert.deepEqual(call.rows.at(-1)?.doc, last)
  })

  test('that has no more actions is over, and hangs up', () => {
    const call = new FakeCall([action('empty')]).begin()
    assert.equal(call.run.isEnded, true)
    assert.equal(call.all('hangUp').length, 1)
    assert.equal(new FakeCall([]).begin().all('hangUp').length, 1)
  })

  test('ends once, whatever comes after', () => {
    const call = new FakeCall([action('block')]).begin().end().end().stop()
    call.give({ kind: 'continue' }).pressed('1')
    assert.equal(types(call).filter((type) => type === 'activeflow_deleted').length, 1)
    assert.deepEqual(call.executed, ['block'])
    assert.deepEqual(call.all('hangUp'), [])
  })

  test('that never began ends without a word', () => {
    const call = new FakeCall([action('block')], { plan: { onCompleteFlowId: id(7) } }).end()
    assert.deepEqual([types(call), call.all('startRun')], [[], []])
    assert.equal(call.rows.at(-1)?.doc['status'], 'ended')
  })

  test('next_id goes before the order of the list', () => {
    const call = new FakeCall([
      action('empty', {}, id(10), id(12)),
      action('hangup', {}, id(11)),
      action('block', {}, id(12)),
    ]).begin()
    assert.deepEqual(call.executed, ['empty', 'block'])
  })

  test('shows where a jump will go', () => {
    const call = new FakeCall([
      action('goto', { target_id: id(11), loop_count: 1 }),
      action('block', {}, id(11)),
    ]).begin()
    assert.ok(call.events.every(({ data }) => data['forward_action_id'] === NIL_UUID))
    assert.equal(call.current, 'block')
  })
})

describe('circles', () => {
  test('1000 moves without rest end the run', () => {
    const call = new FakeCall([action('empty', {}, id(10), id(10))]).begin()
    assert.equal(call.executed.length, 1000)
    assert.equal(call.run.isEnded, true)
  })

  test('a loop that rests goes on', () => {
    const call = new FakeCall([action('sleep', { duration: 100 }, id(10), id(10))]).begin()
    for (let i = 0; i < 3000; i++) call.woken()
    assert.equal(call.run.isEnded, false)
    assert.equal((call.run.doc()['executed_actions'] as JsonObject[]).length, 100)
  })

  test('waits of a millisecond are no rest', () => {
    const call = new FakeCall([action('sleep', { duration: 1 }, id(10), id(10))]).begin()
    while (!call.run.isEnded) call.woken()
    assert.equal(call.executed.length, 1000)
  })

  test('a flow that fetches itself ends at 100 lists', () => {
    const self = [action('fetch_flow', { flow_id: id(5) })]
    const call = new FakeCall(self).begin()
    while (!call.run.isEnded) {
      call.errandDone({ ok: true, flow: { actions: self as unknown as JsonObject[] } }).after(200)
    }
    assert.equal(call.errands.length, 100)
  })
})

describe('lists within lists', () => {
  test('each goes on where it was when the inner one has run out', () => {
    const mark = (key: string) => action('variable_set', { key, value: 'yes' })
    const fetch = () => action('fetch', { event_url: 'http://h/' })
    const call = new FakeCall([fetch(), mark('outer'), action('block')]).begin()
    call.errandDone({ ok: true, actions: [mark('first'), fetch(), mark('second')] })
    assert.equal(call.variable('second'), undefined)
    call.errandDone({ ok: true, actions: [mark('inner')] })
    assert.equal(call.current, 'block')
    assert.deepEqual(
      ['first', 'inner', 'second', 'outer'].map((name) => call.variable(name)),
      ['yes', 'yes', 'yes', 'yes'],
    )
  })

  test('next_id of the fetching action counts when the inner list has run out', () => {
    const fetch = action('fetch', { event_url: 'http://h/' }, id(10), id(12))
    const call = new FakeCall([fetch, action('hangup', {}, id(11)), action('block', {}, id(12))]).begin()
    call.errandDone({ ok: true, actions: [action('empty')] })
    assert.equal(call.current, 'block')
  })

  test('a goto of a list that is fetched again counts anew', () => {
    const inner = [action('empty', {}, id(20)), action('goto', { target_id: id(20), loop_count: 1 })]
    const fetch = () => action('fetch', { event_url: 'http://h/' })
    const call = new FakeCall([fetch(), fetch(), action('block')]).begin()
    call.errandDone({ ok: true, actions: inner }).errandDone({ ok: true, actions: inner })
    assert.equal(call.executed.filter((type) => type === 'empty').length, 4)
  })
})

describe('what comes after', () => {
  const chained = (chain: number) =>
    new FakeCall([action('empty')], {
      variables: { name: 'Ann' },
      plan: { onCompleteFlowId: id(7) },
      origin: { referenceType: 'call', referenceId: id(3), referenceActiveflowId: NIL_UUID, chain },
    }).begin()

  test('on_complete_flow_id runs once when the run is over, with its variables', () => {
    const call = chained(0).end()
    assert.deepEqual(call.all('startRun'), [
      {
        flowId: id(7),
        referenceType: 'call',
        referenceId: id(3),
        referenceActiveflowId: id(1),
        variables: { name: 'Ann', 'voipbin.call.digits': '', 'voipbin.call.id': id(3) },
        chain: 1,
      },
    ])
  })

  test('it runs when the caller hangs up too', () => {
    const call = new FakeCall([action('block')], { plan: { onCompleteFlowId: id(7) } }).begin().end()
    assert.equal(call.all('startRun').length, 1)
  })

  test('five in a row are enough', () => {
    assert.equal(chained(4).all('startRun').length, 1)
    assert.equal(chained(5).all('startRun').length, 0)
  })
})

describe('the fields of 000', () => {
  const transcription = { enabled: true, language: 'en-US', interim_results: false }

  test('a flow with a transcription and no actions answers, transcribes and stays', () => {
    const call = new FakeCall([], { isAnswered: false, plan: { transcription } }).begin()
    assert.equal(call.all('answer').length, 1)
    assert.deepEqual(call.all('startTranscribe'), [])
    call.answered()
    assert.equal(call.all('startTranscribe').length, 1)
    assert.equal(call.current, 'block')
    assert.deepEqual(call.all('hangUp'), [])
  })

  test('one with a webhook only stays too, and none of it is transcribed', () => {
    const call = new FakeCall([], { plan: { flatWebhookUrl: 'http://agent/' } }).begin()
    assert.equal(call.current, 'block')
    assert.deepEqual(call.all('startTranscribe'), [])
  })

  test('transcription starts with the answer, once, before the actions that follow it', () => {
    const call = new FakeCall([action('talk', { text: 'Hi' })], { isAnswered: false, plan: { transcription } }).begin()
    call.answered().answered()
    assert.deepEqual(
      call.asked.map(({ what }) => what),
      ['answer', 'startTranscribe', 'speak'],
    )
  })
})

describe('variables', () => {
  const said = (text: string, variables: Record<string, string>) => {
    const call = new FakeCall([action('talk', { text })], { variables }).begin()
    return (call.all('speak')[0] as { words: string } | undefined)?.words
  }

  test('unknown names become nothing, known ones their value, once', () => {
    assert.equal(said('a ${x} b ${ y } c ${constructor} d', { x: '${y}', y: '2' }), 'a ${y} b 2 c  d')
  })

  test('ours cannot be given by a client', () => {
    const variables = { 'voipbin.call.id': 'forged' }
    const call = new FakeCall([action('block')], { variables }).begin()
    assert.equal(call.variable('voipbin.call.id'), id(3))
  })

  test('an option that makes no sense once filled in skips the action', () => {
    for (const one of [
      action('sleep', { duration: '${x}' }),
      action('digits_send', { digits: '${x}' }),
      action('play', { stream_urls: ['${x}'] }),
      action('webhook_send', { uri: '${x}' }),
      action('fetch_flow', { flow_id: '${x}' }),
      action('goto', { target_id: '${x}', loop_count: 2 }),
      action('talk', { text: '${nothing}' }),
    ]) {
      const call = new FakeCall([one, action('block')], { variables: { x: 'nonsense' } }).begin()
      assert.deepEqual([call.current, call.errands.length], ['block', 0], one.type)
      assert.ok(!call.skipped.some((line) => line.includes('nonsense')), 'no values in the log')
    }
  })

  test('a number may come from a variable', () => {
    const call = new FakeCall([action('sleep', { duration: '${ms}' })], { variables: { ms: '250' } }).begin()
    assert.equal(call.wakeAt, call.now + 250)
  })

  test('what doubles itself stops at the limits, and what is left is small', () => {
    const double = action('variable_set', { key: 'x', value: '${x}${x}' }, id(10), id(10))
    const call = new FakeCall([double], { variables: { x: 'ab' } }).begin()
    assert.equal(call.run.isEnded, true)
    assert.ok(call.variable('x')!.length <= 32 * 1024)
    const flood = action('webhook_send', { uri: 'http://h/', data: '${x}'.repeat(10_000) })
    const sent = new FakeCall([flood, action('block')], { variables: { x: 'y'.repeat(30_000) } }).begin()
    assert.equal(sent.current, 'block')
    assert.deepEqual(sent.errands, [])
  })
})

test('without a call what needs one is skipped at once, the rest runs', () => {
  const call = new FakeCall(
    [
      action('answer'),
      action('talk', { text: 'Hi' }),
      action('play', { stream_urls: ['file:a.wav'] }),
      action('digits_receive', { duration: 5000 }),
      action('connect', { destinations: [{ target: '+15551234567' }] }),
      action('transcribe_start', { language: 'en-US' }),
      action('hangup'),
      action('variable_set', { key: 'a', value: '1' }),
      action('sleep', { duration: 10 }),
    ],
    { hasMedia: false },
  ).begin()
  assert.equal(call.current, 'sleep')
  assert.deepEqual(call.asked, [])
  assert.equal(call.skipped.length, 7)
  assert.equal(call.skipped[1], 'talk: it needs a call')
  assert.equal(call.variable('a'), '1')
})

describe('a menu', () => {
  const menu = () =>
    new FakeCall(
      [
        action('answer', {}, id(10)),
        action('talk', { text: 'Press 1 for sales, 2 for support.', digits_handle: 'next' }, id(11)),
        action('digits_receive', { duration: 3000, length: 1 }, id(12)),
        action('branch', { target_ids: { 1: id(20), 2: id(22) }, default_target_id: id(14) }, id(13)),
        action('goto', { target_id: id(11), loop_count: 2 }, id(14)),
        action('talk', { text: 'Goodbye.' }, id(15)),
        action('hangup', {}, id(16)),
        action('talk', { text: 'Sales.' }, id(20)),
        action('connect', { destinations: [{ target: '+15551234567' }] }, id(21), id(16)),
        action('talk', { text: 'Support.' }, id(22), id(16)),
      ],
      { isAnswered: false },
    )
      .begin()
      .answered()
  const words = (call: FakeCall) => call.all('speak').map((one) => (one as { words: string }).words)

  test('a key during the prompt chooses at once', () => {
    const call = menu().pressed('1')
    assert.equal(words(call).at(-1), 'Sales.')
    call.said()
    assert.equal(call.all('connect').length, 1)
    call.give({ kind: 'connectOver', wasConnected: true, reason: 'normal' })
    assert.equal(call.all('hangUp').length, 1)
  })

  test('a key after it too', () => {
    const call = menu().said().pressed('2').said()
    assert.deepEqual(words(call), ['Press 1 for sales, 2 for support.', 'Support.'])
    assert.equal(call.all('hangUp').length, 1)
  })

  test('a wrong key and silence ask again, twice, and then it is over', () => {
    const call = menu().pressed('9').said().woken().said().woken()
    assert.equal(words(call).filter((one) => one.startsWith('Press')).length, 3)
    assert.equal(words(call).at(-1), 'Goodbye.')
    assert.equal(call.said().all('hangUp').length, 1)
  })
})
