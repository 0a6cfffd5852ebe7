/** The house's rules that a newcomer breaks first: who may import whom, and what pure parts may not touch. */

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'

/** Folder -> folders it may import values from. Types of ports may be imported by all. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  kernel: [],
  contract: ['kernel'],
  sip: ['kernel'],
  // How long a suite's keys are is part of the grammar of a=crypto.
  sdp: ['kernel', 'rtp/srtp/suite.ts'],
  rtp: ['kernel'],
  audio: ['kernel'],
  calls: ['kernel', 'contract', 'media/protocol.ts'],
  media: ['kernel', 'rtp', 'audio'],
  net: ['kernel'],
  speech: ['kernel', 'audio'],
  store: ['kernel', 'contract'],
  cluster: ['kernel', 'contract'],
  api: ['kernel', 'contract', 'calls', 'store/port.ts', 'net/addresses.ts'],
  drivers: ['kernel', 'contract', 'sip', 'sdp', 'rtp', 'audio', 'calls', 'media', 'net', 'speech', 'store', 'cluster'],
  phone: ['kernel', 'sip', 'sdp', 'rtp', 'audio', 'net', 'speech', 'drivers'],
}
const PURE = ['kernel', 'contract', 'sip', 'sdp', 'rtp', 'audio', 'calls', 'media']
const PORT_FILES = /(\/|^)(port|ports|protocol|types|commands)\.ts$/
const FORBIDDEN_IN_PURE: readonly (readonly [RegExp, string])[] = [
  [/\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bprocess\.hrtime\b/, 'reads a clock'],
  [/\bMath\.random\b|\brandomBytes\b|\brandomUUID\b/, 'draws randomness'],
  [/\bsetTimeout\b|\bsetInterval\b|\bsetImmediate\b/, 'sets a timer'],
  [/\bprocess\.env\b/, 'reads the environment'],
  [/from 'node:(fs|net|dgram|http|https|worker_threads|child_process|tls|os)/, 'touches the world'],
]
/** Media opens its socket through a port, the one thing it waits for. */
const MAY_AWAIT = ['media']

const root = path.resolve(import.meta.dirname, '../..')
const files = globSync('src/**/*.ts', { cwd: root }).filter(
  (file) => !/\.(test|prop\.test|suite)\.ts$|test-world|drills|stress-worker/.test(file),
)

function room(file: string): string {
  return file.split('/')[1] ?? ''
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
}

test('every folder imports only what its row of the table allows', () => {
  const wrong: string[] = []
  for (const file of files) {
    const allowed = MAY_IMPORT[room(file)]
    if (!allowed) continue
    for (const match of readFileSync(path.join(root, file), 'utf8').matchAll(
      /^import\s+(type\s+)?([^'"]*?)from\s+'(\.[^']+)'/gm,
    )) {
      const target = path.relative(root, path.resolve(root, path.dirname(file), match[3]!))
      const from = room(target)
      if (from === room(file)) continue
      const onlyTypes = match[1] !== undefined || /^\{(\s*type\s+\w+\s*,?)+\s*\}\s*$/.test(match[2]!.trim())
      if (onlyTypes && PORT_FILES.test(target)) continue
      if (allowed.some((one) => from === one || target === `src/${one}`)) continue
      wrong.push(`${file} imports ${target}`)
    }
  }
  assert.deepEqual(wrong, [])
})

test('pure folders touch no clock, timer, randomness, environment or socket, and wait for nothing', () => {
  const wrong: string[] = []
  for (const file of files.filter((one) => PURE.includes(room(one)))) {
    const text = withoutComments(readFileSync(path.join(root, file), 'utf8'))
    for (const [pattern, what] of FORBIDDEN_IN_PURE) if (pattern.test(text)) wrong.push(`${file} ${what}`)
    if (/(?<![#\w])await\b/.test(text) && !MAY_AWAIT.includes(room(file))) wrong.push(`${file} awaits`)
  }
  assert.deepEqual(wrong, [])
})

test('only config.ts reads the environment', () => {
  const readers = files.filter((file) =>
    /\bprocess\.env\b/.test(withoutComments(readFileSync(path.join(root, file), 'utf8'))),
  )
  assert.deepEqual(
    readers.filter((file) => !/^src\/(config|main)\.ts$|^src\/demo\/agent\/main\.ts$/.test(file)),
    [],
  )
})

test('no import circles', () => {
  const imports = new Map<string, string[]>()
  for (const file of files) {
    const targets: string[] = []
    for (const match of readFileSync(path.join(root, file), 'utf8').matchAll(
      /^(?:import|export)\s+(?!type\b)[^'"]*?from\s+'(\.[^']+)'/gm,
    )) {
      targets.push(path.relative(root, path.resolve(root, path.dirname(file), match[1]!)))
    }
    imports.set(file, targets)
  }
  const done = new Set<string>()
  const circles: string[] = []
  const visit = (file: string, trail: readonly string[]): void => {
    const at = trail.indexOf(file)
    if (at >= 0) circles.push([...trail.slice(at), file].join(' -> '))
    if (at >= 0 || done.has(file)) return
    for (const target of imports.get(file) ?? []) visit(target, [...trail, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  assert.deepEqual(circles, [])
})
