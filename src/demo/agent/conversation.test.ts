import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Conversation, type Input, type Output } from './conversation.ts'
import { GOODBYE, GREETING } from './lines.ts'
import { phrasesFor, understand } from './phrases.ts'

/** A caller and the server in one: knows what is being said, and settles it. */
class World {
  readonly conversation = new Conversation()
  readonly log: Output[] = []
  now = 1_000
  saying: string[] = []

  give(input: Input): Output[] {
    const outputs = this.conversation.handle(input, this.now)
    this.log.push(...outputs)
    for (const output of outputs) if (output.kind === 'say') this.saying.push(output.text)
    return outputs
  }

  /** Lets the agent finish, says one sentence, and returns the text of the answer. */
  ask(text: string): string {
    this.finish()
    return said(this.give({ kind: 'heard', text }))
  }

  finish(): Output[] {
    return this.saying.splice(0).flatMap((text) => this.give({ kind: 'settled', text, heard: text, finished: true }))
  }

  /** The server reports the cut of what was being said, after `words` words. */
  cut(words: number): Output[] {
    const text = this.saying.shift()!
    const heard = text
      .split(' ')
      .slice(0, words)
      .join(' ')
      .replace(/[.,?]$/, '')
    return this.give({ kind: 'settled', text, heard, finished: false })
  }
}

function answered(): World {
  const world = new World()
  world.give({ kind: 'answered' })
  return world
}

function said(outputs: readonly Output[]): string {
  return outputs.flatMap((output) => (output.kind === 'say' ? [output.text] : [])).join('|')
}

function kinds(outputs: readonly Output[]): string[] {
  return outputs.map((output) => output.kind).filter((kind) => kind !== 'wake')
}

describe('a booking', () => {
  test('goes from the greeting to a booked table, offering the sentences of each step', () => {
    const world = answered()
    assert.deepEqual(world.saying, [GREETING])
    assert.match(world.ask('book a table'), /Which day/)
    assert.match(world.ask('on friday'), /^On Friday, good\. At what time/)
    assert.match(world.ask('Half past seven.'), /^At half past seven, good\. For how many/)
    assert.equal(world.ask('for four people'), 'A table for four people, on Friday, at half past seven. Is that right?')
    assert.match(world.ask('yes please'), /^Your table is booked, for four people, on Friday, at half past seven\./)
    const offers = world.log.flatMap((output) => (output.kind === 'phrases' ? [output.phrases] : []))
    assert.deepEqual(offers, (['day', 'time', 'party', 'confirm', 'menu'] as const).map(phrasesFor))
  })

  test('survives corrections, on the way and at the end', () => {
    const world = answered()
    for (const text of ['book a table', 'monday', 'on sunday', 'at six', 'six people']) world.ask(text)
    assert.match(world.ask('no thank you'), /^Tell me what to change/)
    assert.match(world.ask('at eight'), /for six people, on Sunday, at eight\. Is that right/)
    assert.match(world.ask('no thank you'), /^Tell me what to change/)
    assert.match(world.ask('for two people'), /for two people, on Sunday, at eight/)
    assert.match(world.ask('yes please'), /^Your table is booked/)
  })

  test('answers a question in between and asks again', () => {
    const world = answered()
    world.ask('book a table')
    assert.match(world.ask('opening hours'), /^From Monday .* Which day would you like\?$/)
    assert.match(world.ask('tomorrow'), /^Tomorrow, good/)
  })

  test('can be dropped', () => {
    const world = answered()
    world.ask('book a table')
    assert.match(world.ask('no thank you'), /no booking then/)
    assert.equal(world.conversation.topic, 'menu')
  })
})

