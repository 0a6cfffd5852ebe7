// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of flows look like this
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { actionSkippedSchema } from '../../contract/events.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { action, FakeCall, id } from './fake-host.suite.ts'

const PHONE = { type: 'tel', target: '+15551234567', target_name: '', name: '', detail: '' }
const START = action('empty')

describe('answer', () => {
  test('answers a ringing call and goes on when that is done', () => {
    const call = new FakeCall([action('answer'), action('block')], { isAnswered: false }).begin()
    assert.equal(call.all('answer').length, 1)
    assert.equal(call.current, 'answer')
    assert.equal(call.answered().current, 'block')
  })

  test('does nothing on a call that is answered', () => {
    const call = new FakeCall([action('answer'), action('block')]).begin()
    assert.equal(call.all('answer').length, 0)
    assert.equal(call.current, 'block')
  })
})

describe('talk', () => {
  test('speaks, and goes on when all was said', () => {
    const call = new FakeCall([action('talk', { text: 'Hi', gender: 'male' }), action('block')]).begin()
    assert.deepEqual(call.all('speak'), [{ words: 'Hi', voiceId: '', language: 'en-US', gender: 'male', voice: '' }])
    assert.equal(call.current, 'talk')
    assert.equal(call.said().current, 'block')
  })

  test('answers first when need be', () => {
    const call = new FakeCall([action('talk', { text: 'Hi' })], { isAnswered: false }).begin()
    assert.deepEqual(call.all('speak'), [])
    assert.equal(call.answered().all('speak').length, 1)
  })

  test('async goes on at once, and the end of it does not end a later one', () => {
    const talks = [action('talk', { text: 'One', async: true }), action('talk', { text: 'Two' }), action('block')]
    const call = new FakeCall(talks).begin()
    assert.equal(call.all('speak').length, 2)
    assert.equal(call.said(1).current, 'talk')
    assert.equal(call.said(2).current, 'block')
  })

  test('a key ends it with digits_handle next, and is the first of the digits', () => {
    const call = new FakeCall([
      action('talk', { text: 'Press a key', digits_handle: 'next' }),
      action('digits_receive', { length: 2, duration: 1000 }),
      action('block'),
    ]).begin()
    call.pressed('7')
    assert.equal(call.all('flush').length, 1)
    assert.equal(call.current, 'digits_receive')
    assert.equal(call.said(1).current, 'digits_receive')
    assert.equal(call.pressed('8').current, 'block')
    assert.equal(call.variable('voipbin.call.digits'), '78')
  })

  test('without it a key changes nothing', () => {
    const call = new FakeCall([action('talk', { text: 'Hi' }), action('block')]).begin().pressed('1')
    assert.equal(call.current, 'talk')
    assert.deepEqual(call.all('flush'), [])
  })
})

describe('sound', () => {
  test('play goes through its files, whatever becomes of each', () => {
    const urls = ['file:a.wav', 'http://h/gone.wav', 'https://h/c.wav']
    const call = new FakeCall([action('play', { stream_urls: urls }), action('block')]).begin().said().said()
    assert.equal(call.current, 'play')
    assert.deepEqual(
      call.all('play'),
      urls.map((url) => ({ kind: 'url', url })),
    )
    assert.equal(call.said().current, 'block')
  })

  test('beep is a tone of 1 kHz and 0.3 s', () => {
    const call = new FakeCall([action('beep'), action('block')]).begin()
    assert.deepEqual(call.all('play'), [{ kind: 'tone', hz: 1000, ms: 300 }])
    assert.equal(call.said().current, 'block')
  })

  test('echo runs for its time', () => {
    for (const type of ['echo', 'stream_echo']) {
      const call = new FakeCall([action(type, { duration: 700 }), action('block')]).begin()
      assert.deepEqual(call.all('echo'), [true])
      assert.equal(call.wakeAt, call.now + 700)
      assert.equal(call.woken().current, 'block')
      assert.deepEqual(call.all('echo'), [true, false])
    }
  })

  test('mute silences both ways unless a direction is given', () => {
    const call = new FakeCall([action('mute'), action('mute', { direction: 'in' }), action('block')]).begin()
    assert.deepEqual(call.all('mute'), ['both', 'in'])
  })
})

