import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { FliteProgram } from './program.ts'

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const program = FliteProgram.installed()
const speak = (voice: string, text: string) => program.run(['-voice', voice, '-psdur', '-t', text, 'sound'])

test('a kept instance says exactly what a fresh one says, whatever was said before', () => {
  const fresh = speak('slt', 'Hello again.')
  const constants = digest(program.constants!)
  speak('rms', 'Something much longer, with 12,345 numbers in it and a second voice.')
  speak('kal16', '$5.20')
  const later = speak('slt', 'Hello again.')
  assert.equal(digest(later.files.get('sound')!), digest(fresh.files.get('sound')!))
  assert.equal(later.stdout, fresh.stdout)
  assert.equal(digest(program.constants!), constants)
})

test('a run that fails leaves nothing behind', () => {
  const before = speak('kal16', 'Fine.')
  assert.match(program.run(['-no-such-option']).stderr, /failed to open/)
  assert.equal(speak('kal16', 'Fine.').stdout, before.stdout)
})

test('it cannot reach a file of the machine', () => {
  const run = program.run(['-voice', 'kal16', '-f', import.meta.filename, 'none'])
  assert.match(run.stderr, /failed to open/)
  assert.equal(run.files.size, 0)
})