describe('an interruption', () => {
  test('the sound of speech alone cuts nothing', () => {
    const world = answered()
    assert.deepEqual(kinds(world.give({ kind: 'speechStarted' })), [])
  })

  test('stop flushes at once, and the word it stopped after is told when the server knows it', () => {
    const world = answered()
    world.ask('what are your opening hours')
    assert.deepEqual(kinds(world.give({ kind: 'heard', text: 'stop' })), ['flush'])
    assert.equal(said(world.cut(2)), "You stopped me after the word 'Monday'. Shall I go on?")
  })

  for (const text of ['go on', 'yes please']) {
    test(`${text} goes on from the cut word, also after a second cut`, () => {
      const world = answered()
      world.ask('opening hours')
      world.give({ kind: 'heard', text: 'wait a moment' })
      world.cut(5)
      assert.match(world.ask(text), /^open at five in the afternoon, and .* by the sea\.$/)
      world.give({ kind: 'heard', text: 'stop' })
      assert.match(said(world.cut(3)), /after the word 'five'/)
      assert.match(world.ask(text), /^in the afternoon, and .* by the sea\.$/)
      assert.match(world.ask('say that again'), /^From Monday/)
    })
  }

  test('start again begins at the beginning', () => {
    const world = answered()
    world.ask('opening hours')
    world.give({ kind: 'heard', text: 'stop' })
    world.cut(6)
    assert.match(world.ask('start again'), /^From Monday to Thursday/)
  })

  test('no thank you drops the rest', () => {
    const world = answered()
    world.ask('opening hours')
    world.give({ kind: 'heard', text: 'stop' })
    world.cut(6)
    assert.match(world.ask('no thank you'), /^All right/)
    assert.match(world.ask('go on'), /^I had said everything/)
  })

  test('before the first word there is no word to name', () => {
    const world = answered()
    world.ask('opening hours')
    world.give({ kind: 'heard', text: 'stop' })
    assert.match(said(world.cut(0)), /^You stopped me before my first word/)
    assert.match(world.ask('go on'), /^From Monday/)
  })

  test('a stop that comes when the last word is out says so', () => {
    const world = answered()
    world.ask('opening hours')
    world.give({ kind: 'heard', text: 'stop' })
    assert.match(said(world.finish()), /^I had just finished/)
  })

  test('another sentence flushes and is answered at once', () => {
    const world = answered()
    const outputs = world.give({ kind: 'heard', text: 'book a table' })
    assert.deepEqual(kinds(outputs), ['flush', 'say', 'phrases'])
    const late = world.cut(2)
    assert.deepEqual(kinds(late), [], 'how far the greeting came is of no interest')
  })

  test('go on while it speaks changes nothing', () => {
    assert.deepEqual(kinds(answered().give({ kind: 'heard', text: 'go on' })), [])
  })

  test('a cut that is never reported is asked about all the same', () => {
    const world = answered()
    world.ask('opening hours')
    world.give({ kind: 'heard', text: 'stop' })
    world.now += 2_000
    assert.match(said(world.give({ kind: 'woke' })), /^You stopped me before my first word/)
  })
})

describe('what it does not understand', () => {
  test('is said to be outside, and more briefly from the third time on', () => {
    const world = answered()
    const answers = [1, 2, 3].map(() => {
      world.finish()
      return said(world.give({ kind: 'unrecognised' }))
    })
    assert.match(answers[0]!, /outside my demo phrases/)
    assert.equal(answers[1], answers[0])
    assert.equal(answers[2], 'Say help.')
    world.ask('opening hours')
    world.finish()
    assert.match(said(world.give({ kind: 'unrecognised' })), /outside/)
  })

  test('is left alone while the agent speaks', () => {
    const world = answered()
    assert.deepEqual(kinds(world.give({ kind: 'unrecognised' })), [])
  })

  test('gets the open question again inside a booking, and after an interruption', () => {
    const world = answered()
    world.ask('book a table')
    world.finish()
    assert.match(said(world.give({ kind: 'unrecognised' })), /Which day would you like\?$/)
    world.give({ kind: 'heard', text: 'stop' })
    world.cut(2)
    world.finish()
    assert.match(said(world.give({ kind: 'unrecognised' })), /yes please.*Shall I go on\?$/)
  })

  test('also means a sentence of another topic', () => {
    assert.match(answered().ask('for four people'), /outside/)
  })
})

describe('keys', () => {
  test('mirror the sentences of each step', () => {
    const world = answered()
    const press = (digit: string) => {
      world.finish()
      return said(world.give({ kind: 'key', digit }))
    }
    assert.match(press('1'), /^From Monday/)
    assert.match(press('4'), /nobody/)
    assert.match(press('0'), /^You can say/)
    assert.match(press('2'), /Which day/)
    assert.match(press('5'), /^On Friday/)
    assert.match(press('7'), /^At seven/)
    assert.match(press('4'), /for four people, on Friday, at seven/)
    assert.match(press('1'), /booked/)
    assert.equal(press('9'), '')
    world.finish()
    assert.deepEqual(kinds(world.give({ kind: 'key', digit: '3' })), ['measure'])
    assert.equal(press('#'), GOODBYE)
  })

  test('one goes on and two does not, when stopped', () => {
    const world = answered()
    world.ask('opening hours')
    world.give({ kind: 'key', digit: '*' })
    world.cut(2)
    world.finish()
    assert.match(said(world.give({ kind: 'key', digit: '1' })), /^to Thursday/)
  })
})