describe('sleep, hangup, stop, block, empty', () => {
  test('sleep keeps the call for its time', () => {
    const call = new FakeCall([action('sleep', { duration: 600_000 }), action('block')]).begin()
    assert.equal(call.wakeAt, call.now + 600_000)
    assert.equal(call.woken().current, 'block')
  })

  test('hangup ends the call with its reason, and nothing runs after it', () => {
    for (const [reason, told] of [
      ['busy', 'busy'],
      ['', 'normal'],
      ['because', 'normal'],
    ]) {
      const call = new FakeCall([action('hangup', { reason: reason! }), action('block')]).begin()
      assert.deepEqual(call.all('hangUp'), [told])
      assert.equal(call.give({ kind: 'continue' }).current, 'hangup')
    }
  })

  test('stop ends the flow and hangs up', () => {
    const call = new FakeCall([action('stop'), action('block')]).begin()
    assert.equal(call.run.isEnded, true)
    assert.equal(call.all('hangUp').length, 1)
    assert.deepEqual(call.executed, ['stop'])
  })

  test('block waits for a continue from outside and nothing else', () => {
    const call = new FakeCall([action('block'), action('sleep', { duration: 5 })]).begin()
    call.give({ kind: 'timer' }).pressed('1').said().errandDone()
    assert.equal(call.current, 'block')
    assert.equal(call.give({ kind: 'continue' }).current, 'sleep')
  })
})

describe('transcribe', () => {
  test('start goes on at once; a variable may be its language', () => {
    const call = new FakeCall(
      [action('transcribe_start', { language: '${customer_language}', direction: 'in' }), action('block')],
      { variables: { customer_language: 'en' } },
    ).begin()
    assert.deepEqual(call.all('startTranscribe'), [
      { language: 'en-US', direction: 'in', provider: '', onEndFlowId: '00000000-0000-0000-0000-000000000000' },
    ])
    assert.equal(call.current, 'block')
  })

  test('a variable that holds no language starts nothing', () => {
    for (const variables of [{}, { l: 'klingonese' }]) {
      const actions = [action('transcribe_start', { language: '${l}' }), action('block')]
      const call = new FakeCall(actions, { variables }).begin()
      assert.deepEqual([call.all('startTranscribe'), call.current], [[], 'block'])
    }
  })

  test('what no engine serves is left out, once told why, without answering the call', () => {
    const actions = [
      action('transcribe_start', { language: '${l}' }),
      action('talk', { text: 'Hi', language: '${l}' }),
      action('block'),
    ]
    for (const l of ['ja-JP', 'ja', 'klingonese']) {
      const call = new FakeCall(actions, { variables: { l }, isAnswered: false }).begin()
      assert.deepEqual([call.current, call.asked], ['block', []])
      const told = call.events.filter(({ type }) => type === 'activeflow_action_skipped')
      assert.deepEqual(
        told.map(({ data }) => [data['type'], data['reason'], data['action_id'], data['activeflow_id']]),
        [
          ['transcribe_start', 'no engine recognises the language', actions[0]!.id, id(1)],
          ['talk', 'no engine speaks the language', actions[1]!.id, id(1)],
        ],
      )
      for (const { data } of told) actionSkippedSchema.parse(data)
    }
  })

  test('stop ends what the flow started', () => {
    const call = new FakeCall([action('transcribe_stop'), action('block')]).begin()
    assert.equal(call.all('stopTranscribe').length, 1)
    assert.equal(call.current, 'block')
  })
})

describe('connect and call', () => {
  test('connect dials and goes on when the other side has left or nobody came', () => {
    for (const wasConnected of [true, false]) {
      const option = { destinations: [{ target: '${who}' }], early_media: true, anonymous: true }
      const call = new FakeCall([action('connect', option), action('block')], {
        variables: { who: '+15551234567' },
      }).begin()
      assert.deepEqual(call.all('connect'), [
        { source: null, destinations: [PHONE], earlyMedia: true, relayReason: false, anonymous: true },
      ])
      assert.equal(call.current, 'connect')
      assert.equal(call.give({ kind: 'connectOver', wasConnected, reason: 'busy' }).current, 'block')
    }
  })

  test('a destination that a variable made impossible skips it', () => {
    const connect = action('connect', { destinations: [{ type: 'tel', target: '${nobody}' }] })
    const call = new FakeCall([connect, action('block')]).begin()
    assert.deepEqual([call.all('connect'), call.current], [[], 'block'])
  })

  test('call does not wait, hands on own variables, and leaves its inner actions as they are', () => {
    const inner = [action('talk', { text: 'You are ${voipbin.call.destination.target}' })]
    const call = new FakeCall(
      [
        action('call', { destinations: [PHONE], actions: inner as unknown as JsonObject[], flow_id: id(9) }),
        action('block'),
      ],
      { variables: { name: 'Ann' } },
    ).begin()
    assert.deepEqual(call.all('dial'), [
      {
        source: null,
        destinations: [PHONE],
        anonymous: false,
        flowId: id(9),
        actions: inner,
        variables: { name: 'Ann' },
      },
    ])
    assert.equal(call.current, 'block')
  })
})

