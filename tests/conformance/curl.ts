/** The documents' curl commands without curl: the same texts as in tests/interop, sent by this process. */

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type Answer, askAnyone } from './client.ts'
import { assertAnswer } from './valid.ts'

const FOLDER = path.join(import.meta.dirname, '../interop')
const HOST = 'https://api.voipbin.net'

export function commandsOf(seed: string): string[] {
  return readFileSync(path.join(FOLDER, `seed-${seed}-curl.txt`), 'utf8')
    .trim()
    .split(/\n\n(?=curl)/)
}

/**
 * Sends what a command would.
 * @param replacements every key is replaced by its value: placeholders, sample ids, `$VARIABLES`
 */
export async function send(
  command: string,
  origin: string,
  replacements: Readonly<Record<string, string>>,
): Promise<Answer> {
  let text = command.replace(HOST, origin)
  for (const [sample, value] of Object.entries(replacements)) text = text.replaceAll(sample, value)
  const words = wordsOf(text)
  const url = words.find((word) => word.startsWith('http'))!
  const headers = Object.fromEntries(
    valuesOf(words, '-H', '--header').map((header) => {
      const [name = '', value = ''] = header.split(/:\s*/, 2)
      return [name.toLowerCase(), value]
    }),
  )
  const [method = 'GET'] = valuesOf(words, '-X', '--request')
  const [body] = valuesOf(words, '-d', '--data-raw')
  const answer = await askAnyone(url, method, body, headers)
  assertAnswer(method, url.slice(`${origin}/v1.0`.length), answer.status, answer.body)
  return answer
}

function valuesOf(words: readonly string[], ...names: readonly string[]): string[] {
  return words.flatMap((word, at) => (names.includes(word) ? [words[at + 1]!] : []))
}

/** The words a shell would make, as far as these texts need it: quotes, and lines that go on. */
function wordsOf(text: string): string[] {
  return [...text.replace(/\\\n/g, ' ').matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? '',
  )
}
