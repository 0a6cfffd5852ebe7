import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Screen } from './screen.ts'
import { STAGE_NAMES } from './turns.ts'

function shown(colour: boolean, draw: (screen: Screen) => void): string {
  const pieces: string[] = []
  draw(new Screen({ write: (more) => pieces.push(more), colour }))
  return pieces.join('')
}

const stages = STAGE_NAMES.map((name, index) => ({ name, ms: 10 + index * 10 }))

test('without colour there is not one escape, and unheard words are bracketed', () => {
  const text = shown(false, (screen) => {
    screen.heading('Demo')
    screen.agent('On Sunday', ' we open at noon.')
    screen.turn(412, stages)
    screen.unrecognised()
    screen.verdict(['It failed.'])
  })
  assert.ok(!text.includes('\u001b'))
  assert.match(text, /On Sunday\[not heard: we open at noon\.\]/)
  assert.match(text, / 412 ms/)
  assert.match(text, /FAILED {2}It failed\./)
})

test('with colour unheard words are struck through', () => {
  assert.match(
    shown(true, (screen) => screen.agent('On Sunday', ' we open.')),
    /\u001b\[9m we open\.\u001b\[0m/,
  )
})

test('a bar is as long as its turn, one glyph a stage, and stays on one line', () => {
  const bar = shown(false, (screen) => screen.turn(280, stages)).split('\n')[0]!
  assert.equal(bar.replace(/^ *280 ms {2}/, '').length, 28)
  const slow = [{ name: 'agent', ms: 60_000 }]
  assert.ok(shown(false, (screen) => screen.turn(60_000, slow)).split('\n')[0]!.length < 110)
})

test('a turn without an answer shows no bar', () => {
  assert.equal(
    shown(false, (screen) => screen.turn(null, stages)),
    '',
  )
})