describe('digits_receive', () => {
  const receive = (option: JsonObject) => new FakeCall([START, action('digits_receive', option), action('block')])

  test('ends at its length', () => {
    const call = receive({ duration: 5000, length: 3 }).begin().pressed('12')
    assert.equal(call.current, 'digits_receive')
    assert.equal(call.pressed('#').current, 'block')
    assert.equal(call.variable('voipbin.call.digits'), '12#')
  })

  test('ends at its key, which is part of the value', () => {
    const call = receive({ duration: 5000, key: '#' }).begin().pressed('42#')
    assert.equal(call.current, 'block')
    assert.equal(call.variable('voipbin.call.digits'), '42#')
  })

  test('ends with its time, with what there is', () => {
    const call = receive({ duration: 5000, length: 4 }).begin()
    assert.equal(call.wakeAt, call.now + 5000)
    assert.equal(call.pressed('9').woken().current, 'block')
    assert.equal(call.variable('voipbin.call.digits'), '9')
  })

  test('a time of 0 takes only a key that was pressed before; no time given is ten seconds', () => {
    const now = receive({ duration: 0 })
    now.key = '5'
    assert.equal(now.begin().current, 'block')
    assert.equal(now.variable('voipbin.call.digits'), '5')
    const later = receive({}).begin()
    assert.equal(later.wakeAt, later.now + 10_000)
  })

  test('a key pressed earlier counts first, once', () => {
    const actions = [action('digits_receive', { length: 2 }), action('digits_receive', { length: 1 }), action('block')]
    const call = new FakeCall(actions)
    call.key = '3'
    call.begin().pressed('4')
    assert.equal(call.variable('voipbin.call.digits'), '')
    assert.equal(call.current, 'digits_receive')
    assert.deepEqual(call.executed.length, 2)
    call.pressed('5')
    assert.equal(call.variable('voipbin.call.digits'), '5')
    assert.equal(call.current, 'block')
  })

  test('each one begins with nothing', () => {
    const call = receive({ duration: 5000 })
    call.begin().pressed('1').woken()
    const again = new FakeCall([action('digits_receive', { duration: 100 }), action('block')], {
      ours: { 'voipbin.call.digits': '99' },
    }).begin()
    assert.equal(again.woken().variable('voipbin.call.digits'), '')
  })
})

test('digits_send waits until they are sent, and never for ever', () => {
  const actions = [action('digits_send', { digits: '12#', duration: 100, interval: 50 }), action('block')]
  const call = new FakeCall(actions).begin()
  assert.deepEqual(call.all('sendDigits'), [{ digits: '12#', durationMs: 100, gapMs: 50 }])
  assert.equal(call.give({ kind: 'digitsSent' }).current, 'block')
  assert.equal(new FakeCall(actions).begin().woken().current, 'block')
})