describe('how fast are you', () => {
  const turn = { last_voiced_ms: 1000, end_of_turn_ms: 1300, final_ms: 1302, say_ms: 1310, first_voice_ms: 1420 }
  const none = { ...turn, first_voice_ms: null }

  test('is answered from the record of the call', () => {
    const world = answered()
    world.finish()
    assert.deepEqual(kinds(world.give({ kind: 'heard', text: 'how fast are you' })), ['measure'])
    const timings = { turns: [turn, none], flushes: [{ asked_ms: 5000, silent_ms: 5021 }] }
    const answer = said(world.give({ kind: 'timings', timings }))
    assert.match(answer, /^From your last sound to my first, four hundred and twenty milliseconds\./)
    assert.match(answer, /silent after twenty one milliseconds/)
  })

  test('says so when there is no answered turn yet, or no record', () => {
    for (const timings of [{ turns: [none], flushes: [] }, null]) {
      const world = answered()
      world.ask('how fast are you')
      assert.match(said(world.give({ kind: 'timings', timings })), /not answered you often|could not read/)
    }
  })

  test('is not answered any more when the caller went on to something else', () => {
    const world = answered()
    world.ask('how fast are you')
    world.ask('opening hours')
    assert.deepEqual(kinds(world.give({ kind: 'timings', timings: { turns: [turn], flushes: [] } })), [])
  })
})

describe('the end', () => {
  test('it hangs up when its goodbye has been heard, and not before', () => {
    const world = answered()
    assert.equal(world.ask('goodbye'), GOODBYE)
    assert.equal(
      world.log.some((output) => output.kind === 'hangup'),
      false,
    )
    assert.deepEqual(kinds(world.give({ kind: 'heard', text: 'opening hours' })), [])
    assert.deepEqual(kinds(world.finish()), ['hangup'])
  })

  test('a goodbye over its own voice waits for the goodbye, not for what was cut', () => {
    const world = answered()
    assert.deepEqual(kinds(world.give({ kind: 'heard', text: 'goodbye' })), ['flush', 'say'])
    assert.deepEqual(kinds(world.cut(2)), [])
    assert.deepEqual(kinds(world.finish()), ['hangup'])
  })

  test('a silent caller is asked twice and then left', () => {
    const world = answered()
    const heard: string[] = []
    for (let round = 0; round < 3; round++) {
      world.finish()
      world.now += 31_000
      heard.push(said(world.give({ kind: 'woke' })))
    }
    assert.match(heard[0]!, /Are you still there/)
    assert.match(heard[1]!, /Are you still there/)
    assert.match(heard[2]!, /hang up/)
    assert.deepEqual(kinds(world.finish()), ['hangup'])
  })

  test('say that again repeats the answer, not the remark about it', () => {
    const world = answered()
    world.ask('talk to a person')
    world.finish()
    world.give({ kind: 'unrecognised' })
    assert.match(world.ask('say that again'), /nobody is sitting/)
  })
})

test('no order of inputs leads to an impossible cell, and every topic is reached', () => {
  const inputs: Input[] = [
    ...phrasesFor('confirm').map((text): Input => ({ kind: 'heard', text })),
    { kind: 'unrecognised' },
    { kind: 'woke' },
    { kind: 'timings', timings: null },
    { kind: 'key', digit: '5' },
    { kind: 'speechStarted' },
  ]
  const reached = new Set<string>()
  for (const first of inputs) {
    for (const second of inputs) {
      const world = answered()
      for (const text of ['book a table', 'friday', 'at seven', 'for two']) {
        for (const input of [first, second, { kind: 'heard', text } as const]) {
          world.give(input)
          if (world.saying.length > 1) world.cut(1)
          reached.add(world.conversation.topic)
          world.now += 700
        }
      }
    }
  }
  assert.deepEqual([...reached].sort(), ['confirm', 'day', 'leaving', 'menu', 'party', 'time'])
})

test('each offered sentence is understood, means one thing, and is lower case without punctuation', () => {
  const all = new Set((['menu', 'day', 'time', 'party', 'confirm'] as const).flatMap(phrasesFor))
  for (const text of all) {
    assert.match(text, /^[a-z' ]+$/)
    assert.ok(understand(text), text)
    assert.ok(understand(`${text.toUpperCase()}!`), text)
  }
  assert.equal(understand('my hovercraft is full of eels'), null)
  assert.ok(all.size < 110, `${all.size} sentences`)
})
