/** Our G.722 beside Debian's libspandsp, on more and longer signals than the stored hashes of src/audio/g722.test.ts. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { G722Decoder, G722Encoder } from '../../src/audio/g722.ts'
import { noise, square, voice } from '../../src/audio/signals.suite.ts'
import { lacking } from './tools.ts'

const skip = lacking('cc') || lackingSpandsp()
const SECONDS = 20
const SEED = Number(process.env['SEED'] ?? 20_261_121)

function lackingSpandsp(): string | false {
  try {
    execFileSync('cc', ['-E', '-x', 'c', '-'], { input: '#include <spandsp.h>', stdio: ['pipe', 'ignore', 'ignore'] })
    return false
  } catch {
    return 'not installed here: libspandsp-dev'
  }
}

let folder = ''
let oracle = ''

before(() => {
  if (skip !== false) return
  folder = mkdtempSync(path.join(tmpdir(), 'quietline-g722-'))
  oracle = path.join(folder, 'g722')
  execFileSync('cc', ['-O2', '-o', oracle, path.join(import.meta.dirname, 'oracles/g722.c'), '-lspandsp'])
})

after(() => {
  if (folder !== '') rmSync(folder, { recursive: true, force: true })
})

function ask(what: 'encode' | 'decode', input: Uint8Array): Uint8Array {
  return Uint8Array.from(execFileSync(oracle, [what], { input, maxBuffer: 1e8 }))
}

function encoded(pcm: Int16Array): Uint8Array {
  const encoder = new G722Encoder()
  const octets = new Uint8Array(pcm.length / 2)
  for (let from = 0; from < pcm.length; from += 320) encoder.encode(pcm.subarray(from, from + 320), octets, from / 2)
  return octets
}

function decoded(octets: Uint8Array): Int16Array {
  const decoder = new G722Decoder()
  const pcm = new Int16Array(2 * octets.length)
  for (let at = 0; at < octets.length; at += 160) decoder.decode(octets, at, 160, pcm.subarray(2 * at, 2 * at + 320))
  return pcm
}

const LENGTH = 16_000 * SECONDS
const SIGNALS: Readonly<Record<string, () => Int16Array>> = {
  'a voice': () => voice(16_000, LENGTH, SEED),
  noise: () => noise(LENGTH, 8_000, SEED),
  'noise of full scale': () => noise(LENGTH, 32_767, SEED),
  'a square wave': () => square(LENGTH),
}

for (const [name, make] of Object.entries(SIGNALS)) {
  test(`${name} of ${SECONDS} s is the oracle's bit by bit (seed ${SEED})`, { skip }, () => {
    const pcm = make()
    const theirs = ask('encode', new Uint8Array(pcm.buffer))
    assert.deepEqual(encoded(pcm), theirs)
    const sound = new Int16Array(ask('decode', theirs).buffer)
    const ours = decoded(theirs)
    assert.equal(ours.length, sound.length)
    // Debian's spandsp 0.0.6 wraps at the rail; there the recommendation clips, and so do we.
    for (const [n, sample] of ours.entries()) {
      const isAtRail = sample === 32_767 || sample === -32_768
      if (sample !== sound[n] && !isAtRail) assert.fail(`sample ${n}: ${sample}, the oracle has ${sound[n]}`)
    }
  })
}