describe('branch and goto', () => {
  const targets = [action('sleep', { duration: 1 }, id(11)), action('block', {}, id(12))]

  test('branch jumps by the value and empties the variable', () => {
    for (const [digits, current] of [
      ['1', 'sleep'],
      ['2', 'block'],
      ['7', 'block'],
    ]) {
      const branch = action('branch', { target_ids: { 1: id(11), 2: id(12) }, default_target_id: id(12) })
      const call = new FakeCall([branch, action('hangup'), ...targets], { ours: { 'voipbin.call.digits': digits! } })
      assert.equal(call.begin().current, current)
      assert.equal(call.variable('voipbin.call.digits'), '')
    }
  })

  test('a value without a target and without a default goes on', () => {
    const call = new FakeCall([action('branch', { target_ids: { 1: id(11) } }), action('block'), ...targets]).begin()
    assert.deepEqual(call.executed, ['branch', 'block'])
  })

  test('branch reads any variable, by its name or as ${name}', () => {
    for (const variable of ['mood', '${mood}', ' ${ mood } ']) {
      const branch = action('branch', { variable: variable.trim(), target_ids: { good: id(12) } })
      const call = new FakeCall([branch, ...targets], { variables: { mood: 'good' } }).begin()
      assert.deepEqual([call.current, call.variable('mood')], ['block', ''])
    }
  })

  test('goto jumps as often as it may, then goes on; 0 and none skip it', () => {
    for (const [loops, expected] of [
      [2, 3],
      [0, 1],
      [undefined, 1],
    ] as const) {
      const option = loops === undefined ? { target_id: id(20) } : { target_id: id(20), loop_count: loops }
      const call = new FakeCall([action('variable_set', { key: 'x' }, id(20)), action('goto', option), action('block')])
      assert.equal(call.begin().executed.filter((type) => type === 'variable_set').length, expected)
      assert.equal(call.current, 'block')
    }
  })

  test('every goto counts for itself', () => {
    const call = new FakeCall([
      action('empty', {}, id(20)),
      action('goto', { target_id: id(20), loop_count: 2 }),
      action('goto', { target_id: id(20), loop_count: 1 }),
      action('block'),
    ]).begin()
    // 1 + 2 loops of the first, 1 of the second, after which the first may no more.
    assert.equal(call.executed.filter((type) => type === 'empty').length, 4)
  })
})

describe('conditions', () => {
  const reached = (type: string, option: JsonObject, options: ConstructorParameters<typeof FakeCall>[1] = {}) => {
    const actions = [
      action(type, { ...option, false_target_id: id(31) }),
      action('block'),
      action('sleep', { duration: 9 }, id(31)),
    ]
    return new FakeCall(actions, options).begin().current === 'block'
  }

  test('condition_variable compares texts, numbers and lengths', () => {
    const variables = { name: 'Ann', age: '42', empty: '' }
    const rows: [JsonObject, boolean][] = [
      [{ condition: '==', variable: '${name}', value_string: 'Ann' }, true],
      [{ condition: '==', variable: 'name', value_type: 'string', value_string: 'Ann' }, true],
      [{ condition: '!=', variable: '${name}', value_string: 'Ann' }, false],
      [{ condition: '<', variable: '${name}', value_string: 'Bob' }, true],
      [{ condition: '==', variable: '${nobody}' }, true],
      [{ condition: '>=', variable: '${age}', value_type: 'number', value_number: 42 }, true],
      [{ condition: '>', variable: '${age}', value_type: 'number', value_number: 42 }, false],
      [{ condition: '<', variable: '${age}', value_type: 'number', value_number: '${age}' }, false],
      [{ condition: '<=', variable: '${name}', value_type: 'number', value_number: 1 }, false],
      [{ condition: '==', variable: '${empty}', value_type: 'number', value_number: 0 }, false],
      [{ condition: '==', variable: '${name}', value_type: 'length', value_length: 3 }, true],
      [{ condition: '==', variable: '${empty}', value_type: 'length' }, true],
    ]
    for (const [option, holds] of rows) {
      assert.equal(reached('condition_variable', option, { variables }), holds, JSON.stringify(option))
    }
  })

  test('condition_datetime looks at the moment in UTC; parts not given count for nothing', () => {
    // Thursday 2026-01-15 09:30
    const rows: [JsonObject, boolean][] = [
      [{ condition: '>=', hour: 9, minute: -1, day: -1, month: 0 }, true],
      [{ condition: '<', hour: 18 }, true],
      [{ condition: '>=', hour: 9, minute: 45 }, false],
      [{ condition: '>=', hour: 8, minute: 45 }, true],
      [{ condition: '==', month: 1, day: 15 }, true],
      [{ condition: '!=', month: 1, day: 15 }, false],
      [{ condition: '==', weekdays: [1, 2, 3, 4, 5] }, true],
      [{ condition: '==', weekdays: [0, 6] }, false],
      [{ condition: '==', hour: 10, weekdays: [4] }, false],
      [{ condition: '==' }, true],
    ]
    for (const [option, holds] of rows) {
      assert.equal(reached('condition_datetime', option), holds, JSON.stringify(option))
    }
  })

  test('condition_call_digits and condition_call_status', () => {
    const ours = { 'voipbin.call.digits': '12#' }
    assert.equal(reached('condition_call_digits', { length: 3 }, { ours }), true)
    assert.equal(reached('condition_call_digits', { length: 4 }, { ours }), false)
    assert.equal(reached('condition_call_digits', { key: '#' }, { ours }), true)
    assert.equal(reached('condition_call_digits', { key: '*' }, { ours }), false)
    assert.equal(reached('condition_call_status', { status: 'progressing' }), true)
    assert.equal(reached('condition_call_status', { status: 'ringing' }), false)
    assert.equal(reached('condition_call_status', { status: 'progressing' }, { hasMedia: false }), false)
  })
})

describe('errands', () => {
  test('webhook_send sends its data as it is, and waits only when it is told to', () => {
    const option = { uri: 'http://agent/hook', data: '{"caller":"${name}"}' }
    const sent = {
      kind: 'send',
      uri: 'http://agent/hook',
      method: 'POST',
      contentType: 'application/json',
      body: '{"caller":"Ann"}',
    }
    const variables = { name: 'Ann' }
    const call = new FakeCall([action('webhook_send', option), action('block')], { variables }).begin()
    assert.deepEqual([call.errands, call.current], [[sent], 'block'])
    const patient = new FakeCall([action('webhook_send', { ...option, sync: true }), action('block')], { variables })
    assert.equal(patient.begin().current, 'webhook_send')
    assert.equal(patient.errandDone({ ok: false, why: 'x' }, 99).current, 'webhook_send')
    assert.equal(patient.errandDone({ ok: false, why: 'status 500' }).current, 'block')
  })

  test('an errand that nobody answers does not hold the flow for ever', () => {
    for (const one of [
      action('webhook_send', { uri: 'http://h/', sync: true }),
      action('fetch', { event_url: 'http://h/' }),
      action('fetch_flow', { flow_id: id(5) }),
    ]) {
      const call = new FakeCall([one, action('block')]).begin()
      assert.equal(call.woken().current, 'block')
    }
  })

  test('fetched actions run before the rest, then the rest goes on', () => {
    const call = new FakeCall([action('fetch', { event_url: 'http://h/more' }), action('block')]).begin()
    assert.deepEqual(call.errands, [
      {
        kind: 'fetchActions',
        url: 'http://h/more',
        method: 'POST',
        body: { activeflow_id: id(1), reference_id: id(3) },
      },
    ])
    const fetched = [action('variable_set', { key: 'a', value: '1' }), action('sleep', { duration: 500 })]
    call.errandDone({ ok: true, actions: fetched })
    assert.equal(call.current, 'sleep')
    assert.equal(call.woken().current, 'block')
    assert.equal(call.variable('a'), '1')
  })

  test('a fetch that fails, or brings nothing, goes on', () => {
    for (const result of [{ ok: false, why: 'timeout' } as const, { ok: true, actions: [] } as const]) {
      const call = new FakeCall([action('fetch', { event_url: 'http://h/' }), action('block')]).begin()
      assert.equal(call.errandDone(result).current, 'block')
    }
  })

  test('fetch_flow takes the actions of a stored flow', () => {
    const call = new FakeCall([action('fetch_flow', { flow_id: id(5) }), action('block')]).begin()
    assert.deepEqual(call.errands, [{ kind: 'readFlow', flowId: id(5) }])
    const actions = [action('sleep', { duration: 500 })] as unknown as JsonObject[]
    assert.equal(call.errandDone({ ok: true, flow: { actions } }).current, 'sleep')
  })

  test('message_send asks and goes on', () => {
    const option = { destinations: [{ target: '+15551234567' }], text: 'Hi' }
    const call = new FakeCall([action('message_send', option), action('block')]).begin()
    assert.deepEqual(call.errands, [{ kind: 'message', source: null, destinations: [PHONE], text: 'Hi' }])
    assert.equal(call.current, 'block')
  })
})

test('variable_set sets what later actions read', () => {
  const call = new FakeCall([
    action('variable_set', { key: 'name', value: 'Ann' }),
    action('variable_set', { key: 'greeting', value: 'Hello ${name}' }),
    action('talk', { text: '${greeting}!' }),
  ]).begin()
  assert.equal((call.all('speak')[0] as { words: string }).words, 'Hello Ann!')
})

test('what is accepted but has no part here is skipped', () => {
  const types = ['ai_task', 'external_media_start', 'external_media_stop', 'queue_join', 'email_send', 'case_create']
  const call = new FakeCall([...types.map((type) => action(type)), action('block')]).begin()
  assert.deepEqual(call.executed, [...types, 'block'])
  assert.equal(call.skipped.length, types.length)
})
